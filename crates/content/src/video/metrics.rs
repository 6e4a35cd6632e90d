//! Metrics of videos.

use aipoten_kit::Process;
use metrics::gauge;
use sqlx::PgPool;

use super::store;

/// Whether the addresses of published videos answer.
pub(crate) fn measure(pool: &PgPool, process: &Process) {
    let pool = pool.clone();
    process.sample(move || {
        let pool = pool.clone();
        Box::pin(async move {
            if let Err(error) = count(&pool).await {
                tracing::warn!(%error, "videos could not be counted");
            }
        })
    });
}

async fn count(pool: &PgPool) -> sqlx::Result<()> {
    let (there, gone) = store::link::answering(&mut *pool.acquire().await?).await?;
    gauge!("aipoten_videos", "state" => "there").set(there);
    gauge!("aipoten_videos", "state" => "gone").set(gone);
    Ok(())
}
