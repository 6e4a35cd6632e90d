//! What people learn at once: notifications over Socket.IO and Server-Sent Events, and online sessions.

mod browsers;
mod notifications;

use std::time::Duration;

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::live::{Live, Refusal};
use aipoten_tests::private::PASSWORD;
use aipoten_tests::{Api, unique_email};
use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::platform::Platform;

/// A person, and a token.
struct Person {
    api: Api,
    id: Uuid,
}

impl Person {
    async fn of(api: Api) -> anyhow::Result<Self> {
        let id = api.get("/users/me").await?.data(200)?["id"].as_str().context("an id")?.parse()?;
        Ok(Self { api, id })
    }

    fn token(&self) -> &str {
        self.api.token().unwrap_or_default()
    }
}

async fn parent(platform: &Platform) -> anyhow::Result<Person> {
    Person::of(platform.api.new_parent(&unique_email("live"), PASSWORD).await?).await
}

/// Has the person told of something, as a reminder whose time has come.
async fn remind(platform: &Platform, user_id: Uuid, template: &str, variables: Value) -> anyhow::Result<()> {
    let plant = "INSERT INTO scheduled_notifications (id, user_id, template, variables, due_at, dedupe_key)
         VALUES ($1, $2, $3, $4, now(), $1::text)";
    let row = sqlx::query(plant).bind(Uuid::now_v7()).bind(user_id).bind(template).bind(variables);
    row.execute(&platform.notification.pool).await?;
    Ok(())
}

async fn remind_of_videos(platform: &Platform, user_id: Uuid) -> anyhow::Result<()> {
    remind(platform, user_id, "new_videos", json!({ "videos": 3 })).await
}

/// The next event within ten seconds.
async fn heard(live: &mut Live) -> anyhow::Result<(String, Value)> {
    timeout(Duration::from_secs(10), live.hear()).await.context("nothing is heard")?
}

/// Joins the own room; what came within the last seconds is heard once more.
async fn joined(live: &mut Live) -> anyhow::Result<()> {
    let answer = live.ask("join_notification_room", json!({})).await?;
    ensure!(answer["success"] == true && answer["data"]["complete"] == true, "{answer}");
    Ok(())
}

/// Until something of this type comes.
async fn heard_of(live: &mut Live, kind: &str) -> anyhow::Result<(String, Value)> {
    loop {
        let (event, data) = heard(live).await?;
        if data["type"] == kind {
            return Ok((event, data));
        }
    }
}

#[tokio::test]
async fn whoever_is_connected_learns_at_once_at_whichever_gateway_and_only_of_the_own() -> anyhow::Result<()> {
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &own_broker_url("realtime"))]).await;
    let (_gateway, second) = platform.another_gateway().await;
    let (mina, other) = (parent(&platform).await?, parent(&platform).await?);
    let mut connections = Vec::new();
    for port in [platform.api.port(), second] {
        let auth = json!({ "token": mina.token(), "language": "en" });
        let mut live = Live::connect(port, &[], &auth).await?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        let foreign = live.ask("join_notification_room", json!({ "user_id": other.id })).await?;
        assert_eq!((&foreign["success"], &foreign["error"]["code"]), (&json!(false), &json!("PERMISSION_DENIED")));
        let alone = live.ask("join_notification_room", json!(other.id)).await?;
        assert_eq!(alone["error"]["code"], "PERMISSION_DENIED");
        let therapist = live.ask("therapist_online", json!({})).await?;
        assert_eq!(therapist["error"]["code"], "PERMISSION_DENIED");
        let unknown = live.ask("shout", json!({})).await?;
        assert_eq!(unknown["error"]["code"], "NOT_FOUND");
        joined(&mut live).await?;
        connections.push(live);
    }
    remind_of_videos(&platform, other.id).await?;
    remind_of_videos(&platform, mina.id).await?;
    remind(&platform, mina.id, "package_completed", json!({ "package_id": Uuid::now_v7() })).await?;
    let mut ids = Vec::new();
    for live in &mut connections {
        let (event, video) = heard_of(live, "new_video").await?;
        assert_eq!((event.as_str(), &video["title"]), ("new_notification", &json!("New play videos")));
        let (event, _) = heard_of(live, "matching_update").await?;
        assert_eq!(event, "matching_update");
        ids.push(video["id"].clone());
    }
    assert_eq!(ids[0], ids[1], "one notification, at both gateways");
    let list = mina.api.speaking("en").get("/notifications?type=new_video").await?.data(200)?;
    assert_eq!(list[0]["id"], ids[0], "and the one that the list shows");

    // Who was away learns what was missed.
    let auth = json!({ "token": mina.token(), "last_event_id": ids[0] });
    let mut late = Live::connect(second, &[], &auth).await?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    joined(&mut late).await?;
    heard_of(&mut late, "matching_update").await?;

    // An ended session is cut, wherever it is connected.
    mina.api.send(mina.api.request(Method::POST, "/auth/logout")).await?.data(204)?;
    for live in connections {
        let said = timeout(Duration::from_secs(4), live.end()).await.context("an ended session stays connected")?;
        let (event, data) = said.last().context("it is told why")?;
        assert_eq!((event.as_str(), &data["code"]), ("session_ended", &json!("UNAUTHENTICATED")));
    }
    let again = Live::connect(second, &[], &json!({ "token": mina.token() })).await?;
    assert_eq!(again.err(), Some(Refusal::Code("UNAUTHENTICATED".to_owned())));
    Ok(())
}

