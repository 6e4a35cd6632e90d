//! What leaves the platform: leased work, tried again when a provider is away.

pub(crate) mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aipoten_kit::{Process, Result};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use sqlx::types::Json;
use uuid::Uuid;

use crate::App;
use crate::device;
use crate::notification::Tell;
pub use crate::template::Channel;
use crate::template::Variables;

/// Rests between tries; after the last one it is given up.
const BACKOFF: [TimeDelta; 5] =
    [TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(30), TimeDelta::hours(2), TimeDelta::hours(12)];
/// Taken by a worker at once, and sent by it at the same time.
const BATCH: i64 = 50;
const TOGETHER: usize = 10;
/// A sender that takes longer is given up for this try: well within the lease.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a worker rests when nothing is due.
const REST: Duration = Duration::from_secs(1);

/// One thing to send to one person on one way.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id: the idempotency key for providers that take one.
    pub id: Uuid,
    /// The account it is for.
    pub user_id: Uuid,
    /// The way.
    pub channel: Channel,
    /// Name of the template.
    pub template: String,
    /// What the template speaks of.
    pub variables: Json<Variables>,
    /// The device, of push messages.
    pub device_id: Option<Uuid>,
    /// How often it was tried, this time included.
    pub attempts: i32,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it.
    Sent,
    /// It may work later. The text is kept for administrators: no address, no personal data.
    Retry(String),
    /// It will never work; the same of its text.
    Permanent(String),
    /// There is nobody or nothing to send it to any more: the account is gone, the address is verified already.
    Dropped(String),
    /// The device takes nothing any more: it is forgotten.
    DeviceGone,
}

/// Who sends on a way: the outside world.
pub trait Sender: Send + Sync {
    /// Sends it. May be asked again for the same delivery when the answer was lost.
    fn send<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome>;
}

/// The ways that are configured. What is for others waits.
#[derive(Clone, Default)]
pub struct Senders(HashMap<Channel, Arc<dyn Sender>>);

impl Senders {
    /// Adds a way.
    pub fn with(mut self, channel: Channel, sender: impl Sender + 'static) -> Self {
        self.0.insert(channel, Arc::new(sender));
        self
    }

    fn channels(&self) -> Vec<&'static str> {
        self.0.keys().map(|channel| channel.as_str()).collect()
    }
}

/// A delivery to put into line.
#[derive(Debug)]
pub(crate) struct NewDelivery<'a> {
    pub(crate) notification_id: Option<Uuid>,
    pub(crate) tell: &'a Tell,
    pub(crate) channel: Channel,
    pub(crate) device_id: Option<Uuid>,
    pub(crate) at: DateTime<Utc>,
}

impl<'a> NewDelivery<'a> {
    pub(crate) fn new(
        notification_id: Option<Uuid>,
        tell: &'a Tell,
        channel: Channel,
        device_id: Option<Uuid>,
        at: DateTime<Utc>,
    ) -> Self {
        Self { notification_id, tell, channel, device_id, at }
    }

    /// One for each way, and of push one for each device.
    pub(crate) fn dedupe_key(&self) -> String {
        let device = self.device_id.map(|id| format!(":{id}")).unwrap_or_default();
        format!("{}:{}{device}", self.tell.dedupe_key, self.channel.as_str())
    }
}

/// Sends what is due, until the process stops. Row locks and leases keep replicas apart.
pub(crate) fn start(app: &App, senders: Senders, process: &Process) {
    if senders.0.is_empty() {
        return;
    }
    let (app, stop) = (app.clone(), process.stop());
    process.spawn("notification deliveries", async move {
        while !stop.is_cancelled() {
            let taken = send_due(&app, &senders).await.unwrap_or_else(|error| {
                tracing::error!(stream = "error", error = format!("{error:#}"), "deliveries could not be sent");
                0
            });
            if taken < BATCH.unsigned_abs() as usize {
                stop.run_until_cancelled(tokio::time::sleep(REST)).await;
            }
        }
        Ok(())
    });
}

/// Says how many were tried.
async fn send_due(app: &App, senders: &Senders) -> Result<usize> {
    let due = store::claim(&mut *app.pool.acquire().await?, &senders.channels(), BATCH).await?;
    let taken = due.len();
    let tried = stream::iter(due).map(|delivery| attempt(app, senders, delivery)).buffer_unordered(TOGETHER);
    let failed: Vec<_> = tried.filter_map(async |settled: Result<()>| settled.err()).collect().await;
    failed.into_iter().next().map_or(Ok(taken), Err)
}

async fn attempt(app: &App, senders: &Senders, delivery: Delivery) -> Result<()> {
    let Some(sender) = senders.0.get(&delivery.channel) else { return Ok(()) };
    let outcome = tokio::time::timeout(TIMEOUT, sender.send(&delivery)).await;
    let outcome = outcome.unwrap_or_else(|_| Outcome::Retry(format!("no answer within {} s", TIMEOUT.as_secs())));
    settle(app, &delivery, outcome).await
}

async fn settle(app: &App, delivery: &Delivery, outcome: Outcome) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    match outcome {
        Outcome::Sent => store::sent(&mut tx, delivery).await?,
        Outcome::Retry(error) => match backoff(delivery.attempts) {
            Some(rest) => store::retry(&mut tx, delivery, Utc::now() + rest, &error).await?,
            None => store::end(&mut tx, delivery, "failed", &error).await?,
        },
        Outcome::Permanent(error) => store::end(&mut tx, delivery, "failed", &error).await?,
        Outcome::Dropped(why) => store::end(&mut tx, delivery, "dropped", &why).await?,
        Outcome::DeviceGone => {
            if let Some(device_id) = delivery.device_id {
                device::store::delete_gone(&mut tx, device_id).await?;
            }
            store::end(&mut tx, delivery, "dropped", "the device is gone").await?;
        }
    }
    Ok(tx.commit().await?)
}

/// The rest after so many tries; `None` when it is given up.
fn backoff(attempts: i32) -> Option<TimeDelta> {
    BACKOFF.get(usize::try_from(attempts).ok()?.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_six_times_with_longer_and_longer_rests() {
        let rests: Vec<_> = (1..10).map_while(backoff).collect();
        assert_eq!(rests, BACKOFF);
        assert!(rests.is_sorted());
        assert_eq!(backoff(0), None);
    }
}
