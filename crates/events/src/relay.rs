//! Sends what the outbox holds. Every replica has one; row locks keep them apart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, Connection};
use metrics::counter;
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Config;
use crate::envelope::Envelope;
use crate::health::Health;
use crate::link::{BROKER_TIMEOUT, Link};
use crate::outbox::{self, Unsent};
use crate::topology;

/// How long an event waits at most that a dead replica left behind or nobody woke the relay for.
const SWEEP: Duration = Duration::from_millis(500);
const BATCH: u16 = 500;
const CLEANING: Duration = Duration::from_mins(1);

/// Tells the relay of this process that there are new events. Cheap to clone and to call.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// To be called after the commit; calls that come close together count once.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Sends a service's events from the outbox to the broker, each at least once.
#[derive(Debug)]
pub struct Relay {
    service: &'static str,
    pool: PgPool,
    config: Config,
    wake: Wake,
    connected: watch::Sender<bool>,
}

impl Relay {
    /// The relay of `service` for the outbox in the database behind `pool`.
    pub fn new(service: &'static str, pool: PgPool, config: Config) -> Self {
        Self { service, pool, config, wake: Wake::default(), connected: watch::Sender::new(false) }
    }

    /// To call after each commit that published.
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Whether its connection stands.
    pub fn health(&self) -> Health {
        Health::of(&self.connected)
    }

    /// Runs until `stop`. Fails when the url is wrong or the broker holds something else under the exchange's name; a
    /// broker that is away is waited for.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let name = format!("aipoten {} relay", self.service);
        let mut link = Link::new(name, &self.config, &stop, &self.connected)?;
        while let Some(connection) = link.connect().await {
            let end = self.session(&connection, &mut link, &stop).await;
            link.ended(connection, end).await?;
        }
        Ok(())
    }

    async fn session(
        &self,
        connection: &Connection,
        link: &mut Link<'_>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let channel = timeout(BROKER_TIMEOUT, open(connection)).await.context("no answer")??;
        link.established();
        let mut cleaned: Option<Instant> = None;
        while !stop.is_cancelled() {
            ensure!(connection.status().connected() && channel.status().connected(), "closed by the broker");
            let more = self.send_batch(&channel).await?;
            if cleaned.is_none_or(|at| at.elapsed() > CLEANING) {
                cleaned = Some(Instant::now());
                self.clean().await;
            }
            if !more {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.wake.0.notified() => {}
                    () = tokio::time::sleep(SWEEP) => {}
                }
            }
        }
        Ok(())
    }

    /// Says whether there may be more. Trouble with the database is no reason to leave the broker: the next sweep tries
    /// again, and what was sent but not marked is sent twice, which the inboxes know how to take.
    async fn send_batch(&self, channel: &Channel) -> anyhow::Result<bool> {
        match self.send_locked(channel).await {
            Ok(Batch { broken: Some(error), .. }) => Err(error),
            Ok(batch) => Ok(batch.full),
            Err(error) => {
                tracing::warn!(service = self.service, %error, "the outbox is out of reach");
                Ok(false)
            }
        }
    }

    async fn send_locked(&self, channel: &Channel) -> sqlx::Result<Batch> {
        let mut tx = self.pool.begin().await?;
        let events = outbox::lock_unsent(&mut tx, BATCH.into()).await?;
        if events.is_empty() {
            tx.rollback().await?;
            return Ok(Batch::default());
        }
        let (unheard, events): (Vec<_>, Vec<_>) = events.into_iter().partition(nobody_takes);
        let mut batch = self.send(channel, events).await;
        batch.full |= unheard.len() >= usize::from(BATCH);
        let unheard = unheard.into_iter().map(|unsent| unsent.id);
        let done: Vec<_> = batch.sent.iter().map(|(id, _)| *id).chain(unheard).collect();
        outbox::mark_sent(&mut tx, &done).await?;
        if !batch.refused.is_empty() {
            outbox::postpone(&mut tx, &batch.refused).await?;
        }
        tx.commit().await?;
        for (_, event_type) in &batch.sent {
            counter!("aipoten_events_sent_total", "service" => self.service, "type" => event_type.clone()).increment(1);
        }
        Ok(batch)
    }

    /// Writes all, then waits for all confirms.
    async fn send(&self, channel: &Channel, events: Vec<Unsent>) -> Batch {
        let mut batch = Batch { full: events.len() >= usize::from(BATCH), ..Batch::default() };
        let deadline = tokio::time::Instant::now() + BROKER_TIMEOUT;
        let confirms = events.into_iter().map(|unsent| async move {
            let (id, event_type) = (unsent.id, unsent.event_type.clone());
            let confirm = timeout_at(deadline, self.send_one(channel, unsent)).await;
            (id, event_type, confirm.context("no confirm in time").flatten())
        });
        for (id, event_type, confirm) in join_all(confirms).await {
            match confirm {
                Ok(Confirmation::Ack(None)) => batch.sent.push((id, event_type)),
                Ok(_) => batch.refused.push(id),
                Err(error) => batch.broken = Some(error),
            }
        }
        if let Some(first) = batch.refused.first() {
            let events = batch.refused.len();
            tracing::warn!(service = self.service, events, %first, "no queue takes these events: they stay in the outbox");
        }
        batch
    }

    async fn send_one(&self, channel: &Channel, unsent: Unsent) -> anyhow::Result<Confirmation> {
        let envelope = Envelope {
            id: unsent.id,
            event_type: unsent.event_type,
            source: self.service.to_owned(),
            subject: format!("{}/{}", unsent.aggregate_type, unsent.aggregate_id),
            time: unsent.created_at,
            aggregate_seq: unsent.aggregate_seq,
            context: unsent.context.0,
        };
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let key = envelope.event_type.as_str().into();
        let confirm = channel
            .basic_publish(topology::EXCHANGE.into(), key, options, &unsent.payload, envelope.properties())
            .await?
            .await?;
        if confirm == Confirmation::NotRequested {
            bail!("the channel does not confirm");
        }
        Ok(confirm)
    }

    async fn clean(&self) {
        loop {
            let removed = match self.pool.acquire().await {
                Ok(mut conn) => outbox::remove_sent(&mut conn, self.config.keep_sent()).await,
                Err(error) => Err(error),
            };
            match removed {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(service = self.service, %error, "sent events could not be removed");
                    return;
                }
            }
        }
    }
}

/// Events of the catalogue whose consumers are not built yet.
fn nobody_takes(unsent: &Unsent) -> bool {
    aipoten_proto::UNCONSUMED.contains(&unsent.event_type.as_str())
}

/// What became of the events of one transaction.
#[derive(Default)]
struct Batch {
    /// As many as were asked for: there may be more.
    full: bool,
    /// With their types.
    sent: Vec<(Uuid, String)>,
    /// Returned for want of a queue, or refused by one.
    refused: Vec<Uuid>,
    /// Why the others were not sent: the connection is of no more use.
    broken: Option<anyhow::Error>,
}

async fn open(connection: &Connection) -> anyhow::Result<Channel> {
    let channel = connection.create_channel().await?;
    topology::declare_exchange(&channel).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}
