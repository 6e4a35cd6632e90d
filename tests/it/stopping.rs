use std::time::{Duration, Instant};

use aipoten_kit::test::{eventually, own_broker_url};
use sqlx::PgPool;

use crate::load::Load;
use crate::platform::Platform;

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.expect("the database answers")
}

#[tokio::test]
async fn told_to_stop_under_load_it_finishes_what_it_began_and_loses_nothing() -> anyhow::Result<()> {
    let broker = own_broker_url("stopping");
    let mut platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let load = Load::start(&platform.api, 8).await?;
    eventually("it is under load", async || load.answered() > 200).await;

    let begun = Instant::now();
    platform.terminate().await;
    // As a load balancer does it: from the moment that it is not ready nothing new is sent.
    while platform.ops.get("//health/ready").await.is_ok_and(|it| it.status == 200) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    load.stop();
    let ended = platform.ended().await;
    let did = load.end().await;
    assert_eq!(did.failures, Vec::<String>::new());
    assert!(ended.success(), "{ended}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(did.deleted > 8, "{} children were deleted", did.deleted);

    platform.start_again().await;
    let deleted = i64::try_from(did.deleted)?;
    eventually("each deletion has arrived once", async || {
        count(&platform.matching.pool, "SELECT count(*) FROM erased_children").await == deleted
    })
    .await;
    for pool in [&platform.identity.pool, &platform.content.pool, &platform.matching.pool] {
        let unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";
        eventually("everything is sent", async || count(pool, unsent).await == 0).await;
        assert_eq!(count(pool, "SELECT count(*) FROM failed_events").await, 0);
    }
    platform.check_invariants().await;
    Ok(())
}
