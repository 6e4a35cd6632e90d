use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Api, unique_email};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::platform::Platform;

/// A dead event in content's database: a child was deleted.
async fn dead_event(content: &PgPool) -> Uuid {
    let (id, child) = (Uuid::now_v7(), Uuid::now_v7().to_string());
    let payload: Vec<u8> = [&[10, 36], child.as_bytes()].concat();
    let headers = json!({
        "id": id, "type": "aipoten.identity.v1.ChildDeleted", "source": "identity", "subject": format!("child/{child}"),
        "time": "2026-11-21T09:30:00Z", "aggregate_seq": 1,
    });
    sqlx::query(
        "INSERT INTO failed_events (consumer, event_id, type, headers, payload, error, attempts, next_at, state)
         VALUES ('content', $1, 'aipoten.identity.v1.ChildDeleted', $2, $3, 'it would not', 6, now(), 'dead')",
    )
    .bind(id)
    .bind(headers)
    .bind(payload)
    .execute(content)
    .await
    .expect("inserted");
    id
}

async fn state(content: &PgPool, id: Uuid) -> String {
    let state = "SELECT state FROM failed_events WHERE event_id = $1";
    sqlx::query_scalar(state).bind(id).fetch_one(content).await.expect("the event")
}

/// Who did what to it, as the audit log has it.
async fn audited(identity: &PgPool, id: Uuid) -> Vec<(Option<Uuid>, String)> {
    let acts =
        "SELECT actor_id, action FROM audit_logs WHERE resource = 'failed_event' AND resource_id = $1 ORDER BY id";
    sqlx::query_as(acts).bind(id).fetch_all(identity).await.expect("the audit log")
}

async fn admin(api: &Api) -> anyhow::Result<(Api, Uuid)> {
    let admin = api.sign_in(ADMIN.0, ADMIN.1).await?;
    let id = admin.get("/users/me").await?.data(200)?["id"].as_str().unwrap_or_default().parse()?;
    Ok((admin, id))
}

#[tokio::test]
async fn an_administrator_lists_replays_and_drops_events_that_failed_and_it_is_audited() -> anyhow::Result<()> {
    let broker = own_broker_url("failed-events");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let (content, identity) = (&platform.content.pool, &platform.identity.pool);
    let (good, bad) = (dead_event(content).await, dead_event(content).await);
    let (admin, admin_id) = admin(&platform.api).await?;

    let listed = admin.get("/admin/failed-events?consumer=content&state=dead").await?.data(200)?;
    let ids: Vec<&str> = listed.as_array().into_iter().flatten().filter_map(|it| it["event_id"].as_str()).collect();
    assert_eq!(ids, [bad.to_string(), good.to_string()]);
    assert_eq!(listed[0]["error"], "it would not");

    let consumer = json!({ "consumer": "content" });
    let replayed = admin.post(&format!("/admin/failed-events/{good}/replay"), consumer.clone()).await?.data(200)?;
    assert_eq!(replayed["state"], "waiting");
    eventually("the event is applied", async || state(content, good).await == "replayed").await;
    let again = admin.post(&format!("/admin/failed-events/{good}/replay"), consumer.clone()).await?;
    assert_eq!((again.status.as_u16(), again.code()), (409, "INVALID_STATE"));

    let unexplained = admin.post(&format!("/admin/failed-events/{bad}/drop"), consumer).await?;
    assert_eq!((unexplained.status.as_u16(), unexplained.fields()), (400, vec!["reason"]));
    let reason = json!({ "consumer": "content", "reason": "the child is gone" });
    let dropped = admin.post(&format!("/admin/failed-events/{bad}/drop"), reason).await?.data(200)?;
    assert_eq!((&dropped["state"], &dropped["reason"]), (&json!("dropped"), &json!("the child is gone")));

    eventually("both are in the audit log", async || {
        audited(identity, good).await == [(Some(admin_id), "failed_event.replayed".to_owned())]
            && audited(identity, bad).await == [(Some(admin_id), "failed_event.dropped".to_owned())]
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn failed_events_are_for_administrators_and_asked_of_one_service() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let parent = platform.api.new_parent(&unique_email("events"), PASSWORD).await?;
    for consumer in ["identity", "content"] {
        let path = format!("/admin/failed-events?consumer={consumer}");
        assert_eq!(parent.get(&path).await?.status, 403);
        assert_eq!(platform.api.get(&path).await?.status, 401);
        for act in ["replay", "drop"] {
            let body = json!({ "consumer": consumer, "reason": "no" });
            let body = if act == "drop" { body } else { json!({ "consumer": consumer }) };
            let path = format!("/admin/failed-events/{}/{act}", Uuid::now_v7());
            assert_eq!(parent.post(&path, body).await?.status, 403);
        }
    }
    let (admin, _) = admin(&platform.api).await?;
    let nobody = admin.get("/admin/failed-events").await?;
    assert_eq!((nobody.status.as_u16(), nobody.fields()), (400, vec!["consumer"]));
    assert_eq!(admin.get("/admin/failed-events?consumer=gateway").await?.status, 400);
    assert_eq!(admin.get("/admin/failed-events?consumer=identity").await?.data(200)?, json!([]));
    let unknown = format!("/admin/failed-events/{}/replay", Uuid::now_v7());
    assert_eq!(admin.post(&unknown, json!({ "consumer": "content" })).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn the_command_line_lists_replays_and_drops_them_too() -> anyhow::Result<()> {
    let broker = own_broker_url("failed-events-command");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let (content, identity) = (&platform.content.pool, &platform.identity.pool);
    let (good, bad) = (dead_event(content).await, dead_event(content).await);
    let command = async |arguments: &[&str]| {
        platform.command(&[&["failed-events"], arguments].concat()).await.map_err(anyhow::Error::msg)
    };

    let listed = command(&["list", "--consumer", "content", "--state", "dead"]).await?;
    let lines: Vec<Value> = listed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!((lines.len(), &lines[1]["event_id"]), (2, &json!(good)));

    command(&["replay", "--consumer", "content", &good.to_string()]).await?;
    eventually("the event is applied", async || state(content, good).await == "replayed").await;
    let (good, bad_id) = (good.to_string(), bad.to_string());
    let refused = command(&["replay", "--consumer", "content", &good]).await.expect_err("it is applied").to_string();
    assert!(refused.contains("replayed"), "{refused}");
    command(&["drop", "--consumer", "content", &bad_id]).await.expect_err("no reason is given");
    command(&["drop", "--consumer", "content", &bad_id, "--reason", "the child is gone"]).await?;
    assert_eq!(state(content, bad).await, "dropped");
    eventually("it is in the audit log, without an account", async || {
        audited(identity, bad).await == [(None, "failed_event.dropped".to_owned())]
    })
    .await;
    Ok(())
}
