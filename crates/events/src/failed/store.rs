//! SQL of failed events.

use std::time::Duration;

use aipoten_kit::Page;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{FailedEvent, State};
use crate::envelope::Envelope;

pub(crate) struct Failed {
    pub(crate) envelope: Json<Envelope>,
    pub(crate) payload: Vec<u8>,
    /// The one that is running included.
    pub(crate) attempts: i32,
}

/// After the first try.
pub(crate) async fn keep(
    conn: &mut PgConnection,
    consumer: &str,
    (envelope, payload, json): (&Envelope, &[u8], Option<serde_json::Value>),
    error: &str,
    again_in: Duration,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO failed_events (consumer, event_id, type, headers, payload, json, error, next_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
         ON CONFLICT DO NOTHING",
        consumer,
        envelope.id,
        envelope.event_type,
        Json(envelope) as _,
        payload,
        json,
        error,
        again_in.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes one that is due and counts the try, so that one that ends the process counts too. Until `lease` is over no
/// other replica takes it.
pub(crate) async fn lease(conn: &mut PgConnection, consumer: &str, lease: Duration) -> sqlx::Result<Option<Failed>> {
    sqlx::query_as!(
        Failed,
        r#"UPDATE failed_events SET attempts = attempts + 1, next_at = now() + make_interval(secs => $2)
           WHERE consumer = $1 AND event_id = (
             SELECT event_id FROM failed_events WHERE consumer = $1 AND state = 'waiting' AND next_at <= now()
             ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING headers AS "envelope: Json<Envelope>", payload, attempts"#,
        consumer,
        lease.as_secs_f64()
    )
    .fetch_optional(conn)
    .await
}

/// In the transaction of the effect. False when the lease is lost: then the effect must not be applied.
pub(crate) async fn mark_replayed(
    conn: &mut PgConnection,
    consumer: &str,
    event_id: Uuid,
    attempts: i32,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE failed_events SET state = 'replayed'
         WHERE consumer = $1 AND event_id = $2 AND attempts = $3 AND state = 'waiting'",
        consumer,
        event_id,
        attempts
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// After another try in vain; without a next one the event is dead.
pub(crate) async fn postpone(
    conn: &mut PgConnection,
    consumer: &str,
    (event_id, attempts): (Uuid, i32),
    error: &str,
    again_in: Option<Duration>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE failed_events
         SET error = $4, last_failed_at = now(),
           state = CASE WHEN $5::float8 IS NULL THEN 'dead' ELSE 'waiting' END,
           next_at = coalesce(now() + make_interval(secs => $5), next_at)
         WHERE consumer = $1 AND event_id = $2 AND attempts = $3 AND state = 'waiting'",
        consumer,
        event_id,
        attempts,
        error,
        again_in.map(|it| it.as_secs_f64())
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut PgConnection,
    consumer: &str,
    state: Option<State>,
    page: Page,
) -> sqlx::Result<Vec<FailedEvent>> {
    sqlx::query_as!(
        FailedEvent,
        r#"SELECT event_id, type AS event_type, headers AS "envelope: Json<Envelope>", json, state AS "state: State",
             error, attempts, first_failed_at, last_failed_at, next_at, reason
           FROM failed_events WHERE consumer = $1 AND ($2::text IS NULL OR state = $2)
           ORDER BY last_failed_at DESC, event_id DESC LIMIT $3 OFFSET $4"#,
        consumer,
        state as Option<State>,
        page.rows(),
        page.offset()
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, consumer: &str, state: Option<State>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM failed_events WHERE consumer = $1 AND ($2::text IS NULL OR state = $2) LIMIT $3) AS counted"#,
        consumer,
        state as Option<State>,
        Page::counted()
    )
    .fetch_one(conn)
    .await
}

/// How many wait for another try, and how many for a person.
pub(crate) async fn unsettled(conn: &mut PgConnection, consumer: &str) -> sqlx::Result<(f64, f64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE state = 'waiting')::float8 AS "waiting!",
             count(*) FILTER (WHERE state = 'dead')::float8 AS "dead!"
           FROM failed_events WHERE consumer = $1 AND state IN ('waiting', 'dead')"#,
        consumer,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.waiting, row.dead))
}

/// Waits for a try that is just applying it.
pub(super) async fn lock(conn: &mut PgConnection, consumer: &str, event_id: Uuid) -> sqlx::Result<Option<FailedEvent>> {
    sqlx::query_as!(
        FailedEvent,
        r#"SELECT event_id, type AS event_type, headers AS "envelope: Json<Envelope>", json, state AS "state: State",
             error, attempts, first_failed_at, last_failed_at, next_at, reason
           FROM failed_events WHERE consumer = $1 AND event_id = $2 FOR UPDATE"#,
        consumer,
        event_id
    )
    .fetch_optional(conn)
    .await
}

/// What an administrator decided. A try that has taken it and not begun finds it changed, and leaves it.
pub(super) async fn update(conn: &mut PgConnection, consumer: &str, event: &FailedEvent) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE failed_events SET state = $3, attempts = $4, next_at = $5, reason = $6
         WHERE consumer = $1 AND event_id = $2",
        consumer,
        event.event_id,
        event.state as State,
        event.attempts,
        event.next_at,
        event.reason
    )
    .execute(conn)
    .await?;
    Ok(())
}
