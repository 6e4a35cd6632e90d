//! Events whose handler failed: kept in place of their effect, tried again, and at last decided on by people.

mod grpc;
pub(crate) mod store;

use aipoten_kit::{Error, Page, Result};
use aipoten_proto::common::v1::AdminActed;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgPool, PgTransaction};
use uuid::Uuid;

use crate::envelope::Envelope;
use crate::event::{Aggregate, Context};
use crate::outbox::publish;
use crate::relay::Wake;

/// What became of an event that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// It will be tried again.
    Waiting,
    /// It failed too often: a person must replay or drop it.
    Dead,
    /// It was applied in the end.
    Replayed,
    /// A person gave it up.
    Dropped,
}

/// An event that failed.
#[derive(Debug)]
pub struct FailedEvent {
    event_id: Uuid,
    event_type: String,
    envelope: Json<Envelope>,
    json: Option<Value>,
    state: State,
    error: String,
    attempts: i32,
    first_failed_at: DateTime<Utc>,
    last_failed_at: DateTime<Utc>,
    next_at: DateTime<Utc>,
    reason: Option<String>,
}

/// The failed events of one consumer, for administrators to look at and decide on. Serves them over gRPC as well.
#[derive(Clone, Debug)]
pub struct FailedEvents {
    consumer: &'static str,
    pool: PgPool,
    wake: Wake,
}

impl FailedEvents {
    /// Those of the service `consumer`, in its database. `wake` is its relay's: what is decided is published.
    pub fn new(consumer: &'static str, pool: PgPool, wake: Wake) -> Self {
        Self { consumer, pool, wake }
    }

    /// A page of them, the latest failure first, and how many there are, counted to [`Page::counted`].
    pub async fn list(&self, state: Option<State>, page: Page) -> Result<(Vec<FailedEvent>, i64)> {
        let mut conn = self.pool.acquire().await?;
        let events = store::list(&mut conn, self.consumer, state, page).await?;
        let total = store::count(&mut conn, self.consumer, state).await?;
        Ok((events, total))
    }

    /// Has the event applied again at once, with all its tries before it. `context` says who decided, as in
    /// [`Self::drop`]. Fails when it never failed here or is applied already.
    pub async fn replay(&self, event_id: Uuid, context: &Context) -> Result<FailedEvent> {
        let mut tx = self.pool.begin().await?;
        let mut event = self.lock(&mut tx, event_id).await?;
        if event.state == State::Replayed {
            return Err(Error::invalid_state("replayed"));
        }
        (event.state, event.attempts, event.next_at, event.reason) = (State::Waiting, 0, Utc::now(), None);
        self.decided(tx, &event, "failed_event.replayed", context).await?;
        Ok(event)
    }

    /// Gives the event up: it will have no effect. Fails when it never failed here, is applied or dropped already.
    pub async fn drop(&self, event_id: Uuid, reason: String, context: &Context) -> Result<FailedEvent> {
        let mut tx = self.pool.begin().await?;
        let mut event = self.lock(&mut tx, event_id).await?;
        match event.state {
            State::Replayed => return Err(Error::invalid_state("replayed")),
            State::Dropped => return Err(Error::invalid_state("dropped")),
            State::Waiting | State::Dead => {}
        }
        (event.state, event.reason) = (State::Dropped, Some(reason));
        self.decided(tx, &event, "failed_event.dropped", context).await?;
        Ok(event)
    }

    async fn lock(&self, tx: &mut PgTransaction<'_>, event_id: Uuid) -> Result<FailedEvent> {
        store::lock(tx, self.consumer, event_id).await?.ok_or(Error::NotFound("failed_event"))
    }

    async fn decided(
        &self,
        mut tx: PgTransaction<'_>,
        event: &FailedEvent,
        act: &str,
        context: &Context,
    ) -> Result<()> {
        store::update(&mut tx, self.consumer, event).await?;
        let acted = AdminActed {
            actor_id: context.actor.clone().unwrap_or_default(),
            action: act.to_owned(),
            resource: "failed_event".to_owned(),
            resource_id: event.event_id.to_string(),
        };
        let about = Aggregate { kind: "failed_event", id: event.event_id, seq: 0 };
        publish(&mut tx, about, &acted, context).await?;
        tx.commit().await?;
        self.wake.wake();
        Ok(())
    }
}
