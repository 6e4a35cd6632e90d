//! What leaves the platform: leased work, tried again when a provider is away.

mod email;
mod http;
mod metrics;
mod push;
mod recipient;
mod sms;
pub(crate) mod store;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aipoten_kit::telemetry::counted;
use aipoten_kit::{Process, Result};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::email::Email;
use self::push::Push;
pub(crate) use self::push::WebPushKey;
use self::sms::Sms;
use crate::notification::Tell;
pub use crate::template::Channel;
use crate::template::{Template, Variables};
use crate::{App, Config, device, schedule};

/// Rests between tries; after the last one it is given up.
const BACKOFF: [TimeDelta; 5] =
    [TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(30), TimeDelta::hours(2), TimeDelta::hours(12)];
/// The rest when the provider as a whole is away: no try of the delivery's own.
const DOWN: TimeDelta = TimeDelta::minutes(1);
/// How old a delivery may grow while its provider is away; later nobody wants to know any more.
const KEPT: TimeDelta = TimeDelta::days(3);
/// Taken by a worker and sent at the same time.
const TOGETHER: usize = 20;
/// A sender that takes longer is given up for this try: well within the lease.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a worker rests when nothing is due.
const REST: Duration = Duration::from_secs(1);
/// How long it rests when the provider is away.
const REST_DOWN: Duration = Duration::from_secs(2);

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
    /// Until when it is this worker's own; tells one claim from the next.
    pub claimed_until: DateTime<Utc>,
    /// When it was put into line.
    pub created_at: DateTime<Utc>,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it.
    Sent,
    /// It may work later. The text is kept for administrators: no address, no personal data. With how long we were asked to wait.
    Retry(String, Option<Duration>),
    /// The provider takes nothing at all at the moment, or we are not let in: whatever waits for it goes on waiting, and none of it is
    /// given up for that. The same of its text and time.
    Down(String, Option<Duration>),
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
    fn send<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> BoxFuture<'a, Outcome>;
}

/// The ways that are configured. What is for others waits.
#[derive(Clone, Default)]
pub struct Senders(HashMap<Channel, Arc<dyn Sender>>);

impl Senders {
    /// Those that the settings speak of.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let mut senders = Self::default();
        if let Some(email) = Email::new(config)? {
            senders = senders.with(Channel::Email, email);
        }
        if let Some(push) = Push::new(config)? {
            senders = senders.with(Channel::Push, push);
        }
        if let Some(sms) = Sms::new(&config.sms)? {
            senders = senders.with(Channel::Sms, sms);
        }
        Ok(senders)
    }

    /// Adds a way.
    pub fn with(mut self, channel: Channel, sender: impl Sender + 'static) -> Self {
        self.0.insert(channel, Arc::new(sender));
        self
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

/// Sends what is due, until the process stops: a worker for each way, so that none waits for a provider that is away. Row locks and
/// leases keep replicas apart.
pub(crate) fn start(app: &App, senders: Senders, process: &Process) {
    metrics::start(app, process);
    for (channel, sender) in senders.0 {
        let (app, stop) = (app.clone(), process.stop());
        process.spawn("notification deliveries", async move {
            work(&app, channel, sender, &stop).await;
            Ok(())
        });
    }
}

/// One that is slow holds none of the others up. What was taken is finished.
async fn work(app: &App, channel: Channel, sender: Arc<dyn Sender>, stop: &CancellationToken) {
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let free = TOGETHER - running.len();
        let due = claim(app, channel, free).await;
        let mut more = due.len() == free;
        for delivery in due {
            running.spawn(attempt(app.clone(), Arc::clone(&sender), delivery));
        }
        let mut look_again = pin!(tokio::time::sleep(REST));
        while !(more && running.len() <= TOGETHER / 2) {
            tokio::select! {
                () = &mut look_again => break,
                () = stop.cancelled() => break,
                Some(is_down) = running.join_next() => if is_down.unwrap_or_default() {
                    more = false;
                    look_again.as_mut().reset(Instant::now() + REST_DOWN);
                },
            }
        }
    }
    while running.join_next().await.is_some() {}
}

async fn claim(app: &App, channel: Channel, most: usize) -> Vec<Delivery> {
    let claim = async { store::claim(&mut *app.pool.acquire().await?, channel, most).await };
    claim.await.unwrap_or_else(|error: sqlx::Error| {
        tracing::error!(stream = "error", %error, "deliveries cannot be taken");
        Vec::new()
    })
}

