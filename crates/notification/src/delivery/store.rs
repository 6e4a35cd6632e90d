//! SQL of deliveries.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Channel, Delivery, NewDelivery};
use crate::template::Variables;

/// Those that are not in line already.
pub(crate) async fn insert(conn: &mut PgConnection, deliveries: &[NewDelivery<'_>]) -> sqlx::Result<()> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = deliveries.iter().map(|_| Uuid::now_v7()).collect();
    let notifications: Vec<Option<Uuid>> = deliveries.iter().map(|it| it.notification_id).collect();
    let users: Vec<Uuid> = deliveries.iter().map(|it| it.tell.user_id).collect();
    let channels: Vec<&str> = deliveries.iter().map(|it| it.channel.as_str()).collect();
    let templates: Vec<&str> = deliveries.iter().map(|it| it.tell.template.name).collect();
    let variables: Vec<Json<&Variables>> = deliveries.iter().map(|it| Json(&it.tell.variables)).collect();
    let devices: Vec<Option<Uuid>> = deliveries.iter().map(|it| it.device_id).collect();
    let keys: Vec<String> = deliveries.iter().map(NewDelivery::dedupe_key).collect();
    let at: Vec<DateTime<Utc>> = deliveries.iter().map(|it| it.at).collect();
    sqlx::query!(
        "INSERT INTO deliveries
           (id, notification_id, user_id, channel, template, variables, device_id, dedupe_key, next_attempt_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::uuid[],
                              $8::text[], $9::timestamptz[])
         ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING",
        &ids,
        &notifications as _,
        &users,
        &channels as _,
        &templates as _,
        &variables as _,
        &devices as _,
        &keys,
        &at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those that are due, for a minute this worker's own: whoever is not done by then counts as dead.
pub(super) async fn claim(conn: &mut PgConnection, channel: Channel, most: usize) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"UPDATE deliveries
           SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + interval '60 seconds', error = NULL
           WHERE id IN (
             SELECT id FROM deliveries
             WHERE status = 'waiting' AND next_attempt_at <= now() AND channel = $1
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
           RETURNING id, user_id, channel AS "channel: Channel", template, variables AS "variables: Json<Variables>",
             device_id, attempts, next_attempt_at AS "claimed_until!", created_at"#,
        channel.as_str(),
        i64::try_from(most).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await
}

/// No effect when another worker has taken it over meanwhile.
pub(super) async fn retry(
    conn: &mut PgConnection,
    delivery: &Delivery,
    at: DateTime<Utc>,
    error: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET next_attempt_at = $3, error = $4
         WHERE id = $1 AND status = 'waiting' AND next_attempt_at = $2",
        delivery.id,
        delivery.claimed_until,
        at,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same, and the try does not count.
pub(super) async fn postpone(
    conn: &mut PgConnection,
    delivery: &Delivery,
    at: DateTime<Utc>,
    error: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET attempts = attempts - 1, next_attempt_at = $3, error = $4
         WHERE id = $1 AND status = 'waiting' AND next_attempt_at = $2",
        delivery.id,
        delivery.claimed_until,
        at,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same; says whether it had an effect.
pub(super) async fn end(
    conn: &mut PgConnection,
    delivery: &Delivery,
    status: &str,
    error: Option<&str>,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "UPDATE deliveries
         SET status = $3, next_attempt_at = NULL, error = $4, sent_at = CASE WHEN $3 = 'sent' THEN now() END
         WHERE id = $1 AND status = 'waiting' AND next_attempt_at = $2",
        delivery.id,
        delivery.claimed_until,
        status,
        error
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// What waits for a way.
pub(super) struct Line {
    pub(super) channel: Channel,
    pub(super) deliveries: f64,
    /// Seconds for which one is due, or is tried without success.
    pub(super) late: f64,
}

pub(super) async fn line(conn: &mut PgConnection) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"SELECT channel AS "channel: Channel", count(*)::float8 AS "deliveries!",
             greatest(0, extract(epoch FROM now() - min(CASE WHEN error IS NULL THEN next_attempt_at ELSE created_at END)))::float8 AS "late!"
           FROM deliveries WHERE status = 'waiting' GROUP BY channel"#
    )
    .fetch_all(conn)
    .await
}
