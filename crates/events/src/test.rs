//! For tests of services: events as their handlers get them, and events that were published.

use chrono::{SubsecRound as _, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Context, Delivered, Event};

/// A new event of now about a row at this version, as its handler gets it.
pub fn delivered<E>(about: Uuid, seq: i64, event: E) -> Delivered<E> {
    // As exact as the outbox keeps it.
    let (id, time) = (Uuid::now_v7(), Utc::now().trunc_subsecs(6));
    Delivered { id, time, aggregate_id: about, aggregate_seq: seq, context: Context::default(), event }
}

/// The events of a kind that a service has written so far, the oldest first.
pub async fn published<E: Event>(pool: &PgPool) -> Vec<E> {
    let payloads: Vec<Vec<u8>> = sqlx::query_scalar("SELECT payload FROM outbox WHERE type = $1 ORDER BY id")
        .bind(E::full_name())
        .fetch_all(pool)
        .await
        .expect("the outbox");
    payloads.iter().map(|payload| E::decode(payload.as_slice()).expect("the event")).collect()
}
