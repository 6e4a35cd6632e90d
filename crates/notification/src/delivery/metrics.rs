//! Metrics of deliveries.

use aipoten_kit::Process;
use aipoten_kit::telemetry::count;
use metrics::{Counter, counter, gauge};

use super::{Channel, store};
use crate::App;

/// What a delivery ends as.
const ENDS: [&str; 3] = ["sent", "failed", "dropped"];

/// Counters begin at zero; what waits is asked of the database.
pub(super) fn start(app: &App, process: &Process) {
    for channel in Channel::ALL {
        for status in ENDS {
            ended(channel, status).increment(0);
        }
    }
    let app = app.clone();
    process.sample(move || {
        let app = app.clone();
        Box::pin(async move {
            if let Err(error) = measure(&app).await {
                tracing::warn!(%error, "waiting deliveries could not be counted");
            }
        })
    });
}

/// A delivery has come to its end.
pub(super) fn came_to(channel: Channel, status: &'static str) {
    count(ended(channel, status), 1);
}

async fn measure(app: &App) -> sqlx::Result<()> {
    let line = store::line(&mut *app.pool.acquire().await?).await?;
    for channel in Channel::ALL {
        let waiting = line.iter().find(|it| it.channel == channel);
        let (deliveries, late) = waiting.map_or((0.0, 0.0), |it| (it.deliveries, it.late));
        gauge!("aipoten_deliveries_waiting", "channel" => channel.as_str()).set(deliveries);
        gauge!("aipoten_deliveries_late_seconds", "channel" => channel.as_str()).set(late);
    }
    Ok(())
}

fn ended(channel: Channel, status: &'static str) -> Counter {
    counter!("aipoten_deliveries_total", "channel" => channel.as_str(), "status" => status)
}