#[tokio::test]
async fn a_connection_needs_a_token_or_a_cookie_of_our_page_and_ends_with_either() -> anyhow::Result<()> {
    let variables = [
        ("AIPOTEN__GATEWAY__CORS_ORIGINS", "https://app.example.org"),
        ("AIPOTEN__GATEWAY__CSRF_KEY", "dev-a key of forty characters, not fewer"),
        ("AIPOTEN__GATEWAY__REALTIME__USER_CONNECTIONS", "3"),
        ("AIPOTEN__GATEWAY__REALTIME__MESSAGES", "20"),
        ("AIPOTEN__IDENTITY__SESSION__ACCESS_S", "12"),
    ];
    let platform = Platform::start_with(&variables).await;
    let port = platform.api.port();
    let mina = parent(&platform).await?;
    for auth in [json!({}), json!({ "token": "nonsense" }), json!("nonsense"), json!({ "token": 7 })] {
        let refused = Live::connect(port, &[], &auth).await?;
        assert_eq!(refused.err(), Some(Refusal::Code("UNAUTHENTICATED".to_owned())), "{auth}");
    }

    let cookie = format!("__Host-at={}", mina.token());
    for (origin, status) in [(None, 403), (Some("https://evil.example.org"), 403)] {
        let headers: Vec<_> =
            [("cookie", cookie.as_str())].into_iter().chain(origin.map(|it| ("origin", it))).collect();
        let refused = Live::connect(port, &headers, &json!({})).await?;
        assert_eq!(refused.err(), Some(Refusal::Http(status)), "{origin:?}");
    }
    let page = [("cookie", cookie.as_str()), ("origin", "https://app.example.org")];
    let mut first = Live::connect(port, &page, &json!({})).await?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let expiring = heard(&mut first).await?;
    assert_eq!(expiring.0, "token_expiring");
    let renewed = first.ask("authenticate", json!({ "token": mina.token() })).await?;
    assert!(renewed["data"]["expires_in"].as_i64().is_some_and(|it| it > 0), "{renewed}");
    let foreign = parent(&platform).await?;
    let other = first.ask("authenticate", json!({ "token": foreign.token() })).await?;
    assert_eq!(other["error"]["code"], "PERMISSION_DENIED");

    let _second = Live::with_token(port, mina.token()).await?;
    let mut third = Live::with_token(port, mina.token()).await?;
    let fourth = Live::connect(port, &[], &json!({ "token": mina.token() })).await?;
    assert_eq!(fourth.err(), Some(Refusal::Code("TOO_MANY_CONNECTIONS".to_owned())));
    let stream = mina.api.get("/notifications/stream").await?;
    assert_eq!((stream.status.as_u16(), stream.code()), (429, "RATE_LIMITED"));

    // Who says too much is ended, and makes room for another.
    let mut answers = Vec::new();
    while let Ok(answer) = third.ask("shout", json!({})).await {
        answers.push(answer);
        ensure!(answers.len() < 100, "nobody minds");
    }
    assert!(answers.len() >= 19, "{} were heard", answers.len());
    eventually("there is room again", async || Live::with_token(port, mina.token()).await.is_ok()).await;

    let mut loud = Live::with_token(port, foreign.token()).await?;
    let long = json!("a".repeat(40 * 1024));
    assert!(loud.ask("shout", long).await.is_err(), "a message that is too long ends the connection");

    // The token of the first connection expires.
    let said = timeout(Duration::from_secs(20), first.end()).await.context("a token that expired stays connected")?;
    assert_eq!(
        said.last().map(|(event, data)| (event.as_str(), data["code"].clone())),
        Some(("session_ended", json!("TOKEN_EXPIRED")))
    );
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_stops_ends_its_connections_and_streams_within_its_time() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (mut gateway, port) = platform.another_gateway().await;
    let mina = parent(&platform).await?;
    let live = Live::with_token(port, mina.token()).await?;
    let stream = format!("http://127.0.0.1:{port}/api/v1/notifications/stream");
    let stream = reqwest::Client::new().get(stream).bearer_auth(mina.token()).send().await?;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let pid = gateway.id().context("it runs")?.to_string();
    tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await?;
    timeout(Duration::from_secs(10), live.end()).await.context("the connection stays")?;
    timeout(Duration::from_secs(10), stream.text()).await.context("the stream stays")??;
    let ended = timeout(Duration::from_secs(10), gateway.wait()).await.context("the gateway stays")??;
    assert!(ended.success(), "{ended}");
    Ok(())
}
