//! What runs by the clock.

use std::time::Duration;

use aipoten_kit::{Process, Result};

use crate::schedule::daily::Daily;
use crate::{App, erasure, schedule};

/// What is looked at again and again.
#[derive(Debug, Clone, Copy)]
enum Job {
    Reminders,
    ForAll,
    Children,
    Unread,
    Old,
}

/// The table of jobs and how long each rests.
const JOBS: [(Job, Duration); 5] = [
    (Job::Reminders, Duration::from_secs(1)),
    (Job::ForAll, Duration::from_secs(1)),
    (Job::Children, Duration::from_mins(1)),
    (Job::Unread, Duration::from_mins(1)),
    (Job::Old, Duration::from_mins(10)),
];

/// A job that fails is tried again at its next time. Row locks and leases keep replicas apart.
pub(crate) fn start(app: &App, process: &Process) {
    for (job, rest) in JOBS {
        let (app, stop) = (app.clone(), process.stop());
        process.spawn("notification jobs", async move {
            while !stop.is_cancelled() {
                if let Err(error) = job.run(&app).await {
                    tracing::error!(stream = "error", ?job, error = format!("{error:#}"), "a job failed");
                }
                stop.run_until_cancelled(tokio::time::sleep(rest)).await;
            }
            Ok(())
        });
    }
}

impl Job {
    async fn run(self, app: &App) -> Result<()> {
        match self {
            Self::Reminders => schedule::tell_due(app).await,
            Self::ForAll => schedule::audience::tell_due(app).await,
            Self::Children => Daily::Children.run(app).await,
            Self::Unread => Daily::Unread.run(app).await,
            Self::Old => clean(app).await,
        }
    }
}

/// What is long over, and what was written in the moment of an erasure.
async fn clean(app: &App) -> Result<()> {
    while schedule::store::forget(&mut *app.pool.acquire().await?).await? > 0 {}
    let mut tx = app.pool.begin().await?;
    erasure::sweep(&mut tx).await?;
    Ok(tx.commit().await?)
}
