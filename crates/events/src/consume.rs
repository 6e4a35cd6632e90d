//! Takes a service's events from its queue and applies each once.

use std::collections::HashSet;
use std::time::Duration;

use aipoten_kit::telemetry::counted;
use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Connection, Consumer};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::config::Config;
use crate::envelope::Envelope;
use crate::event::Event;
use crate::failed::store as failed;
use crate::failure::Failure;
use crate::handler::{Handler, Handlers};
use crate::health::Health;
use crate::link::{BROKER_TIMEOUT, Link};
use crate::relay::Wake;
use crate::taken::{self, Taken};
use crate::{inbox, retry, topology};

const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// What a service does with the events of others (and its own): a table of event and handler.
pub struct Consumers {
    service: &'static str,
    handlers: Handlers,
    pauses: &'static [Duration],
    wake: Wake,
    connected: watch::Sender<bool>,
}

impl Consumers {
    /// No handlers yet. The queue is `aipoten.<service>`.
    pub fn new(service: &'static str) -> Self {
        let connected = watch::Sender::new(false);
        Self { service, handlers: Handlers::default(), pauses: &retry::PAUSES, wake: Wake::default(), connected }
    }

    /// Binds the queue to the events of type `E` and has `handler` apply them.
    pub fn on<E: Event>(mut self, handler: impl for<'a> Handler<'a, E> + 'static) -> Self {
        self.handlers.add(handler);
        self
    }

    /// Tries failed events again after these pauses instead of 1 s, 10 s, 60 s, 10 min and 1 h: for tests.
    pub fn retry_after(mut self, pauses: &'static [Duration]) -> Self {
        self.pauses = pauses;
        self
    }

    /// Wakes the service's own relay whenever something was applied: for handlers that publish what somebody waits for.
    pub fn wakes(mut self, relay: Wake) -> Self {
        self.wake = relay;
        self
    }

    /// Whose queue it is.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Full names of the events it takes.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.handlers.event_types()
    }

    /// Whether its connection stands.
    pub fn health(&self) -> Health {
        Health::of(&self.connected)
    }

    /// Runs until `stop`; handlers at work then finish. Fails when the url is wrong or the broker holds something else
    /// under the names of the exchange or the queues; a broker or database that is away is waited for.
    pub async fn run(self, pool: PgPool, config: Config, stop: CancellationToken) -> anyhow::Result<()> {
        let consumer = Taking { table: self, pool, config };
        tokio::try_join!(consumer.run(&stop), retry::run(&consumer, &stop))?;
        Ok(())
    }
}

/// The table at work.
pub(crate) struct Taking {
    table: Consumers,
    pub(crate) pool: PgPool,
    config: Config,
}

