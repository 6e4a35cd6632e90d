//! Tries failed events again, and at last gives them up to an administrator.

use std::time::{Duration, Instant};

use aipoten_kit::telemetry::counted;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::consume::Taking;
use crate::failed::store::{self as failed, Failed};
use crate::failure::Failure;
use crate::handler::HANDLER_TIMEOUT;
use crate::inbox;
use crate::taken::{self, Taken};

/// After the first failure, the second …; then the event is dead.
pub(crate) const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(10),
    Duration::from_hours(1),
];

const SWEEP: Duration = Duration::from_millis(500);
const CLEANING: Duration = Duration::from_mins(10);

/// A try that ended its process is lost after this.
const LEASE: Duration = HANDLER_TIMEOUT.saturating_mul(2);

pub(crate) async fn run(taking: &Taking, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut cleaned = None;
    while !stop.is_cancelled() {
        match sweep(taking, &mut cleaned).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(consumer = taking.service(), %error, "failed events are out of reach");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
    Ok(())
}

/// Says whether there may be more to do at once.
async fn sweep(taking: &Taking, cleaned: &mut Option<Instant>) -> sqlx::Result<bool> {
    let mut conn = taking.pool.acquire().await?;
    if cleaned.is_none_or(|at| at.elapsed() > CLEANING) && inbox::remove_old(&mut conn, taking.service()).await? == 0 {
        *cleaned = Some(Instant::now());
    }
    let due = failed::lease(&mut conn, taking.service(), LEASE).await?;
    drop(conn);
    let Some(failed) = due else { return Ok(false) };
    try_again(taking, &failed).instrument(failed.envelope.span(taking.service())).await?;
    Ok(true)
}

async fn try_again(taking: &Taking, failed: &Failed) -> sqlx::Result<()> {
    let pause = pause_after(taking.pauses(), failed.attempts);
    let Err(failure) = counted(apply(taking, failed)).await else { return Ok(()) };
    taken::note(taking.service(), &failed.envelope, Taken::Failed);
    let error = failure.text();
    if pause.is_none() {
        tracing::error!(stream = "error", error, "the event is dead: an administrator must replay or drop it");
    } else {
        tracing::warn!(error, attempts = failed.attempts, "the event failed again");
    }
    let mut conn = taking.pool.acquire().await?;
    failed::postpone(&mut conn, taking.service(), (failed.envelope.id, failed.attempts), &error, pause).await
}

async fn apply(taking: &Taking, failed: &Failed) -> Result<(), Failure> {
    let mut tx = taking.pool.begin().await?;
    if !failed::mark_replayed(&mut tx, taking.service(), failed.envelope.id, failed.attempts).await? {
        return Ok(());
    }
    taking.handlers().apply(&mut tx, &failed.envelope, &failed.payload).await?;
    tx.commit().await?;
    taken::note(taking.service(), &failed.envelope, Taken::Applied);
    taking.applied();
    tracing::info!(attempts = failed.attempts, "the event that had failed is applied");
    Ok(())
}

/// None after the last attempt.
fn pause_after(pauses: &[Duration], attempts: i32) -> Option<Duration> {
    let before = usize::try_from(attempts).unwrap_or(0).saturating_sub(1);
    pauses.get(before).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_six_times() {
        let pauses: Vec<_> = (1..=6).map(|attempts| pause_after(&PAUSES, attempts).map(|it| it.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(10), Some(60), Some(600), Some(3600), None]);
    }
}
