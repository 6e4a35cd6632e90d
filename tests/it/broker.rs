use std::path::Path;
use std::process::Stdio;

use aipoten_kit::test::eventually;
use aipoten_tests::private::PASSWORD;
use aipoten_tests::unique_email;
use serde_json::json;
use sqlx::PgPool;
use tokio::process::Command;

use crate::platform::Platform;

/// A broker of its own, which this test may stop.
struct Broker;

impl Broker {
    async fn start() -> Self {
        run("deploy/local/servers.sh", &["up", "fault", "rabbitmq"]).await;
        Self
    }

    async fn control(&self, command: &str) {
        run(".local/fault/rabbitmqctl", &[command]).await;
    }

    async fn end(self) {
        run("deploy/local/servers.sh", &["down", "fault", "rabbitmq"]).await;
    }
}

async fn run(program: &str, arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join(program));
    let status = command.args(arguments).current_dir(root).stdout(Stdio::null()).status().await;
    assert!(status.is_ok_and(|it| it.success()), "{program} {arguments:?} failed");
}

async fn rows(pool: &PgPool) -> i64 {
    let count = "SELECT (SELECT count(*) FROM development_assessments) + (SELECT count(*) FROM growth_measurements)";
    sqlx::query_scalar(count).fetch_one(pool).await.expect("content's database answers")
}

#[tokio::test]
async fn while_the_broker_is_away_requests_succeed_and_events_arrive_when_it_is_back() -> anyhow::Result<()> {
    let broker = Broker::start().await;
    let url = "amqp://guest:guest@127.0.0.1:26673/%2f";
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", url)]).await;
    let parent = platform.api.new_parent(&unique_email("broker"), PASSWORD).await?;
    let child = parent.new_child().await?;
    let child_id = child["id"].as_str().unwrap_or_default();
    parent.post("/assessments", json!({ "child_id": child_id })).await?.data(201)?;
    let growth = json!({ "measured_on": "2026-01-01", "weight_g": 9000 });
    parent.post(&format!("/children/{child_id}/growth"), growth).await?.data(201)?;

    broker.control("stop_app").await;
    eventually("readiness shows that the broker is away, and stays", async || {
        let ready = platform.ops.get("//health/ready").await;
        ready.is_ok_and(|it| it.status == 200 && it.body["checks"]["identity.broker"] == false)
    })
    .await;
    parent.delete(&format!("/children/{child_id}")).await?.data(204)?;
    assert_eq!(parent.get(&format!("/children/{child_id}")).await?.status, 404);
    assert_eq!(rows(&platform.content.pool).await, 2, "nothing travels without a broker");

    broker.control("start_app").await;
    eventually("content has erased what hung on the child", async || rows(&platform.content.pool).await == 0).await;
    broker.end().await;
    Ok(())
}
