//! The list of notifications, and its stream.

use std::time::Duration;

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::private::PASSWORD;
use aipoten_tests::unique_email;
use anyhow::Context as _;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Person, parent, remind_of_videos};
use crate::platform::Platform;

/// Reads a stream until it holds all of these.
async fn read_until(stream: &mut Response, wanted: &[&str]) -> anyhow::Result<String> {
    let mut text = String::new();
    let reading = async {
        while !wanted.iter().all(|it| text.contains(it)) {
            let chunk = stream.chunk().await?.context("the stream has ended")?;
            text.push_str(std::str::from_utf8(&chunk)?);
        }
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(10), reading).await.with_context(|| format!("{wanted:?} does not come"))??;
    Ok(text)
}

#[tokio::test]
async fn a_person_reads_chooses_and_deletes_and_a_stream_tells_of_what_comes() -> anyhow::Result<()> {
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &own_broker_url("stream"))]).await;
    let (mina, stranger) = (parent(&platform).await?, parent(&platform).await?);
    let (api, unread) = (&mina.api, async || mina.api.get("/notifications/unread-count").await?.data(200));
    eventually("the welcome is there", async || unread().await.is_ok_and(|it| it["unread"] == 1)).await;

    let get = |token: &str| platform.api.with_token(token).request(Method::GET, "/notifications/stream");
    let mut stream = get(mina.token()).send().await?;
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "private, no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.headers()[name], value, "{name}");
    }
    assert!(!stream.headers().contains_key("content-encoding"));
    remind_of_videos(&platform, mina.id).await?;
    let told = read_until(&mut stream, &["event: new_notification", "\"type\":\"new_video\"", "\n\n"]).await?;
    assert!(told.contains("retry: 3000"), "{told}");

    let list = api.get("/notifications?limit=1").await?;
    assert_eq!(list.body["meta"]["total"], 2);
    let newest = list.data(200)?[0].clone();
    let id = newest["id"].as_str().context("an id")?;
    assert_eq!((&newest["type"], &newest["is_read"]), (&json!("new_video"), &json!(false)));
    assert_eq!(api.get("/notifications?type=new_video&unread_only=true").await?.body["meta"]["total"], 1);
    let wrong = api.get("/notifications?type=nothing").await?;
    assert_eq!((wrong.status.as_u16(), wrong.fields()), (400, vec!["type"]));
    for (method, path) in
        [(Method::PATCH, format!("/notifications/{id}/read")), (Method::DELETE, format!("/notifications/{id}"))]
    {
        let answer = stranger.api.send(stranger.api.request(method.clone(), &path)).await?;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    let read = api.send(api.request(Method::PATCH, &format!("/notifications/{id}/read"))).await?.data(200)?;
    assert_eq!(read["is_read"], true);
    assert_eq!(unread().await?["unread"], 1);
    let all = api.send(api.request(Method::PATCH, "/notifications/read-all")).await?.data(200)?;
    assert_eq!(all["unread"], 0);

    // Who comes again is told what was missed, by the id of the last event.
    remind_of_videos(&platform, mina.id).await?;
    eventually("it is told", async || unread().await.is_ok_and(|it| it["unread"] == 1)).await;
    let missed = api.get("/notifications?unread_only=true").await?.data(200)?[0]["id"].clone();
    let mut again = get(mina.token()).header("last-event-id", id).send().await?;
    read_until(&mut again, &[&format!("id: {}", missed.as_str().context("an id")?)]).await?;

    assert_eq!(api.delete(&format!("/notifications/{id}")).await?.status, 204);
    assert_eq!(api.delete(&format!("/notifications/{id}")).await?.status, 404);
    api.send(api.request(Method::POST, "/auth/logout")).await?.data(204)?;
    let ended = async {
        while stream.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(4), ended).await.context("the stream of an ended session stays")??;
    Ok(())
}

/// The private one and its public one. Nobody's: they were made for this test.
const WEB_PUSH_KEYS: (&str, &str) = (
    "qdUiVsR7PWl4hkrUSPmzWV9yWY_DD0SXh_iRREsB5-0",
    "BOxarMdnIN2mcZ3YTS9TjI2-JV5m0UWhfpbn_quZCWnNTv23EpzYv0BMkYfrCov6b-vg2gJELFgoY2MJDg6MnX8",
);

#[tokio::test]
async fn a_person_chooses_ways_and_registers_devices() -> anyhow::Result<()> {
    let platform = Platform::start_with(&[("AIPOTEN__NOTIFICATION__WEB_PUSH__PRIVATE_KEY", WEB_PUSH_KEYS.0)]).await;
    let (mina, stranger) = (parent(&platform).await?, parent(&platform).await?);
    let put = async |body: Value| {
        let request = mina.api.request(Method::PUT, "/notifications/preferences").json(&body);
        mina.api.send(request).await
    };
    let off = json!({ "type": "new_video", "channel": "push", "enabled": false });
    let chosen = put(json!({ "preferences": [off], "quiet_hours": false })).await?.data(200)?;
    assert_eq!(chosen["quiet_hours"], false);
    assert_eq!(mina.api.get("/notifications/preferences").await?.data(200)?["preferences"], chosen["preferences"]);
    let always = json!({ "preferences": [{ "type": "security", "channel": "email", "enabled": false }] });
    let always = put(always).await?;
    assert_eq!((always.status.as_u16(), always.code()), (400, "VALIDATION_ERROR"), "{}", always.body);
    let told = &always.body["error"]["details"][0]["message"];
    assert_eq!(told, "안전을 위해 또는 법에 따라 항상 보내는 알림이라 끌 수 없습니다.");

    let device = mina.api.post("/notifications/devices", json!({ "platform": "fcm", "token": "a-device" })).await?;
    let place = device.headers["location"].to_str()?.strip_prefix("/api/v1").context("below the prefix")?.to_owned();
    device.data(201)?;
    assert_eq!(stranger.api.delete(&place).await?.status, 404);
    assert_eq!(mina.api.delete(&place).await?.status, 204);
    assert_eq!(mina.api.delete(&format!("/notifications/devices/{}", Uuid::now_v7())).await?.status, 404);
    let shown = platform.api.get("/notifications/devices/web-push-key").await?.data(200)?;
    assert_eq!(shown["public_key"], WEB_PUSH_KEYS.1);
    Ok(())
}

#[tokio::test]
async fn a_therapist_who_is_connected_is_shown_as_online_in_search_and_profile() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let therapist = Person::of(platform.api.new_therapist(&unique_email("online"), PASSWORD).await?).await?;
    crate::calendars::list_therapist(&platform, therapist.id).await?;
    let profile = format!("/therapists/{}", therapist.id);
    let shown = async || {
        let (list, one) = (platform.api.get("/therapists").await?, platform.api.get(&profile).await?);
        anyhow::Ok((list.data(200)?[0]["is_online"].clone(), one.data(200)?["is_online"].clone()))
    };
    assert_eq!(shown().await?, (json!(false), json!(false)));
    let mut live = aipoten_tests::live::Live::with_token(platform.api.port(), therapist.token()).await?;
    let online = live.ask("therapist_online", json!({ "therapist_id": therapist.id })).await?;
    assert_eq!(online["success"], true, "{online}");
    assert_eq!(shown().await?, (json!(true), json!(true)), "whatever is kept of the answers");
    Ok(())
}
