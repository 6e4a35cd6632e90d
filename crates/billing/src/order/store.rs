//! SQL of orders.

use aipoten_kit::{BasisPoints, Won};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Order, Price};

/// A session on a receipt.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) session_number: i16,
    pub(crate) session_fee: Won,
    pub(crate) refunded_amount: Won,
}

/// False when it is there. It is locked either way until the transaction ends, by its insertion or by the one that was first.
pub(super) async fn insert(conn: &mut PgConnection, order: &Order) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "INSERT INTO orders (package_id, parent_user_id, therapist_id, total_sessions, original_amount, total_amount, platform_fee_bp)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (package_id) DO NOTHING",
        order.package_id,
        order.parent_user_id,
        order.therapist_id,
        order.total_sessions,
        order.original_amount as Won,
        order.total_amount as Won,
        order.platform_fee as BasisPoints,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn insert_session(conn: &mut PgConnection, order: &Order, price: &Price) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (consultation_id, package_id, therapist_id, session_number, session_fee, platform_fee)
         VALUES ($1, $2, $3, $4, $5, $6)",
        price.consultation_id,
        order.package_id,
        order.therapist_id,
        price.session_number,
        price.session_fee as Won,
        price.platform_fee as Won,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn lock(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Order> {
    sqlx::query_as!(
        Order,
        r#"SELECT package_id, parent_user_id, therapist_id, total_sessions, original_amount AS "original_amount: Won",
             total_amount AS "total_amount: Won", platform_fee_bp AS "platform_fee: BasisPoints"
           FROM orders WHERE package_id = $1 FOR UPDATE"#,
        package_id,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn prices(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Vec<Price>> {
    sqlx::query_as!(
        Price,
        r#"SELECT consultation_id, session_number, session_fee AS "session_fee: Won", platform_fee AS "platform_fee: Won"
           FROM sessions WHERE package_id = $1 ORDER BY session_number"#,
        package_id,
    )
    .fetch_all(conn)
    .await
}

/// Matching gave the package up. One that was paid is ended by what its sessions pay back.
pub(crate) async fn end_unpaid(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE orders SET ended_at = now() WHERE package_id = $1 AND ended_at IS NULL
         AND NOT EXISTS (SELECT FROM payments WHERE package_id = $1 AND paid_at IS NOT NULL)",
        package_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The sessions of a package in their order, as a receipt shows them.
pub(crate) async fn lines(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"SELECT session_number, session_fee AS "session_fee: Won", refunded_amount AS "refunded_amount: Won"
           FROM sessions WHERE package_id = $1 ORDER BY session_number"#,
        package_id,
    )
    .fetch_all(conn)
    .await
}

/// Whether a session belongs to a package.
pub(crate) async fn has_session(
    conn: &mut PgConnection,
    package_id: Uuid,
    consultation_id: Uuid,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM sessions WHERE package_id = $1 AND consultation_id = $2) AS "has!""#,
        package_id,
        consultation_id,
    )
    .fetch_one(conn)
    .await
}
