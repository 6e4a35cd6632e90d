//! SQL of wishes for another time.

use aipoten_kit::{Error, Result};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ScheduleChange, Status};

pub(super) async fn insert(conn: &mut PgConnection, change: &ScheduleChange) -> Result<()> {
    let inserted = sqlx::query!(
        "INSERT INTO schedule_change_requests (id, consultation_id, requester_user_id, original_start, change_reason,
             preferred_dates, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        change.id,
        change.consultation_id,
        change.requester_user_id,
        change.original_start,
        change.change_reason,
        &change.preferred_dates,
        change.created_at,
    );
    inserted.execute(conn).await.map_err(already_pending)?;
    Ok(())
}

/// The wishes for a session, the newest first.
pub(super) async fn list(conn: &mut PgConnection, consultation_id: Uuid) -> sqlx::Result<Vec<ScheduleChange>> {
    sqlx::query_as!(
        ScheduleChange,
        r#"SELECT id, consultation_id, requester_user_id, original_start, change_reason, preferred_dates,
             status AS "status: Status", response_reason, new_start, responded_at, created_at
           FROM schedule_change_requests WHERE consultation_id = $1 ORDER BY created_at DESC, id DESC LIMIT 100"#,
        consultation_id,
    )
    .fetch_all(conn)
    .await
}

/// Changed under the lock of the session's package alone.
pub(super) async fn find(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<ScheduleChange>> {
    sqlx::query_as!(
        ScheduleChange,
        r#"SELECT id, consultation_id, requester_user_id, original_start, change_reason, preferred_dates,
             status AS "status: Status", response_reason, new_start, responded_at, created_at
           FROM schedule_change_requests WHERE id = $1"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn close(
    conn: &mut PgConnection,
    id: Uuid,
    status: Status,
    new_start: Option<DateTime<Utc>>,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE schedule_change_requests SET status = $2, new_start = $3, response_reason = $4, responded_at = now()
         WHERE id = $1",
        id,
        status as Status,
        new_start,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The wish that waits for an answer.
pub(super) async fn pending(conn: &mut PgConnection, consultation_id: Uuid) -> sqlx::Result<Option<ScheduleChange>> {
    sqlx::query_as!(
        ScheduleChange,
        r#"SELECT id, consultation_id, requester_user_id, original_start, change_reason, preferred_dates,
             status AS "status: Status", response_reason, new_start, responded_at, created_at
           FROM schedule_change_requests WHERE consultation_id = $1 AND status = 'pending'"#,
        consultation_id,
    )
    .fetch_optional(conn)
    .await
}

fn already_pending(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("schedule_change_requests_one_pending") => Error::AlreadyExists("ALREADY_PENDING".into()),
        _ => error.into(),
    }
}