/// Says whether the provider is away. What cannot be noted down is tried again when the lease has run out.
async fn attempt(app: App, sender: Arc<dyn Sender>, delivery: Delivery) -> bool {
    let outcome = try_to_send(&app, &*sender, &delivery).await;
    let is_down = matches!(outcome, Ok(Outcome::Down(..)));
    let settle = async { settle(&app, &delivery, outcome?).await };
    if let Err(error) = counted(settle).await {
        tracing::error!(stream = "error", error = format!("{error:#}"), "a delivery cannot be settled");
    }
    is_down
}

async fn try_to_send(app: &App, sender: &dyn Sender, delivery: &Delivery) -> Result<Outcome> {
    if let Some(why) = overtaken(app, delivery).await? {
        return Ok(Outcome::Dropped(why.to_owned()));
    }
    let sent = tokio::time::timeout(TIMEOUT, sender.send(app, delivery)).await;
    Ok(sent.unwrap_or_else(|_| Outcome::Down(format!("no answer within {} s", TIMEOUT.as_secs()), None)))
}

/// Why a reminder that waited for a provider, or for the morning, is a stray one by now.
async fn overtaken(app: &App, delivery: &Delivery) -> Result<Option<&'static str>> {
    let reminds = Template::find(&delivery.template).is_some_and(|template| template.kind == "consultation_reminder");
    let read = |name: &str| delivery.variables.get(name).and_then(Value::as_str);
    let Some((id, starts_at)) = read("consultation_id").zip(read("starts_at")).filter(|_| reminds) else {
        return Ok(None);
    };
    let (Ok(id), Ok(starts_at)) = (id.parse::<Uuid>(), starts_at.parse::<DateTime<Utc>>()) else { return Ok(None) };
    if starts_at <= Utc::now() {
        return Ok(Some("the session has begun"));
    }
    let moved = schedule::session::has_moved(&mut *app.pool.acquire().await?, id, starts_at).await?;
    Ok(moved.then_some("the session was moved or cancelled"))
}

/// What was sent and could not be noted down is sent again when the lease has run out: providers then see the same id.
async fn settle(app: &App, delivery: &Delivery, outcome: Outcome) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    match outcome {
        Outcome::Sent => end(&mut tx, delivery, "sent", None).await?,
        Outcome::Retry(error, after) => match backoff(delivery.attempts) {
            Some(rest) => store::retry(&mut tx, delivery, Utc::now() + rest.max(asked(after)), &error).await?,
            None => fail(&mut tx, delivery, &error).await?,
        },
        Outcome::Down(error, after) => {
            let at = Utc::now() + DOWN.max(asked(after));
            if at - delivery.created_at > KEPT {
                fail(&mut tx, delivery, &error).await?;
            } else {
                tracing::warn!(channel = delivery.channel.as_str(), error, "a provider of deliveries is away");
                store::postpone(&mut tx, delivery, at, &error).await?;
            }
        }
        Outcome::Permanent(error) => fail(&mut tx, delivery, &error).await?,
        Outcome::Dropped(why) => end(&mut tx, delivery, "dropped", Some(&why)).await?,
        Outcome::DeviceGone => {
            if let Some(device_id) = delivery.device_id {
                device::store::delete_gone(&mut tx, device_id).await?;
            }
            end(&mut tx, delivery, "dropped", Some("the device is gone")).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Nobody makes us wait for longer than we would ourselves.
fn asked(after: Option<Duration>) -> TimeDelta {
    let longest = TimeDelta::hours(12);
    after.map_or(TimeDelta::zero(), |after| TimeDelta::from_std(after).unwrap_or(longest).min(longest))
}

/// The row keeps why.
async fn fail(conn: &mut PgConnection, delivery: &Delivery, error: &str) -> sqlx::Result<()> {
    let (channel, template) = (delivery.channel.as_str(), &delivery.template);
    tracing::warn!(delivery = %delivery.id, channel, template, error, "a delivery was given up");
    end(conn, delivery, "failed", Some(error)).await
}

/// No effect when another worker has taken it over meanwhile.
async fn end(
    conn: &mut PgConnection,
    delivery: &Delivery,
    status: &'static str,
    error: Option<&str>,
) -> sqlx::Result<()> {
    if store::end(conn, delivery, status, error).await? {
        metrics::came_to(delivery.channel, status);
    }
    Ok(())
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
