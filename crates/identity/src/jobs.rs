//! What runs by the clock.

use std::time::{Duration, UNIX_EPOCH};

use aipoten_kit::Process;
use chrono::{DateTime, TimeDelta, Utc};
use metrics::gauge;
use tokio_util::sync::CancellationToken;

use crate::{App, audit, captcha, key, mail_token, session, user};

/// `revoked` is the newest of the revocations that were taken before serving.
pub(crate) fn start(app: &App, revoked: Option<DateTime<Utc>>, process: &Process) {
    forget(app, process);
    seal_audit(app, process);
    check_audit(app, process);
    tend_keys(app, process);
    process.spawn("identity erasure", {
        let (app, stop) = (app.clone(), process.stop());
        async move {
            while pause(&stop, Duration::from_secs(2)).await {
                if let Err(error) = user::erase_due(&app).await {
                    tracing::error!(stream = "error", error = format!("{error:#}"), "accounts could not be erased");
                }
            }
            Ok(())
        }
    });
    process.spawn("identity revocations", {
        let (app, stop) = (app.clone(), process.stop());
        async move {
            let mut newest = revoked;
            while pause(&stop, Duration::from_millis(500)).await {
                match session::take_revocations(&app, newest).await {
                    Ok(moment) => newest = newest.max(moment),
                    Err(error) => tracing::warn!(%error, "revocations could not be read"),
                }
            }
            Ok(())
        }
    });
}

fn seal_audit(app: &App, process: &Process) {
    process.spawn("identity audit seals", {
        let (app, stop) = (app.clone(), process.stop());
        async move {
            while pause(&stop, Duration::from_secs(1)).await {
                if let Err(error) = audit::seal(&app).await {
                    tracing::error!(
                        stream = "error",
                        error = format!("{error:#}"),
                        "the audit log could not be sealed"
                    );
                }
            }
            Ok(())
        }
    });
}

/// What was sealed since yesterday, now and every hour; `aipoten check-audit` checks all.
fn check_audit(app: &App, process: &Process) {
    process.spawn("identity audit check", {
        let (app, stop) = (app.clone(), process.stop());
        async move {
            loop {
                let today = Utc::now().date_naive();
                match audit::check(&app.pool, &app.audit_key, today - TimeDelta::days(1), today).await {
                    Ok(checked) => {
                        for fault in &checked.faults {
                            tracing::error!(stream = "audit", %fault, "the audit log is not as it was written");
                        }
                        tracing::info!(stream = "audit", good = checked.good, "the audit log was checked");
                        gauge!("aipoten_audit_faults").set(u32::try_from(checked.faults.len()).unwrap_or(u32::MAX));
                        gauge!("aipoten_audit_checked_timestamp_seconds").set(UNIX_EPOCH.elapsed().unwrap_or_default());
                    }
                    Err(error) => tracing::warn!(error = format!("{error:#}"), "the audit log could not be checked"),
                }
                if !pause(&stop, Duration::from_hours(1)).await {
                    return Ok(());
                }
            }
        }
    });
}

/// A key that another replica or a command has put in its place signs here within two seconds; one that was withdrawn is
/// believed no longer.
fn tend_keys(app: &App, process: &Process) {
    process.spawn("identity keys", {
        let (app, stop) = (app.clone(), process.stop());
        async move {
            while pause(&stop, Duration::from_secs(2)).await {
                if let Err(error) = key::tend(&app).await {
                    tracing::error!(
                        stream = "error",
                        error = format!("{error:#}"),
                        "the signing keys could not be looked after"
                    );
                }
            }
            Ok(())
        }
    });
}

/// Rows that only time makes useless.
fn forget(app: &App, process: &Process) {
    process.spawn("identity forgetting", {
        let (app, stop) = (app.clone(), process.stop());
        async move {
            while pause(&stop, Duration::from_mins(10)).await {
                let forgotten = [
                    captcha::forget_expired(&app).await,
                    session::forget_old_attempts(&app).await,
                    mail_token::forget_old(&app).await,
                    user::forget_former(&app).await,
                    audit::forget(&app).await,
                ];
                for forgotten in forgotten {
                    if let Err(error) = forgotten {
                        tracing::warn!(%error, "what has expired could not be deleted");
                    }
                }
            }
            Ok(())
        }
    });
}

async fn pause(stop: &CancellationToken, time: Duration) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
}
