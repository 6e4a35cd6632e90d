//! Hears events as they pass: for caches, which only have to forget.

use std::collections::BTreeMap;

use aipoten_kit::Process;
use anyhow::{Context as _, bail};
use futures::StreamExt as _;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, Consumer};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::event::Event;
use crate::exchange::connection;
use crate::health::Health;
use crate::link::{BROKER_TIMEOUT, Link};
use crate::topology;

type Hear = Box<dyn Fn(&[u8]) -> Result<(), prost::DecodeError> + Send + Sync>;

/// Tells this process of events while it is connected. Nothing is kept for it: what passes while it is away it never
/// hears, which is why it begins anew with each connection. Every replica has its own.
pub struct Listener {
    name: &'static str,
    begin: Box<dyn Fn() + Send + Sync>,
    hear: BTreeMap<String, Hear>,
    connected: watch::Sender<bool>,
}

impl Listener {
    /// Hears nothing yet. `begin` is called with each new connection, before anything is heard on it, and when an event
    /// cannot be read: whatever was remembered may be wrong. `name` is for logs and the broker's list of connections.
    pub fn new(name: &'static str, begin: impl Fn() + Send + Sync + 'static) -> Self {
        let connected = watch::Sender::new(false);
        Self { name, begin: Box::new(begin), hear: BTreeMap::new(), connected }
    }

    /// Calls `hear` with each event of type `E`, perhaps more than once and in any order. It must not block.
    pub fn on<E: Event>(mut self, hear: impl Fn(E) + Send + Sync + 'static) -> Self {
        let hear: Hear = Box::new(move |payload| E::decode(payload).map(&hear));
        self.hear.insert(E::full_name(), hear);
        self
    }

    /// Has the metrics of the process tell whether it hears.
    pub fn measure(&self, process: &Process) {
        connection(self.name, "listen", self.health(), process);
    }

    /// Whether it hears.
    pub fn health(&self) -> Health {
        Health::of(&self.connected)
    }

    /// Runs until `stop`. Fails when the url is wrong or the broker holds something else under the exchange's name; a
    /// broker that is away is waited for.
    pub async fn run(self, config: Config, stop: CancellationToken) -> anyhow::Result<()> {
        let name = format!("aipoten {} listener", self.name);
        let mut link = Link::new(name, &config, &stop, &self.connected)?;
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
        let consumer = timeout(BROKER_TIMEOUT, self.open(connection)).await.context("no answer")??;
        // The queue is bound: nothing passes unheard between this and the first event.
        (self.begin)();
        link.established();
        let mut deliveries = std::pin::pin!(consumer.take_until(stop.cancelled()));
        while let Some(delivery) = deliveries.next().await {
            let delivery = delivery?;
            let event_type = delivery.routing_key.as_str();
            let Some(hear) = self.hear.get(event_type) else { continue };
            if let Err(error) = hear(&delivery.data) {
                tracing::warn!(listener = self.name, event_type, %error, "an event cannot be read");
                (self.begin)();
            }
        }
        if stop.is_cancelled() { Ok(()) } else { bail!("the broker ended the delivery") }
    }

    /// A queue of this connection alone, which ends with it.
    async fn open(&self, connection: &Connection) -> anyhow::Result<Consumer> {
        let channel = connection.create_channel().await?;
        topology::declare_exchange(&channel).await?;
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?.name().clone();
        for event_type in self.hear.keys() {
            let (exchange, key) = (topology::EXCHANGE.into(), event_type.as_str().into());
            channel
                .queue_bind(queue.clone(), exchange, key, QueueBindOptions::default(), FieldTable::default())
                .await?;
        }
        let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
        Ok(channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?)
    }
}
