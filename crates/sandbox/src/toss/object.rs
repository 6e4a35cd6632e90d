//! The object Payment, and what is sent when it changes.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::books::{Change, What};
use crate::charge::{Cancel, CancelState, Charge, Method, Status};

/// In Korea's time, as the real one says it.
pub(super) fn seoul(at: DateTime<Utc>) -> String {
    let offset = FixedOffset::east_opt(9 * 3600).expect("nine hours are an offset");
    at.with_timezone(&offset).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Card => "카드",
        Method::BankTransfer => "계좌이체",
        Method::SimplePay => "간편결제",
        Method::Mobile => "휴대폰",
        Method::VirtualAccount => "가상계좌",
    }
}

fn status(charge: &Charge) -> &'static str {
    match charge.status {
        Status::Ready => "READY",
        Status::Authorised => "IN_PROGRESS",
        Status::WaitingForDeposit => "WAITING_FOR_DEPOSIT",
        Status::Charged => "DONE",
        Status::PartlyCancelled => "PARTIAL_CANCELED",
        Status::Cancelled => "CANCELED",
        Status::Failed => "ABORTED",
        Status::Expired => "EXPIRED",
    }
}

/// The object Payment.
pub(super) fn payment(charge: &Charge) -> Value {
    let cancels: Vec<Value> = charge.cancels.iter().map(|it| cancel_object(charge, it)).collect();
    let failure =
        json!({ "code": "REJECT_CARD_PAYMENT", "message": "한도초과 또는 잔액부족으로 결제에 실패했습니다." });
    json!({
        "version": "2022-11-16",
        "mId": "sandbox",
        "paymentKey": charge.provider_key,
        "type": "NORMAL",
        "orderId": charge.order_id,
        "orderName": charge.order_name,
        "currency": "KRW",
        "method": method(charge.method),
        "totalAmount": charge.total,
        "balanceAmount": charge.balance(),
        "status": status(charge),
        "requestedAt": seoul(charge.requested_at),
        "approvedAt": charge.charged_at.map(seoul),
        "lastTransactionKey": charge.movements.last().map(|movement| &movement.id),
        "isPartialCancelable": true,
        "cancels": if cancels.is_empty() { Value::Null } else { cancels.into() },
        "virtualAccount": (charge.method == Method::VirtualAccount).then(|| virtual_account(charge)),
        "secret": charge.secret,
        "failure": (charge.status == Status::Failed).then_some(failure),
    })
}

fn cancel_object(charge: &Charge, cancel: &Cancel) -> Value {
    let state = match cancel.state {
        CancelState::Running => "IN_PROGRESS",
        CancelState::Done => "DONE",
        CancelState::Failed => "ABORTED",
    };
    json!({
        "transactionKey": cancel.id,
        "cancelAmount": cancel.amount,
        "cancelReason": cancel.reason,
        "refundableAmount": charge.balance(),
        "canceledAt": seoul(cancel.at),
        "cancelStatus": state,
    })
}

fn virtual_account(charge: &Charge) -> Value {
    json!({
        "accountType": "일반",
        "accountNumber": charge.account_number(),
        "bankCode": "88",
        "customerName": "아이포텐",
        "dueDate": seoul(charge.requested_at + TimeDelta::days(1)),
        "expired": false,
        "refundStatus": "NONE",
        "settlementStatus": "INCOMPLETED",
        "refundReceiveAccount": null,
    })
}

/// What it sends when something happened; nothing is signed.
pub(crate) fn webhook(change: &Change) -> Value {
    let charge = &change.charge;
    let at = charge.changed_at.with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    if matches!(change.what, What::Deposited | What::Reversed) {
        return json!({
            "createdAt": at,
            "secret": charge.secret,
            "status": status(charge),
            "transactionKey": charge.movements.last().map(|movement| &movement.id),
            "orderId": charge.order_id,
        });
    }
    let kind = if change.what == What::CancelRunning { "CANCEL_STATUS_CHANGED" } else { "PAYMENT_STATUS_CHANGED" };
    json!({ "eventType": kind, "createdAt": at, "data": payment(charge) })
}
