//! SQL of the comparison with providers.

use aipoten_kit::Won;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Known;
use crate::provider::Name;

/// Payments with these numbers, ours or the provider's.
pub(super) async fn named(
    conn: &mut PgConnection,
    provider: Name,
    orders: &[String],
    numbers: &[String],
) -> sqlx::Result<Vec<Known>> {
    sqlx::query_as!(
        Known,
        r#"SELECT id, order_id, transaction_id, total_amount AS "total_amount: Won",
             (payment_status IN ('completed', 'partially_refunded', 'refunded') AND reversed_at IS NULL) AS "is_captured!",
             (SELECT coalesce(sum(refund_amount), 0)::bigint FROM refunds
              WHERE payment_id = payment.id AND refund_status = 'completed' AND NOT is_by_hand) AS "paid_back!: Won",
             reversals
           FROM payments payment
           WHERE provider = $1 AND (order_id = ANY ($2) OR transaction_id = ANY ($3)) ORDER BY id"#,
        provider as Name,
        orders,
        numbers,
    )
    .fetch_all(conn)
    .await
}

/// Payments that were paid in this time.
pub(super) async fn captured(
    conn: &mut PgConnection,
    provider: Name,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<Known>> {
    sqlx::query_as!(
        Known,
        r#"SELECT id, order_id, transaction_id, total_amount AS "total_amount: Won", true AS "is_captured!",
             (SELECT coalesce(sum(refund_amount), 0)::bigint FROM refunds
              WHERE payment_id = payment.id AND refund_status = 'completed' AND NOT is_by_hand) AS "paid_back!: Won",
             reversals
           FROM payments payment
           WHERE provider = $1 AND paid_at >= $2 AND paid_at < $3 AND reversed_at IS NULL
             AND payment_status IN ('completed', 'partially_refunded', 'refunded') ORDER BY id"#,
        provider as Name,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}
