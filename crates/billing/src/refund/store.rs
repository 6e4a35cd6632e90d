//! SQL of refunds.

use aipoten_kit::Won;
use sqlx::PgConnection;
use uuid::Uuid;

/// What the provider was or is asked to pay back.
pub(super) async fn asked(conn: &mut PgConnection, payment_id: Uuid) -> sqlx::Result<Won> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(refund_amount), 0)::bigint AS "asked!: Won" FROM refunds
           WHERE payment_id = $1 AND refund_status IN ('processing', 'completed') AND NOT is_by_hand"#,
        payment_id,
    )
    .fetch_one(conn)
    .await
}
