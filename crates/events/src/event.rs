use aipoten_kit::Caller;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message of some `<domain>/v1/events.proto`. Its full name is its type and its routing key; its JSON is shown to
/// people when a handler fails. It carries ids, never personal data or secrets.
pub trait Event: prost::Message + prost::Name + Default + Serialize + 'static {}

impl<E: prost::Message + prost::Name + Default + Serialize + 'static> Event for E {}

/// The row that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// What it is, a singular noun such as `child`.
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
    /// Its version after the change, raised under its row lock: a consumer that copies state keeps the newest.
    pub seq: i64,
}

/// What an event was caused by; travels with it and belongs into what a handler publishes in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// W3C trace context of the span that published it, which [`crate::publish`] fills in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Id of the account that acted, or the name of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// Caused by a call.
impl From<&Caller> for Context {
    fn from(caller: &Caller) -> Self {
        let request_id = Some(caller.request_id.clone()).filter(|id| !id.is_empty());
        let service = caller.service.as_ref().map(|service| service.name.clone());
        let actor = caller.user.as_ref().map(|user| user.id.to_string()).or(service);
        Self { traceparent: None, request_id, actor }
    }
}

/// An event as its handler gets it.
#[derive(Clone, Debug)]
pub struct Delivered<E> {
    /// Id of the event, a UUID v7; the same at every delivery.
    pub id: Uuid,
    /// When the transaction that published it began.
    pub time: DateTime<Utc>,
    /// Id of the row it is about.
    pub aggregate_id: Uuid,
    /// Version of that row after the change. Events come in any order.
    pub aggregate_seq: i64,
    /// What caused it.
    pub context: Context,
    /// The message.
    pub event: E,
}
