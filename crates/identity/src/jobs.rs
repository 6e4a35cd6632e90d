//! What runs by the clock.

use std::time::Duration;

use aipoten_kit::Process;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::{App, session, user};

/// `revoked` is the newest of the revocations that were taken before serving.
pub(crate) fn start(app: &App, revoked: Option<DateTime<Utc>>, process: &Process) {
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

async fn pause(stop: &CancellationToken, time: Duration) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
}
