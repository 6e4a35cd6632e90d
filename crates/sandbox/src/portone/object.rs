//! The object Payment, and what is sent when it changes.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::books::{Change, What};
use crate::charge::{Cancel, CancelState, Charge, Method, Status};

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn status(charge: &Charge) -> &'static str {
    match charge.status {
        Status::Ready | Status::Authorised => "READY",
        Status::WaitingForDeposit => "VIRTUAL_ACCOUNT_ISSUED",
        Status::Charged => "PAID",
        Status::PartlyCancelled => "PARTIAL_CANCELLED",
        Status::Cancelled => "CANCELLED",
        Status::Failed | Status::Expired => "FAILED",
    }
}

/// The object Payment.
pub(super) fn payment(charge: &Charge) -> Value {
    let cancelled = charge.total - charge.balance();
    let failure =
        json!({ "reason": "한도초과 또는 잔액부족", "pgCode": "REJECT_CARD_PAYMENT", "pgMessage": "한도초과" });
    let mut payment = json!({
        "status": status(charge),
        "id": charge.order_id,
        "transactionId": charge.provider_key,
        "merchantId": "merchant-sandbox",
        "storeId": "store-sandbox",
        "version": "V2",
        "method": method(charge),
        "orderName": charge.order_name,
        "currency": "KRW",
        "amount": {
            "total": charge.total,
            "taxFree": 0,
            "discount": 0,
            "paid": charge.charged_at.map_or(0, |_| charge.total),
            "cancelled": if charge.charged_at.is_some() { cancelled } else { 0 },
            "cancelledTaxFree": 0,
        },
        "customer": {},
        "requestedAt": time(charge.requested_at),
        "updatedAt": time(charge.changed_at),
        "statusChangedAt": time(charge.changed_at),
    });
    if let Some(at) = charge.charged_at {
        payment["paidAt"] = time(at).into();
    }
    if !charge.cancels.is_empty() {
        payment["cancellations"] = charge.cancels.iter().map(cancellation).collect();
    }
    if matches!(charge.status, Status::Failed | Status::Expired) {
        payment["failure"] = failure;
    }
    payment
}

fn method(charge: &Charge) -> Value {
    match charge.method {
        Method::Card => json!({ "type": "PaymentMethodCard" }),
        Method::BankTransfer => json!({ "type": "PaymentMethodTransfer" }),
        Method::SimplePay => json!({ "type": "PaymentMethodEasyPay", "provider": "KAKAOPAY" }),
        Method::Mobile => json!({ "type": "PaymentMethodMobile" }),
        Method::VirtualAccount => json!({
            "type": "PaymentMethodVirtualAccount",
            "bank": "SHINHAN",
            "accountNumber": charge.account_number(),
            "issuedAt": time(charge.requested_at),
            "expiredAt": time(charge.requested_at + TimeDelta::days(1)),
        }),
    }
}

pub(super) fn cancellation(cancel: &Cancel) -> Value {
    let status = match cancel.state {
        CancelState::Running => "REQUESTED",
        CancelState::Done => "SUCCEEDED",
        CancelState::Failed => "FAILED",
    };
    json!({
        "status": status,
        "id": cancel.id,
        "totalAmount": cancel.amount,
        "taxFreeAmount": 0,
        "vatAmount": 0,
        "reason": cancel.reason,
        "requestedAt": time(cancel.requested_at),
        "cancelledAt": (cancel.state == CancelState::Done).then(|| time(cancel.at)),
    })
}

/// What it sends when something happened.
pub(crate) fn webhook(change: &Change) -> Value {
    let charge = &change.charge;
    let kind = match (change.what, charge.status) {
        (What::CancelRunning, _) => "Transaction.CancelPending",
        (_, Status::WaitingForDeposit) => "Transaction.VirtualAccountIssued",
        (_, Status::Charged) => "Transaction.Paid",
        (_, Status::PartlyCancelled) => "Transaction.PartialCancelled",
        (_, Status::Cancelled) => "Transaction.Cancelled",
        (_, Status::Failed | Status::Expired) => "Transaction.Failed",
        (_, Status::Ready | Status::Authorised) => "Transaction.Ready",
    };
    let mut data = json!({
        "storeId": "store-sandbox",
        "paymentId": charge.order_id,
        "transactionId": charge.provider_key,
    });
    if let Some(cancel) = charge.cancels.last() {
        data["cancellationId"] = cancel.id.clone().into();
    }
    json!({ "type": kind, "timestamp": time(charge.changed_at), "data": data })
}
