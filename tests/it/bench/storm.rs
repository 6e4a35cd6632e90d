//! 200 logins at once: what others notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aipoten_tests::private::PASSWORD;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use super::cost::Process;
use super::data::{self, Parents};
use super::{VARIABLES, own_child, requests, run};
use crate::platform::Platform;

/// Others ask 500 times a second while the logins come again and again.
pub(crate) async fn measure(platform: &Platform, parents: &Arc<Parents>, app: Process) -> anyhow::Result<()> {
    let others = requests(parents, |connection, random| match random % 2 {
        0 => ("GET", format!("/children/{}", own_child(connection, random / 2))),
        _ => ("GET", "/videos?age=24".to_owned()),
    });
    let login = |number| {
        platform
            .api
            .post("/auth/login", json!({ "email": format!("{number}-{}", parents.email), "password": PASSWORD }))
    };
    let length = Duration::from_secs(5);
    // Without the logins first: what is late then, as on connections that are not open yet, is none of their doing.
    let alone = run(platform.api.port(), &others, Some(500), length).await?;
    let (before, peak) = (app.memory(), AtomicU64::new(0));
    let reading = run(platform.api.port(), &others, Some(500), length);
    let logins = tokio::time::timeout(length + Duration::from_secs(30), join_all((1..=200).map(login)));
    let watching = async {
        let end = tokio::time::Instant::now() + length;
        while tokio::time::Instant::now() < end {
            peak.fetch_max(app.memory(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (reading, logins, ()) = tokio::join!(reading, logins, watching);
    let (reading, logins) = (reading?, logins?);
    let with = |status: StatusCode| logins.iter().flatten().filter(move |it| it.status == status);
    let told = with(StatusCode::SERVICE_UNAVAILABLE).filter(|it| it.headers.contains_key("retry-after")).count();
    eprintln!(
        "\n200 logins at once: {} signed in, {told} told to come back later, {} others; other requests p50 {:.1} ms, \
         p99 {:.1} ms (without them {:.1} and {:.1} ms); memory {before} MiB, at most {} MiB",
        with(StatusCode::OK).count(),
        200 - with(StatusCode::OK).count() - told,
        reading.percentile(50),
        reading.percentile(99),
        alone.percentile(50),
        alone.percentile(99),
        peak.load(Ordering::Relaxed)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a quiet machine: make bench-storm"]
async fn sign_ins_at_once() -> anyhow::Result<()> {
    let platform = Platform::start_with(&VARIABLES).await;
    let parents = Arc::new(data::load(&platform).await?);
    for _ in 0..3 {
        measure(&platform, &parents, Process(platform.pid())).await?;
    }
    Ok(())
}
