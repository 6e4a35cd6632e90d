//! SQL of payments.

use aipoten_kit::Won;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Payment, Status};
use crate::provider::{Method, Name};

/// With its row locked: all that happens to a payment and its refunds waits for it.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as!(
        Payment,
        r#"SELECT id, package_id, user_id, therapist_id, total_sessions, original_amount AS "original_amount: Won",
             discount_amount AS "discount_amount: Won", total_amount AS "total_amount: Won",
             refunded_amount AS "refunded_amount: Won", payment_method AS "payment_method: Method",
             payment_status AS "payment_status: Status", provider AS "provider: Name", order_id, transaction_id, client_secret,
             checkout_url, virtual_account, refund_account, failure_code, expires_at, paid_at, reversed_at, sync_tries,
             unknown_since, provider_balance AS "provider_balance: Won", created_at, version
           FROM payments WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await
}
