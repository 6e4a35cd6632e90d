//! SQL of packages.

use aipoten_kit::Page;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Package, Status};
use crate::kind::Kind;
use aipoten_kit::{BasisPoints, Won};

/// What a session of a package comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Used,
    Refunded,
}

pub(crate) async fn insert(conn: &mut PgConnection, package: &Package) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
             total_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price, price_policy_id,
             refund_policy_id, hold_expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $14, $15, $15)",
        package.id,
        package.request_id,
        package.parent_user_id,
        package.child_id,
        package.therapist_id,
        package.kind as Kind,
        package.session_minutes,
        package.total_sessions,
        package.discount_rate as BasisPoints,
        package.original_price as Won,
        package.discounted_price as Won,
        package.price_policy_id,
        package.refund_policy_id,
        package.hold_expires_at,
        package.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A package of one of its sides.
pub(crate) async fn find(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<Package>> {
    sqlx::query_as!(
        Package,
        r#"SELECT id, request_id, parent_user_id, child_id, therapist_id, kind AS "kind: Kind", session_minutes, total_sessions,
             used_sessions, refunded_sessions, remaining_sessions, discount_rate_bp AS "discount_rate: BasisPoints",
             original_price AS "original_price: Won", discounted_price AS "discounted_price: Won", price_policy_id,
             refund_policy_id, status AS "status: Status", hold_expires_at, payment_id, payment_seq, frozen_at, ended_at,
             created_at, version
           FROM consultation_packages WHERE id = $1 AND (parent_user_id = $2 OR therapist_id = $2)"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

/// Everything about a package and its sessions happens under this lock.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Package>> {
    sqlx::query_as!(
        Package,
        r#"SELECT id, request_id, parent_user_id, child_id, therapist_id, kind AS "kind: Kind", session_minutes, total_sessions,
             used_sessions, refunded_sessions, remaining_sessions, discount_rate_bp AS "discount_rate: BasisPoints",
             original_price AS "original_price: Won", discounted_price AS "discounted_price: Won", price_policy_id,
             refund_policy_id, status AS "status: Status", hold_expires_at, payment_id, payment_seq, frozen_at, ended_at,
             created_at, version
           FROM consultation_packages WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn page(
    conn: &mut PgConnection,
    user_id: Uuid,
    status: Option<Status>,
    page: Page,
) -> sqlx::Result<Vec<Package>> {
    sqlx::query_as!(
        Package,
        r#"SELECT id, request_id, parent_user_id, child_id, therapist_id, kind AS "kind: Kind", session_minutes, total_sessions,
             used_sessions, refunded_sessions, remaining_sessions, discount_rate_bp AS "discount_rate: BasisPoints",
             original_price AS "original_price: Won", discounted_price AS "discounted_price: Won", price_policy_id,
             refund_policy_id, status AS "status: Status", hold_expires_at, payment_id, payment_seq, frozen_at, ended_at,
             created_at, version
           FROM consultation_packages
           WHERE (parent_user_id = $1 OR therapist_id = $1) AND ($2::text IS NULL OR status = $2)
           ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4"#,
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
             SELECT FROM consultation_packages
             WHERE (parent_user_id = $1 OR therapist_id = $1) AND ($2::text IS NULL OR status = $2) LIMIT $3) AS counted"#,
        user_id,
        status as Option<Status>,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// Only a package that waits for payment has a hold.
pub(crate) async fn set_status(conn: &mut PgConnection, id: Uuid, status: Status) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE consultation_packages
         SET status = $2, hold_expires_at = NULL,
             ended_at = CASE WHEN $2 IN ('completed', 'cancelled', 'expired') THEN now() END,
             updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        status as Status,
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn set_paid(
    conn: &mut PgConnection,
    id: Uuid,
    payment_id: Uuid,
    payment_seq: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE consultation_packages
         SET status = 'active', payment_id = $2, payment_seq = $3, hold_expires_at = NULL, ended_at = NULL, updated_at = now(),
             version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        payment_id,
        payment_seq,
    )
    .fetch_one(conn)
    .await
}

/// Its payment was taken back, or came once more.
pub(crate) async fn set_frozen(conn: &mut PgConnection, id: Uuid, payment_seq: i64, frozen: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE consultation_packages
         SET payment_seq = $2, frozen_at = CASE WHEN $3 THEN now() END, updated_at = now(), version = version + 1
         WHERE id = $1",
        id,
        payment_seq,
        frozen,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One session fewer to come; says how many are left.
pub(crate) async fn spend(conn: &mut PgConnection, id: Uuid, outcome: Outcome) -> sqlx::Result<i16> {
    sqlx::query_scalar!(
        "UPDATE consultation_packages
         SET used_sessions = used_sessions + $2, refunded_sessions = refunded_sessions + 1 - $2,
             remaining_sessions = remaining_sessions - 1, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING remaining_sessions",
        id,
        i16::from(outcome == Outcome::Used),
    )
    .fetch_one(conn)
    .await
}

/// Packages whose time to pay is over.
pub(crate) async fn unpaid(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM consultation_packages
         WHERE status = 'pending_payment' AND hold_expires_at <= now() ORDER BY hold_expires_at LIMIT 100",
    )
    .fetch_all(conn)
    .await
}

/// What a session takes of the therapist's time besides itself: (buffer, way).
pub(crate) async fn margins(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<(i16, i16)> {
    let row = sqlx::query!("SELECT buffer_minutes, travel_minutes FROM therapist_profiles WHERE id = $1", therapist_id)
        .fetch_one(conn)
        .await?;
    Ok((row.buffer_minutes, row.travel_minutes))
}

pub(crate) async fn is_suspended(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<bool> {
    let status = sqlx::query_scalar!("SELECT approval_status FROM therapist_profiles WHERE id = $1", therapist_id)
        .fetch_one(conn)
        .await?;
    Ok(status == "suspended")
}

pub(crate) async fn of_child(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("SELECT id FROM consultation_packages WHERE child_id = $1 ORDER BY id", child_id)
        .fetch_all(conn)
        .await
}

pub(crate) async fn running_of_therapist(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM consultation_packages
         WHERE therapist_id = $1 AND status IN ('pending_payment', 'active') ORDER BY id",
        therapist_id,
    )
    .fetch_all(conn)
    .await
}

/// A further event about it gets a version of its own.
pub(crate) async fn set_version(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!("UPDATE consultation_packages SET version = version + 1 WHERE id = $1 RETURNING version", id,)
        .fetch_one(conn)
        .await
}

/// Holds it for so long from now at least.
pub(crate) async fn extend_hold(conn: &mut PgConnection, id: Uuid, time: TimeDelta) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        r#"UPDATE consultation_packages SET hold_expires_at = greatest(hold_expires_at, now() + make_interval(secs => $2))
           WHERE id = $1 RETURNING hold_expires_at AS "until!""#,
        id,
        time.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await
}
