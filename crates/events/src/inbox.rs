//! Which events this consumer has taken in.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::outbox::id_before;

/// Two copies of an event can lie this long apart and still count as one.
const KEEP: Duration = Duration::from_hours(30 * 24);

/// False when the event was taken in before. Waits for another replica that is just taking it in.
pub(crate) async fn take(conn: &mut PgConnection, consumer: &str, event_id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        consumer,
        event_id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// As [`take`] for many: those that were not taken in before. In their order, so that two replicas with the same events
/// wait for each other and never in a circle.
pub(crate) async fn take_all(conn: &mut PgConnection, consumer: &str, event_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "INSERT INTO inbox (consumer, event_id) SELECT $1, id FROM unnest($2::uuid[]) AS id ORDER BY id
         ON CONFLICT DO NOTHING RETURNING event_id",
        consumer,
        event_ids
    )
    .fetch_all(conn)
    .await
}

/// Removes up to a thousand entries of long ago and says how many.
pub(crate) async fn remove_old(conn: &mut PgConnection, consumer: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM inbox WHERE consumer = $1 AND event_id IN (
           SELECT event_id FROM inbox
           WHERE consumer = $1 AND event_id < $2 AND processed_at < now() - make_interval(secs => $3)
           ORDER BY event_id LIMIT 1000)",
        consumer,
        id_before(KEEP),
        KEEP.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
