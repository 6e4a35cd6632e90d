//! What runs by the clock.

use std::time::Duration;

use aipoten_kit::telemetry::counted;
use aipoten_kit::{Process, Result};

use crate::{App, document, package, request, therapist};

/// What is given up or forgotten when its time is over.
#[derive(Debug, Clone, Copy)]
enum Job {
    UnpaidPackages,
    UnansweredRequests,
    OldKeys,
    Licences,
    LeftFiles,
}

/// The table of jobs and how long each rests.
const JOBS: [(Job, Duration); 5] = [
    (Job::UnpaidPackages, Duration::from_secs(1)),
    (Job::UnansweredRequests, Duration::from_secs(10)),
    (Job::OldKeys, Duration::from_mins(10)),
    (Job::Licences, Duration::from_secs(2)),
    (Job::LeftFiles, Duration::from_hours(1)),
];

/// A job that fails is tried again at its next time. Row locks keep replicas apart.
pub(crate) fn start(app: &App, process: &Process) {
    for (job, rest) in JOBS {
        let (app, stop) = (app.clone(), process.stop());
        process.spawn("matching jobs", async move {
            while stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_some() {
                if let Err(error) = counted(job.run(&app)).await {
                    tracing::error!(stream = "error", ?job, error = format!("{error:#}"), "a job failed");
                }
            }
            Ok(())
        });
    }
}

impl Job {
    async fn run(self, app: &App) -> Result<()> {
        match self {
            Self::UnpaidPackages => package::expire_unpaid(app).await,
            Self::UnansweredRequests => request::expire(app).await,
            Self::Licences => therapist::watch_licences(app).await,
            Self::LeftFiles => document::file::sweep(app).await,
            Self::OldKeys => Ok(aipoten_kit::forget_keys(&mut *app.pool.acquire().await?).await?),
        }
    }
}
