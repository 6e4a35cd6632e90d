//! What travels beside an event's body, under the names of `CloudEvents`.

use aipoten_kit::telemetry;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use tracing::field::Empty;
use uuid::Uuid;

use crate::event::{Context, Delivered, Event};

const PERSISTENT: u8 = 2;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) id: Uuid,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    /// The service that published it.
    pub(crate) source: String,
    /// The row it is about: `child/0198…`.
    pub(crate) subject: String,
    pub(crate) time: DateTime<Utc>,
    pub(crate) aggregate_seq: i64,
    #[serde(flatten)]
    pub(crate) context: Context,
}

impl Envelope {
    pub(crate) fn properties(&self) -> BasicProperties {
        let mut headers = FieldTable::default();
        let mut put = |name: &'static str, value: &str| {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        };
        put("id", &self.id.to_string());
        put("type", &self.event_type);
        put("source", &self.source);
        put("subject", &self.subject);
        put("time", &self.time.to_rfc3339());
        let context = &self.context;
        for (name, value) in
            [("traceparent", &context.traceparent), ("request_id", &context.request_id), ("actor", &context.actor)]
        {
            if let Some(value) = value {
                put(name, value);
            }
        }
        headers.insert("aggregate_seq".into(), AMQPValue::LongLongInt(self.aggregate_seq));
        BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_content_type("application/protobuf".into())
            .with_message_id(self.id.to_string().into())
            .with_headers(headers)
    }

    /// Never fails, as no message may be lost: what a foreign message lacks stays empty and fails in [`Self::open`].
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let text = |name: &str| match delivery.properties.headers().as_ref()?.inner().get(name)? {
            AMQPValue::LongString(value) => Some(String::from_utf8_lossy(value.as_bytes()).into_owned()),
            _ => None,
        };
        let aggregate_seq = match delivery.properties.headers().as_ref().and_then(|it| it.inner().get("aggregate_seq"))
        {
            Some(AMQPValue::LongLongInt(seq)) => *seq,
            _ => 0,
        };
        Self {
            id: text("id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            event_type: delivery.routing_key.to_string(),
            source: text("source").unwrap_or_default(),
            subject: text("subject").unwrap_or_default(),
            time: text("time").and_then(|time| time.parse().ok()).unwrap_or_else(Utc::now),
            aggregate_seq,
            context: Context { traceparent: text("traceparent"), request_id: text("request_id"), actor: text("actor") },
        }
    }

    /// What is logged while `consumer` handles the event shows where it came from; its trace goes on.
    pub(crate) fn span(&self, consumer: &str) -> tracing::Span {
        let span = tracing::info_span!(
            "event",
            consumer,
            id = %self.id,
            r#type = self.event_type,
            request_id = self.context.request_id,
            trace_id = Empty,
        );
        telemetry::begin(&span, self.context.traceparent.as_deref(), &self.event_type);
        span
    }

    pub(crate) fn open<E: Event>(&self, payload: &[u8]) -> anyhow::Result<Delivered<E>> {
        let (_, id) = self.subject.rsplit_once('/').context("the subject header names no row")?;
        Ok(Delivered {
            id: self.id,
            time: self.time,
            aggregate_id: id.parse().context("the subject header names no row")?,
            aggregate_seq: self.aggregate_seq,
            context: self.context.clone(),
            event: E::decode(payload).context("the body is not the message its type names")?,
        })
    }
}