impl Taking {
    pub(crate) fn service(&self) -> &'static str {
        self.table.service
    }

    pub(crate) fn pauses(&self) -> &'static [Duration] {
        self.table.pauses
    }

    pub(crate) fn handlers(&self) -> &Handlers {
        &self.table.handlers
    }

    /// Handlers have published, maybe, and it is committed.
    pub(crate) fn applied(&self) {
        self.table.wake.wake();
    }

    async fn run(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let name = format!("aipoten {} consumer", self.service());
        let mut link = Link::new(name, &self.config, stop, &self.table.connected)?;
        while self.database_back(stop).await.is_some()
            && let Some(connection) = link.connect().await
        {
            let end = self.session(&connection, &mut link, stop).await;
            link.ended(connection, end).await?;
        }
        Ok(())
    }

    /// Taking events while the database is away would only count deliveries until the broker gives them up. Tries as
    /// many connections as the pool holds: those from before an outage are dead.
    async fn database_back(&self, stop: &CancellationToken) -> Option<()> {
        while let Err(error) = self.database_writes().await {
            tracing::warn!(consumer = self.service(), %error, "the database is out of reach, events wait");
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(DATABASE_PAUSE) => {}
            }
        }
        (!stop.is_cancelled()).then_some(())
    }

    async fn database_writes(&self) -> sqlx::Result<()> {
        for _ in 0..self.pool.size().max(1) {
            let mut tx = self.pool.begin().await?;
            inbox::take(&mut tx, self.service(), Uuid::now_v7()).await?;
            tx.rollback().await?;
        }
        Ok(())
    }

    async fn session(
        &self,
        connection: &Connection,
        link: &mut Link<'_>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let consumer = timeout(BROKER_TIMEOUT, self.open(connection)).await.context("no answer")??;
        link.established();
        consumer
            .take_until(stop.cancelled())
            .ready_chunks(self.config.together())
            .map(|deliveries| deliveries.into_iter().collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::from))
            .try_for_each_concurrent(usize::from(self.config.concurrency), |deliveries| self.take(deliveries))
            .await?;
        ensure!(stop.is_cancelled(), "the broker ended the delivery");
        Ok(())
    }

    async fn open(&self, connection: &Connection) -> anyhow::Result<Consumer> {
        let channel = connection.create_channel().await?;
        topology::declare_exchange(&channel).await?;
        topology::declare_queue(&channel, self.service(), self.handlers().event_types()).await?;
        channel.basic_qos(self.config.prefetch, BasicQosOptions::default()).await?;
        let queue = topology::queue_of(self.service()).into();
        let options = BasicConsumeOptions::default();
        Ok(channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?)
    }

    /// Acknowledges only what the database has. An error ends the connection, and the broker keeps the events.
    async fn take(&self, deliveries: Vec<Delivery>) -> anyhow::Result<()> {
        let events: Vec<_> = deliveries.iter().map(|it| (Envelope::of(it), it.data.as_slice())).collect();
        let together = events.len() > 1 && counted(self.apply_together(&events)).await.is_ok();
        for (delivery, (envelope, payload)) in deliveries.iter().zip(&events) {
            if !together {
                self.apply(envelope, payload)
                    .instrument(envelope.span(self.service()))
                    .await
                    .context("the database failed")?;
            }
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Ok(())
    }

    /// One transaction for all, which costs a fraction. Whatever fails in it undoes it, and each is applied by itself.
    async fn apply_together(&self, events: &[(Envelope, &[u8])]) -> Result<(), Failure> {
        let ids: Vec<_> = events.iter().map(|(envelope, _)| envelope.id).collect();
        let mut tx = self.pool.begin().await?;
        let mut new: HashSet<_> = inbox::take_all(&mut tx, self.service(), &ids).await?.into_iter().collect();
        for (envelope, payload) in events {
            let result = if new.remove(&envelope.id) {
                let span = envelope.span(self.service());
                self.handlers().apply(&mut tx, envelope, payload).instrument(span).await?;
                Taken::Applied
            } else {
                Taken::Repeated
            };
            taken::note(self.service(), envelope, result);
        }
        tx.commit().await?;
        self.applied();
        Ok(())
    }

    async fn apply(&self, envelope: &Envelope, payload: &[u8]) -> sqlx::Result<()> {
        let mut tx = self.pool.begin().await?;
        if !inbox::take(&mut tx, self.service(), envelope.id).await? {
            taken::note(self.service(), envelope, Taken::Repeated);
            return tx.rollback().await;
        }
        // A failure drops the transaction, which undoes it.
        let applying = async {
            self.handlers().apply(&mut tx, envelope, payload).await?;
            tx.commit().await.map_err(Failure::from)
        };
        match counted(applying).await {
            Ok(()) => {
                taken::note(self.service(), envelope, Taken::Applied);
                self.applied();
                Ok(())
            }
            Err(failure) => self.keep_failed(envelope, payload, &failure).await,
        }
    }

    async fn keep_failed(&self, envelope: &Envelope, payload: &[u8], failure: &Failure) -> sqlx::Result<()> {
        let error = failure.text();
        tracing::warn!(error, "the event failed and will be tried again");
        taken::note(self.service(), envelope, Taken::Failed);
        let json = self.handlers().json(envelope, payload);
        let mut tx = self.pool.begin().await?;
        if inbox::take(&mut tx, self.service(), envelope.id).await? {
            let again_in = self.pauses().first().copied().unwrap_or_default();
            failed::keep(&mut tx, self.service(), (envelope, payload, json), &error, again_in).await?;
        }
        tx.commit().await
    }
}
