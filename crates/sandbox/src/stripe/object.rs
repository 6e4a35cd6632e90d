//! The objects `PaymentIntent` and Refund, and what is sent when they change.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::books::{Change, What};
use crate::charge::{Cancel, CancelState, Charge, Method, Status, new_id};

fn seconds(at: DateTime<Utc>) -> i64 {
    at.timestamp()
}

/// The object `PaymentIntent` with its charge.
pub(super) fn intent(charge: &Charge) -> Value {
    let status = match charge.status {
        Status::Ready | Status::Failed => "requires_payment_method",
        Status::Authorised => "requires_capture",
        Status::WaitingForDeposit => "processing",
        Status::Charged | Status::PartlyCancelled => "succeeded",
        Status::Cancelled if charge.charged_at.is_some() => "succeeded",
        Status::Cancelled | Status::Expired => "canceled",
    };
    let kind = if charge.method == Method::SimplePay { "kakao_pay" } else { "kr_card" };
    let latest = json!({
        "id": format!("ch_{}", charge.secret),
        "object": "charge",
        "created": seconds(charge.requested_at),
        "payment_method_details": { "type": kind },
        "balance_transaction": charge.charged_at.map(|at| json!({ "created": seconds(at) })),
    });
    json!({
        "id": charge.provider_key,
        "object": "payment_intent",
        "amount": charge.total,
        "amount_received": charge.charged_at.map_or(0, |_| charge.total),
        "currency": "krw",
        "status": status,
        "created": seconds(charge.requested_at),
        "client_secret": format!("{}_secret_{}", charge.provider_key, charge.secret),
        "metadata": { "order_id": charge.order_id },
        "latest_charge": (charge.status != Status::Ready).then_some(latest),
        "last_payment_error": (charge.status == Status::Failed).then(|| json!({ "code": "card_declined" })),
    })
}

pub(super) fn refund_object(charge: &Charge, cancel: &Cancel) -> Value {
    let status = match cancel.state {
        CancelState::Running => "pending",
        CancelState::Done => "succeeded",
        CancelState::Failed => "failed",
    };
    json!({
        "id": format!("re_{}", cancel.id),
        "object": "refund",
        "amount": cancel.amount,
        "currency": "krw",
        "status": status,
        "payment_intent": charge.provider_key,
        "metadata": { "refund_id": cancel.refund_id },
    })
}

/// What it sends when something happened.
pub(crate) fn webhook(change: &Change) -> Value {
    let charge = &change.charge;
    let (kind, object) = match (change.what, charge.cancels.last()) {
        (What::Cancelled | What::CancelRunning, Some(cancel)) => ("refund.updated", refund_object(charge, cancel)),
        (What::Declined, _) => ("payment_intent.payment_failed", intent(charge)),
        (What::Reversed, _) => ("payment_intent.processing", intent(charge)),
        _ => ("payment_intent.succeeded", intent(charge)),
    };
    json!({
        "id": format!("evt_{}", new_id()),
        "object": "event",
        "type": kind,
        "created": seconds(charge.changed_at),
        "data": { "object": object },
    })
}
