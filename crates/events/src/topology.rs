//! What the broker must hold, declared at every connect, the same from every replica.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ErrorKind, ExchangeKind};

/// The topic exchange of all events; the routing key is the event's full name.
pub const EXCHANGE: &str = "aipoten.events";

/// How often an event may crash its consumer before it goes to the dead-letter queue.
const DELIVERY_LIMIT: i32 = 20;

/// Reading the dead-letter queue by hand puts its messages back each time: that must not use them up.
const DEAD_DELIVERY_LIMIT: i32 = 1_000_000;

const PRECONDITION_FAILED: u16 = 406;

/// The broker holds an exchange or queue of that name which is set up otherwise.
#[derive(Debug, thiserror::Error)]
#[error("the broker's {name} is not set up as this release needs it ({said}); delete it there once it is empty")]
pub(crate) struct Mismatch {
    name: String,
    said: String,
}

pub(crate) fn queue_of(service: &str) -> String {
    format!("aipoten.{service}")
}

pub(crate) async fn declare_exchange(channel: &Channel) -> anyhow::Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, FieldTable::default()).await;
    declared.map_err(|error| explain(EXCHANGE, error))
}

/// The service's queue with a binding for each event type, and the queue for what crashes its consumer.
pub(crate) async fn declare_queue(
    channel: &Channel,
    service: &str,
    event_types: impl Iterator<Item = &str>,
) -> anyhow::Result<()> {
    let (queue, dead) = (queue_of(service), format!("{}.dead", queue_of(service)));
    declare_quorum_queue(channel, &dead, DEAD_DELIVERY_LIMIT, FieldTable::default()).await?;
    let mut dead_lettering = FieldTable::default();
    for (name, value) in [
        ("x-dead-letter-exchange", ""),
        ("x-dead-letter-routing-key", dead.as_str()),
        ("x-dead-letter-strategy", "at-least-once"),
        ("x-overflow", "reject-publish"),
    ] {
        dead_lettering.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    declare_quorum_queue(channel, &queue, DELIVERY_LIMIT, dead_lettering).await?;
    for event_type in event_types {
        let (queue, key) = (ShortString::from(queue.as_str()), ShortString::from(event_type));
        channel.queue_bind(queue, EXCHANGE.into(), key, QueueBindOptions::default(), FieldTable::default()).await?;
    }
    Ok(())
}

async fn declare_quorum_queue(
    channel: &Channel,
    name: &str,
    delivery_limit: i32,
    mut arguments: FieldTable,
) -> anyhow::Result<()> {
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(delivery_limit));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.into(), options, arguments).await;
    declared.map(drop).map_err(|error| explain(name, error))
}

fn explain(name: &str, error: lapin::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::ProtocolError(said) if said.get_id() == PRECONDITION_FAILED => {
            Mismatch { name: name.to_owned(), said: said.get_message().to_string() }.into()
        }
        _ => error.into(),
    }
}
