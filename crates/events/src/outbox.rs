//! Events to send: written in the transaction of their effect, read by the relay.

use std::time::Duration;

use aipoten_kit::telemetry;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::event::{Aggregate, Context, Event};

/// Writes an event into the outbox, in the caller's transaction: it is sent if and when that commits. Call
/// [`crate::Wake::wake`] after the commit. Returns the id of the event.
pub async fn publish<E: Event>(
    conn: &mut PgConnection,
    aggregate: Aggregate,
    event: &E,
    context: &Context,
) -> sqlx::Result<Uuid> {
    let id = Uuid::now_v7();
    let traceparent = telemetry::traceparent().or_else(|| context.traceparent.clone());
    let context = Context { traceparent, ..context.clone() };
    sqlx::query!(
        "INSERT INTO outbox (id, aggregate_type, aggregate_id, aggregate_seq, type, payload, headers)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        aggregate.kind,
        aggregate.id,
        aggregate.seq,
        E::full_name(),
        event.encode_to_vec(),
        Json(context) as _,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

pub(crate) struct Unsent {
    pub(crate) id: Uuid,
    pub(crate) aggregate_type: String,
    pub(crate) aggregate_id: Uuid,
    pub(crate) aggregate_seq: i64,
    pub(crate) event_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) context: Json<Context>,
    pub(crate) created_at: DateTime<Utc>,
}

/// The events that are due, locked: what another replica is sending is not among them.
pub(crate) async fn lock_unsent(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Unsent>> {
    sqlx::query_as!(
        Unsent,
        r#"SELECT id, aggregate_type, aggregate_id, aggregate_seq, type AS event_type, payload,
             headers AS "context: Json<Context>", created_at
           FROM outbox WHERE sent_at IS NULL AND next_at <= now() ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED"#,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many wait to be sent, and for how many seconds the oldest does.
pub(crate) async fn unsent(conn: &mut PgConnection) -> sqlx::Result<(f64, f64)> {
    let row = sqlx::query!(
        r#"SELECT count(*)::float8 AS "unsent!",
             coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS "oldest!"
           FROM outbox WHERE sent_at IS NULL"#,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.unsent, row.oldest))
}

pub(crate) async fn mark_sent(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("UPDATE outbox SET sent_at = now() WHERE id = ANY($1)", ids).execute(conn).await?;
    Ok(())
}

/// Tries them again after 1 s, 2 s, 4 s … at most a minute.
pub(crate) async fn postpone(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE outbox
         SET attempts = attempts + 1, next_at = now() + least(60, power(2, least(attempts, 6))) * interval '1 second'
         WHERE id = ANY($1)",
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes up to a thousand sent events older than `keep`, found by the time in their ids, and says how many.
pub(crate) async fn remove_sent(conn: &mut PgConnection, keep: Duration) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM outbox WHERE id IN (
           SELECT id FROM outbox WHERE id < $1 AND sent_at IS NOT NULL ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)",
        id_before(keep)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The smallest UUID v7 of the moment that lies `age` back.
pub(crate) fn id_before(age: Duration) -> Uuid {
    let millis = (Utc::now() - age).timestamp_millis();
    uuid::Builder::from_unix_timestamp_millis(millis.try_into().unwrap_or(0), &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_their_time() {
        let now = Uuid::now_v7();
        assert!(id_before(Duration::from_secs(1)) < now);
        assert!(id_before(Duration::ZERO) > id_before(Duration::from_secs(1)));
    }
}
