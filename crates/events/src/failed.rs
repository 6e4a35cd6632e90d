//! Events whose handler failed: kept in place of their effect, with a time to try again.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

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
