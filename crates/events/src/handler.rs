//! The table of a service's handlers. The types of its events are known here and forgotten behind it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use tokio::time::timeout;

use crate::envelope::Envelope;
use crate::event::{Delivered, Event};
use crate::failure::Failure;

/// A handler that takes longer has failed.
pub(crate) const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// `async fn(conn: &mut PgConnection, event: &Delivered<E>) -> Result<(), Failure>`. What it writes through `conn`
/// commits together with the note that the event was taken in, or not at all; after a failure it is called again. One
/// that needs more than the connection is a struct that implements this.
pub trait Handler<'a, E: Event>: Send + Sync {
    /// The answer to come.
    type Answer: Future<Output = Result<(), Failure>> + Send + 'a;

    /// Applies the event.
    fn apply(&self, conn: &'a mut PgConnection, event: &'a Delivered<E>) -> Self::Answer;
}

impl<'a, E, F, A> Handler<'a, E> for F
where
    E: Event,
    F: Fn(&'a mut PgConnection, &'a Delivered<E>) -> A + Send + Sync,
    A: Future<Output = Result<(), Failure>> + Send + 'a,
{
    type Answer = A;

    fn apply(&self, conn: &'a mut PgConnection, event: &'a Delivered<E>) -> A {
        self(conn, event)
    }
}

type Apply =
    dyn for<'a> Fn(&'a mut PgConnection, &'a Envelope, &'a [u8]) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync;

struct Entry {
    apply: Box<Apply>,
    json: fn(&[u8]) -> Option<serde_json::Value>,
}

#[derive(Default)]
pub(crate) struct Handlers(BTreeMap<String, Entry>);

impl Handlers {
    pub(crate) fn add<E: Event>(&mut self, handler: impl for<'a> Handler<'a, E> + 'static) {
        let handler = Arc::new(handler);
        let apply: Box<Apply> = Box::new(move |conn, envelope, payload| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let event = envelope.open::<E>(payload)?;
                handler.apply(conn, &event).await
            })
        });
        let json = |payload: &[u8]| serde_json::to_value(E::decode(payload).ok()?).ok();
        self.0.insert(E::full_name(), Entry { apply, json });
    }

    pub(crate) fn event_types(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The payload for people to read, where its type is known.
    pub(crate) fn json(&self, envelope: &Envelope, payload: &[u8]) -> Option<serde_json::Value> {
        (self.0.get(&envelope.event_type)?.json)(payload)
    }

    /// A handler that panics or hangs has failed as well.
    pub(crate) async fn apply(
        &self,
        conn: &mut PgConnection,
        envelope: &Envelope,
        payload: &[u8],
    ) -> Result<(), Failure> {
        let Some(entry) = self.0.get(&envelope.event_type) else {
            return Err(anyhow!("this service has no handler for the type").into());
        };
        let applying = AssertUnwindSafe((entry.apply)(conn, envelope, payload)).catch_unwind();
        match timeout(HANDLER_TIMEOUT, applying).await {
            Ok(Ok(applied)) => applied,
            Ok(Err(_)) => Err(anyhow!("the handler panicked").into()),
            Err(_) => Err(anyhow!("the handler took longer than {} s", HANDLER_TIMEOUT.as_secs()).into()),
        }
    }
}
