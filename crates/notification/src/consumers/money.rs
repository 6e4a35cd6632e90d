//! Events of billing.

use aipoten_events::{Delivered, Failure};
use aipoten_proto::billing::v1::{
    PaymentCompleted, PaymentExpired, PaymentFailed, PaymentReversed, RefundCompleted, RefundFailed,
    SettlementConfirmed, SettlementPaid,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{News, variables};
use crate::schedule::audience;

/// The parent's receipt. A deposit that comes again after it was taken back is told again.
pub async fn payment_completed(conn: &mut PgConnection, event: &Delivered<PaymentCompleted>) -> Result<(), Failure> {
    let it = &event.event;
    let payment =
        [("payment_id", json!(it.payment_id)), ("package_id", json!(it.package_id)), ("amount", json!(it.amount))];
    News::new("payment_completed", event.id, &payment).tell(conn, &[&it.user_id], &event.context).await
}

/// The parent tries again.
pub async fn payment_failed(conn: &mut PgConnection, event: &Delivered<PaymentFailed>) -> Result<(), Failure> {
    let it = &event.event;
    let payment = [("payment_id", json!(it.payment_id)), ("package_id", json!(it.package_id))];
    News::new("payment_failed", event.id, &payment).tell(conn, &[&it.user_id], &event.context).await
}

/// The same.
pub async fn payment_expired(conn: &mut PgConnection, event: &Delivered<PaymentExpired>) -> Result<(), Failure> {
    let it = &event.event;
    let payment = [("payment_id", json!(it.payment_id)), ("package_id", json!(it.package_id))];
    News::new("payment_expired", event.id, &payment).tell(conn, &[&it.user_id], &event.context).await
}

/// The parent knows why the package rests.
pub async fn payment_reversed(conn: &mut PgConnection, event: &Delivered<PaymentReversed>) -> Result<(), Failure> {
    let it = &event.event;
    let payment = [("payment_id", json!(it.payment_id)), ("package_id", json!(it.package_id))];
    News::new("payment_reversed", event.id, &payment).tell(conn, &[&it.user_id], &event.context).await
}

/// The parent's money is back.
pub async fn refund_completed(conn: &mut PgConnection, event: &Delivered<RefundCompleted>) -> Result<(), Failure> {
    let it = &event.event;
    let refund =
        [("refund_id", json!(it.refund_id)), ("payment_id", json!(it.payment_id)), ("amount", json!(it.refund_amount))];
    News::new("refund_completed", &it.refund_id, &refund).tell(conn, &[&it.user_id], &event.context).await
}

/// Administrators see to it, and the parent knows that they do.
pub async fn refund_failed(conn: &mut PgConnection, event: &Delivered<RefundFailed>) -> Result<(), Failure> {
    let it = &event.event;
    let refund =
        [("refund_id", json!(it.refund_id)), ("payment_id", json!(it.payment_id)), ("amount", json!(it.refund_amount))];
    News::new("refund_delayed", &it.refund_id, &refund).tell(conn, &[&it.user_id], &event.context).await?;
    let refund = [("refund_id", json!(it.refund_id)), ("amount", json!(it.refund_amount))];
    Ok(audience::tell_admins(conn, "refund_failed", event.id, variables(&refund)).await?)
}

/// The therapist looks at it.
pub async fn settlement_confirmed(
    conn: &mut PgConnection,
    event: &Delivered<SettlementConfirmed>,
) -> Result<(), Failure> {
    let it = &event.event;
    let settlement = [("settlement_id", json!(it.settlement_id))];
    News::new("settlement_confirmed", &it.settlement_id, &settlement)
        .tell(conn, &[&it.therapist_id], &event.context)
        .await
}

/// The therapist's money is on its way.
pub async fn settlement_paid(conn: &mut PgConnection, event: &Delivered<SettlementPaid>) -> Result<(), Failure> {
    let it = &event.event;
    let settlement = [("settlement_id", json!(it.settlement_id))];
    News::new("settlement_paid", &it.settlement_id, &settlement).tell(conn, &[&it.therapist_id], &event.context).await
}
