//! What runs by the clock.

use std::time::Duration;

use aipoten_kit::{Process, Result, forget_keys};

use crate::{App, bank_account, erasure, payment, reconcile, refund};

/// What is looked at again and again.
#[derive(Debug, Clone, Copy)]
enum Job {
    AskForPayments,
    Payments,
    Refunds,
    Reconciliation,
    ForgottenAccounts,
    OldKeys,
    ClosedBankAccounts,
    Erasures,
}

/// The table of jobs and how long each rests.
const JOBS: [(Job, Duration); 8] = [
    (Job::AskForPayments, Duration::from_secs(1)),
    (Job::Payments, Duration::from_millis(500)),
    (Job::Refunds, Duration::from_secs(1)),
    (Job::Reconciliation, Duration::from_mins(10)),
    (Job::ForgottenAccounts, Duration::from_mins(10)),
    (Job::OldKeys, Duration::from_mins(10)),
    (Job::ClosedBankAccounts, Duration::from_secs(2)),
    (Job::Erasures, Duration::from_secs(2)),
];

/// A job that fails is tried again at its next time. Row locks keep replicas apart.
pub(crate) fn start(app: &App, process: &Process) {
    for (job, rest) in JOBS {
        let (app, stop) = (app.clone(), process.stop());
        process.spawn("billing jobs", async move {
            while stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_some() {
                if let Err(error) = job.run(&app).await {
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
            Self::AskForPayments => payment::ask_for(app).await,
            Self::Payments => payment::sync(app).await,
            Self::ClosedBankAccounts => bank_account::forget_closed(app).await,
            Self::Erasures => erasure::clear(app).await,
            Self::Refunds => refund::ask_due(app).await,
            Self::Reconciliation => Ok(reconcile::reconcile_daily(app).await?),
            Self::ForgottenAccounts => refund::forget_accounts(app).await,
            Self::OldKeys => Ok(forget_keys(&mut *app.pool.acquire().await?).await?),
        }
    }
}
