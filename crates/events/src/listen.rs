//! Hears of events without keeping them: for caches. No inbox and no order; what is missed while the connection is down
//! is made good by clearing the cache when it stands again.

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, Consumer};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::event::Event;
use crate::health::Health;
use crate::link::{BROKER_TIMEOUT, Link};
use crate::topology;

type Hear = Box<dyn Fn(&[u8]) + Send + Sync>;

/// What a process does when it hears of events. Each process has a queue of its own, which lives as long as its connection.
pub struct Listener {
    name: &'static str,
    missed: Box<dyn Fn() + Send + Sync>,
    hear: HashMap<String, Hear>,
    connected: watch::Sender<bool>,
}

impl Listener {
    /// A listener that hears nothing yet. `missed` is called whenever the connection stands (again): from now on all
    /// is heard, and what came before may have been missed.
    pub fn new(name: &'static str, missed: impl Fn() + Send + Sync + 'static) -> Self {
        Self { name, missed: Box::new(missed), hear: HashMap::new(), connected: watch::Sender::new(false) }
    }

    /// Calls `hear` with every event of type `E`.
    pub fn on<E: Event>(mut self, hear: impl Fn(E) + Send + Sync + 'static) -> Self {
        let hear = move |payload: &[u8]| match E::decode(payload) {
            Ok(event) => hear(event),
            Err(error) => tracing::error!(%error, r#type = E::full_name(), "an event cannot be read"),
        };
        self.hear.insert(E::full_name(), Box::new(hear));
        self
    }

    /// Whether its connection stands.
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
        let mut consumer = timeout(BROKER_TIMEOUT, self.open(connection)).await.context("no answer")??;
        (self.missed)();
        link.established();
        while let Some(delivery) = stop.run_until_cancelled(consumer.try_next()).await {
            let delivery = delivery?.context("the broker ended the delivery")?;
            if let Some(hear) = self.hear.get(delivery.routing_key.as_str()) {
                hear(&delivery.data);
            }
        }
        ensure!(stop.is_cancelled(), "the broker ended the delivery");
        Ok(())
    }

    /// A queue that only this connection sees and that goes with it; nothing needs to be acknowledged.
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
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        Ok(channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?)
    }
}
