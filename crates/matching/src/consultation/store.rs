//! SQL of sessions.

use aipoten_kit::Page;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Consultation, Status};
use crate::kind::Kind;
use crate::refund::{CancelledBy, Refund, Share};
use aipoten_kit::Won;

/// Which sessions a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) status: Option<Status>,
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
    pub(crate) child_id: Option<Uuid>,
    pub(crate) therapist_id: Option<Uuid>,
}

pub(crate) async fn insert(conn: &mut PgConnection, consultation: &Consultation) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO consultations (id, package_id, session_number, therapist_id, parent_user_id, child_id, kind, scheduled_at,
             ends_at, visit_address, session_fee, platform_fee)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        consultation.id,
        consultation.package_id,
        consultation.session_number,
        consultation.therapist_id,
        consultation.parent_user_id,
        consultation.child_id,
        consultation.kind as Kind,
        consultation.scheduled_at,
        consultation.ends_at,
        consultation.visit_address,
        consultation.session_fee as Won,
        consultation.platform_fee as Won,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A session of one of its sides.
pub(crate) async fn find(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<Consultation>> {
    sqlx::query_as!(
        Consultation,
        r#"SELECT id, package_id, session_number, therapist_id, parent_user_id, child_id, kind AS "kind: Kind", scheduled_at,
             ends_at, visit_address, session_fee AS "session_fee: Won", platform_fee AS "platform_fee: Won",
             status AS "status: Status", cancellation_reason, cancelled_by AS "cancelled_by: CancelledBy", cancelled_at,
             refund_policy AS "refund_policy: Share", refund_amount AS "refund_amount: Won", notes, started_at,
             completed_at, report_submitted_at, disputed_at, version
           FROM consultations WHERE id = $1 AND (parent_user_id = $2 OR therapist_id = $2)"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

/// Its package, which is locked first, and its child; for a session of one of its sides.
pub(crate) async fn package_of(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!(
        "SELECT package_id, child_id FROM consultations WHERE id = $1 AND (parent_user_id = $2 OR therapist_id = $2)",
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.package_id, row.child_id)))
}

/// The sessions of a package in their order, under the lock of the package.
pub(crate) async fn of_package(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Vec<Consultation>> {
    sqlx::query_as!(
        Consultation,
        r#"SELECT id, package_id, session_number, therapist_id, parent_user_id, child_id, kind AS "kind: Kind", scheduled_at,
             ends_at, visit_address, session_fee AS "session_fee: Won", platform_fee AS "platform_fee: Won",
             status AS "status: Status", cancellation_reason, cancelled_by AS "cancelled_by: CancelledBy", cancelled_at,
             refund_policy AS "refund_policy: Share", refund_amount AS "refund_amount: Won", notes, started_at,
             completed_at, report_submitted_at, disputed_at, version
           FROM consultations WHERE package_id = $1 ORDER BY session_number"#,
        package_id,
    )
    .fetch_all(conn)
    .await
}

/// Days are those of Asia/Seoul. What was never paid for is left out.
pub(crate) async fn page(
    conn: &mut PgConnection,
    user_id: Uuid,
    filter: &Filter,
    page: Page,
) -> sqlx::Result<Vec<Consultation>> {
    sqlx::query_as!(
        Consultation,
        r#"SELECT c.id, c.package_id, c.session_number, c.therapist_id, c.parent_user_id, c.child_id, c.kind AS "kind: Kind",
             c.scheduled_at, c.ends_at, c.visit_address, c.session_fee AS "session_fee: Won",
             c.platform_fee AS "platform_fee: Won", c.status AS "status: Status", c.cancellation_reason,
             c.cancelled_by AS "cancelled_by: CancelledBy", c.cancelled_at, c.refund_policy AS "refund_policy: Share",
             c.refund_amount AS "refund_amount: Won", c.notes, c.started_at, c.completed_at, c.report_submitted_at,
             c.disputed_at, c.version
           FROM consultations c JOIN consultation_packages p ON p.id = c.package_id AND p.status <> 'expired'
           WHERE (c.parent_user_id = $1 OR c.therapist_id = $1)
             AND ($2::text IS NULL OR c.status = $2)
             AND ($3::date IS NULL OR c.scheduled_at >= $3::date::timestamp AT TIME ZONE 'Asia/Seoul')
             AND ($4::date IS NULL OR c.scheduled_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Seoul')
             AND ($5::uuid IS NULL OR c.child_id = $5) AND ($6::uuid IS NULL OR c.therapist_id = $6)
           ORDER BY c.scheduled_at NULLS LAST, c.package_id, c.session_number LIMIT $7 OFFSET $8"#,
        user_id,
        filter.status as Option<Status>,
        filter.from,
        filter.to,
        filter.child_id,
        filter.therapist_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn count(conn: &mut PgConnection, user_id: Uuid, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM consultations c JOIN consultation_packages p ON p.id = c.package_id AND p.status <> 'expired'
             WHERE (c.parent_user_id = $1 OR c.therapist_id = $1)
               AND ($2::text IS NULL OR c.status = $2)
               AND ($3::date IS NULL OR c.scheduled_at >= $3::date::timestamp AT TIME ZONE 'Asia/Seoul')
               AND ($4::date IS NULL OR c.scheduled_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Seoul')
               AND ($5::uuid IS NULL OR c.child_id = $5) AND ($6::uuid IS NULL OR c.therapist_id = $6)
             LIMIT $7) AS counted"#,
        user_id,
        filter.status as Option<Status>,
        filter.from,
        filter.to,
        filter.child_id,
        filter.therapist_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// Sets or takes away the time.
pub(crate) async fn set_time(
    conn: &mut PgConnection,
    id: Uuid,
    status: Status,
    time: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE consultations SET status = $2, scheduled_at = $3, ends_at = $4, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        status as Status,
        time.map(|(starts_at, _)| starts_at),
        time.map(|(_, ends_at)| ends_at),
    )
    .fetch_one(conn)
    .await
}

/// Begins, ends or misses it now.
pub(crate) async fn set_status(conn: &mut PgConnection, id: Uuid, status: Status) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE consultations
         SET status = $2, started_at = CASE $2 WHEN 'in_progress' THEN now() ELSE started_at END,
             completed_at = CASE $2 WHEN 'completed' THEN now() ELSE completed_at END, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        status as Status,
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn cancel(
    conn: &mut PgConnection,
    id: Uuid,
    by: CancelledBy,
    reason: Option<&str>,
    refund: Refund,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE consultations
         SET status = 'cancelled', cancelled_by = $2, cancellation_reason = $3, cancelled_at = now(), refund_policy = $4,
             refund_amount = $5, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        by as CancelledBy,
        reason,
        refund.share as Share,
        refund.amount as Won,
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn dispute(conn: &mut PgConnection, id: Uuid, reason: &[u8]) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE consultations SET disputed_at = now(), dispute_reason = $2, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        reason,
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn set_visit_address(conn: &mut PgConnection, id: Uuid, address: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE consultations SET visit_address = $2, updated_at = now(), version = version + 1 WHERE id = $1",
        id,
        address,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_notes(conn: &mut PgConnection, id: Uuid, notes: Option<&[u8]>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE consultations SET notes = $2, updated_at = now(), version = version + 1 WHERE id = $1",
        id,
        notes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that it is reported on; its version, and when that was first so.
pub(crate) async fn set_reported(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<(i64, DateTime<Utc>)> {
    let row = sqlx::query!(
        r#"UPDATE consultations
           SET report_submitted_at = coalesce(report_submitted_at, now()), updated_at = now(), version = version + 1
           WHERE id = $1 RETURNING version, report_submitted_at AS "submitted_at!""#,
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.version, row.submitted_at))
}

/// One more session held by the therapist.
pub(crate) async fn count_held(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE therapist_profiles SET total_consultations = total_consultations + 1 WHERE id = $1",
        therapist_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The time of the database, which decides about notice and windows.
pub(crate) async fn now(conn: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"SELECT now() AS "now!""#).fetch_one(conn).await
}
