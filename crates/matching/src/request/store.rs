//! SQL of matching requests.

use aipoten_kit::{Error, Page, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MatchingRequest, Status};
use crate::kind::Kind;
use aipoten_kit::Won;

/// What of a therapist decides about a request.
pub(crate) struct Offer {
    pub(crate) consultation_fee: Won,
    pub(crate) session_minutes: i16,
    pub(crate) consultation_kinds: Vec<String>,
}

/// A therapist who can be booked.
pub(crate) async fn offer(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Option<Offer>> {
    sqlx::query_as!(
        Offer,
        r#"SELECT consultation_fee AS "consultation_fee: Won", session_minutes, consultation_kinds FROM therapist_profiles
           WHERE id = $1 AND approval_status = 'approved'
             AND licence_valid_until >= (now() AT TIME ZONE 'Asia/Seoul')::date"#,
        therapist_id,
    )
    .fetch_optional(conn)
    .await
}

/// Until the transaction ends nobody is suspended, or whoever is was before.
pub(crate) async fn hold_still(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("SELECT FROM therapist_profiles WHERE id = $1 FOR SHARE", therapist_id).execute(conn).await?;
    Ok(())
}

pub(crate) async fn insert(conn: &mut PgConnection, request: &MatchingRequest) -> Result<()> {
    let inserted = sqlx::query!(
        "INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions, discounted_price,
             preferred_dates, notes, visit_address, expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        request.id,
        request.parent_user_id,
        request.child_id,
        request.therapist_id,
        request.kind as Kind,
        request.total_sessions,
        request.discounted_price as Won,
        &request.preferred_dates,
        request.notes,
        request.visit_address,
        request.expires_at,
        request.created_at,
    );
    inserted.execute(conn).await.map_err(already_pending)?;
    Ok(())
}

/// A request of one of its sides.
pub(crate) async fn find(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<MatchingRequest>> {
    sqlx::query_as!(
        MatchingRequest,
        r#"SELECT r.id, r.parent_user_id, r.child_id, r.therapist_id, r.kind AS "kind: Kind", r.total_sessions,
             r.discounted_price AS "discounted_price: Won", r.preferred_dates, r.notes, r.visit_address,
             r.status AS "status: Status", r.response_reason, r.responded_at, r.expires_at, p.id AS "package_id?",
             r.created_at, r.version
           FROM matching_requests r LEFT JOIN consultation_packages p ON p.request_id = r.id
           WHERE r.id = $1 AND (r.parent_user_id = $2 OR r.therapist_id = $2)"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

/// The same, locked.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<MatchingRequest>> {
    sqlx::query_as!(
        MatchingRequest,
        r#"SELECT id, parent_user_id, child_id, therapist_id, kind AS "kind: Kind", total_sessions,
             discounted_price AS "discounted_price: Won", preferred_dates, notes, visit_address, status AS "status: Status",
             response_reason, responded_at, expires_at, NULL::uuid AS package_id, created_at, version
           FROM matching_requests WHERE id = $1 AND (parent_user_id = $2 OR therapist_id = $2) FOR UPDATE"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn page(
    conn: &mut PgConnection,
    user_id: Uuid,
    status: Option<Status>,
    page: Page,
) -> sqlx::Result<Vec<MatchingRequest>> {
    sqlx::query_as!(
        MatchingRequest,
        r#"SELECT r.id, r.parent_user_id, r.child_id, r.therapist_id, r.kind AS "kind: Kind", r.total_sessions,
             r.discounted_price AS "discounted_price: Won", r.preferred_dates, r.notes, r.visit_address,
             r.status AS "status: Status", r.response_reason, r.responded_at, r.expires_at, p.id AS "package_id?",
             r.created_at, r.version
           FROM matching_requests r LEFT JOIN consultation_packages p ON p.request_id = r.id
           WHERE (r.parent_user_id = $1 OR r.therapist_id = $1) AND ($2::text IS NULL OR r.status = $2)
           ORDER BY r.created_at DESC, r.id DESC LIMIT $3 OFFSET $4"#,
        user_id,
        status as Option<Status>,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn count(conn: &mut PgConnection, user_id: Uuid, status: Option<Status>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM matching_requests
             WHERE (parent_user_id = $1 OR therapist_id = $1) AND ($2::text IS NULL OR status = $2) LIMIT $3) AS counted"#,
        user_id,
        status as Option<Status>,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// The end of a request; its version after that.
pub(crate) async fn close(
    conn: &mut PgConnection,
    id: Uuid,
    status: Status,
    reason: Option<&str>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE matching_requests
         SET status = $2, response_reason = $3, responded_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        status as Status,
        reason,
    )
    .fetch_one(conn)
    .await
}

/// A request and whom it is between.
pub(crate) struct Between {
    pub(crate) id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) parent_user_id: Uuid,
    pub(crate) version: i64,
}

/// Requests that nobody answered in time are given up.
pub(crate) async fn expire(conn: &mut PgConnection) -> sqlx::Result<Vec<Between>> {
    sqlx::query_as!(
        Between,
        "UPDATE matching_requests
         SET status = 'expired', responded_at = now(), updated_at = now(), version = version + 1
         WHERE id IN (SELECT id FROM matching_requests WHERE status = 'pending' AND expires_at <= now()
                      ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)
         RETURNING id, therapist_id, parent_user_id, version",
    )
    .fetch_all(conn)
    .await
}

/// The same for all that wait for a child that is erased; and their texts go.
pub(crate) async fn erase_child(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<Vec<Between>> {
    let closed = sqlx::query_as!(
        Between,
        "UPDATE matching_requests
         SET status = 'cancelled', responded_at = now(), updated_at = now(), version = version + 1
         WHERE child_id = $1 AND status = 'pending' RETURNING id, therapist_id, parent_user_id, version",
        child_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE matching_requests SET notes = NULL, visit_address = NULL, response_reason = NULL WHERE child_id = $1",
        child_id,
    )
    .execute(conn)
    .await?;
    Ok(closed)
}

/// All that wait for a therapist are declined.
pub(super) async fn decline_all(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    reason: &str,
) -> sqlx::Result<Vec<Between>> {
    sqlx::query_as!(
        Between,
        "UPDATE matching_requests
         SET status = 'rejected', response_reason = $2, responded_at = now(), updated_at = now(), version = version + 1
         WHERE therapist_id = $1 AND status = 'pending' RETURNING id, therapist_id, parent_user_id, version",
        therapist_id,
        reason,
    )
    .fetch_all(conn)
    .await
}

fn already_pending(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("matching_requests_one_pending") => Error::AlreadyExists("ALREADY_PENDING".into()),
        _ => error.into(),
    }
}
