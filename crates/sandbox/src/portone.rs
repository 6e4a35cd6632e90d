//! The dialect of PortOne, version 2, as far as merchants need it: register, confirm with a token, read, cancel, list.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::books::{Change, What};
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Cancel, CancelState, Charge, Dialect, Method, NewCancel, No, Status};
use crate::fault::{Kind, Operation};

pub(crate) fn routes(sandbox: &Sandbox) -> Router<Sandbox> {
    Router::new()
        .route("/payments", get(list))
        .route("/payments/{id}", get(fetch))
        .route("/payments/{id}/pre-register", post(register))
        .route("/payments/{id}/confirm", post(confirm))
        .route("/payments/{id}/cancel", post(cancel))
        .layer(from_fn_with_state(sandbox.clone(), authorize))
}

async fn authorize(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let secret = sandbox.config.secret_key.expose_secret();
    let given = request.headers().get("authorization").and_then(|header| header.to_str().ok());
    if secret.is_empty() || given.and_then(|it| it.strip_prefix("PortOne ")) == Some(secret) {
        next.run(request).await
    } else {
        trouble(Trouble::Unauthorized).into_response()
    }
}

fn error(status: StatusCode, kind: &str, message: &str) -> Reply {
    Reply { status, body: json!({ "type": kind, "message": message }) }
}

pub(crate) fn trouble(trouble: Trouble) -> Reply {
    let (status, kind, message) = match trouble {
        Trouble::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "인증 정보가 올바르지 않습니다."),
        Trouble::Malformed => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "요청된 입력 정보가 유효하지 않습니다."),
        Trouble::Down => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "점검 중입니다."),
        Trouble::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "내부 오류가 발생했습니다."),
        Trouble::InFlight => {
            (StatusCode::CONFLICT, "IDEMPOTENCY_OUTSTANDING_REQUEST", "같은 멱등 키의 요청이 처리 중입니다.")
        }
        Trouble::Bank => (StatusCode::BAD_GATEWAY, "PG_PROVIDER", "PG사 응답 시간이 초과되었습니다."),
    };
    error(status, kind, message)
}

fn refusal(no: No) -> Reply {
    let (status, kind, message) = match no {
        No::Unknown => (StatusCode::NOT_FOUND, "PAYMENT_NOT_FOUND", "결제 건이 존재하지 않습니다."),
        No::Already => (StatusCode::CONFLICT, "ALREADY_PAID", "결제가 이미 완료되었습니다."),
        No::NotAuthorised => (StatusCode::BAD_REQUEST, "INVALID_PAYMENT_TOKEN", "결제 토큰이 유효하지 않습니다."),
        No::Amount => (StatusCode::BAD_REQUEST, "INFORMATION_MISMATCH", "결제 정보가 일치하지 않습니다."),
        No::Declined => (StatusCode::BAD_GATEWAY, "PG_PROVIDER", "한도초과 또는 잔액부족"),
        No::NotCharged => (StatusCode::CONFLICT, "PAYMENT_NOT_PAID", "결제가 완료되지 않았습니다."),
        No::AlreadyCancelled => (StatusCode::CONFLICT, "PAYMENT_ALREADY_CANCELLED", "결제가 이미 취소되었습니다."),
        No::Balance => {
            (StatusCode::CONFLICT, "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN", "취소 가능 잔액이 일치하지 않습니다.")
        }
        No::TooMuch => (
            StatusCode::CONFLICT,
            "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT",
            "결제 취소 금액이 취소 가능 금액을 초과했습니다.",
        ),
        No::Partial | No::RefusedCancel => (StatusCode::BAD_GATEWAY, "PG_PROVIDER", "취소할 수 없는 거래입니다."),
        No::NoAccount => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "환불 계좌가 필요합니다."),
    };
    error(status, kind, message)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Register {
    total_amount: i64,
    currency: String,
}

async fn register(State(sandbox): State<Sandbox>, Path(id): Path<String>, body: Bytes) -> Response {
    let asked = serde_json::from_slice(&body).ok().filter(|asked: &Register| asked.currency == "KRW");
    let Some(asked) = asked else {
        return trouble(Trouble::Malformed).into_response();
    };
    carry_out(&sandbox, Call::new(Dialect::Portone, Operation::Checkout, Some(&id)), |books, _| {
        books.register(Charge::new(&id, Dialect::Portone, asked.total_amount, "-"));
        Reply::ok(json!({}))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirm {
    payment_token: String,
    total_amount: i64,
}

async fn confirm(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(asked) = serde_json::from_slice::<Confirm>(&body) else {
        return trouble(Trouble::Malformed).into_response();
    };
    let call = Call::new(Dialect::Portone, Operation::Confirm, Some(&id)).keyed(&headers, uri.path());
    carry_out(&sandbox, call, |books, fault| {
        let is_theirs = books.get(&id).is_none_or(|charge| charge.token == asked.payment_token);
        let confirmed = if is_theirs { books.confirm(&id, asked.total_amount, fault) } else { Err(No::NotAuthorised) };
        confirmed.map_or_else(refusal, |charge| {
            Reply::ok(json!({ "payment": { "pgTxId": charge.provider_key, "paidAt": charge.changed_at } }))
        })
    })
    .await
}

/// Payments whose checkout nobody has opened are not known.
async fn fetch(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    carry_out(&sandbox, Call::new(Dialect::Portone, Operation::Fetch, Some(&id)), |books, _| {
        let charge = books.get(&id).filter(|charge| charge.status != Status::Ready);
        charge.map_or_else(|| refusal(No::Unknown), |charge| Reply::ok(payment(charge)))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelBody {
    amount: Option<i64>,
    reason: String,
    current_cancellable_amount: Option<i64>,
    refund_account: Option<Value>,
}

async fn cancel(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(asked) = serde_json::from_slice::<CancelBody>(&body) else {
        return trouble(Trouble::Malformed).into_response();
    };
    let call = Call::new(Dialect::Portone, Operation::Cancel, Some(&id)).keyed(&headers, uri.path());
    carry_out(&sandbox, call.cancelling(&sandbox, asked.amount), |books, fault| {
        let new = NewCancel {
            amount: asked.amount,
            balance: asked.current_cancellable_amount,
            reason: asked.reason,
            refund_id: None,
            has_account: asked.refund_account.is_some(),
            slow: fault == Some(Kind::Slow),
        };
        books.cancel(&id, new, fault).map_or_else(refusal, |charge| {
            Reply::ok(json!({ "cancellation": charge.cancels.last().map(cancellation) }))
        })
    })
    .await
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn status(charge: &Charge) -> &'static str {
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
fn payment(charge: &Charge) -> Value {
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

fn cancellation(cancel: &Cancel) -> Value {
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    request_body: String,
}

#[derive(Deserialize)]
struct ListBody {
    page: Page,
    filter: Filter,
}

#[derive(Deserialize)]
struct Page {
    number: usize,
    size: usize,
}

#[derive(Deserialize)]
struct Filter {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    status: Vec<String>,
}

/// By the moment of the last change, the oldest first.
async fn list(State(sandbox): State<Sandbox>, Query(query): Query<ListQuery>) -> Response {
    let Ok(ListBody { page, filter }) = serde_json::from_str(&query.request_body) else {
        return trouble(Trouble::Malformed).into_response();
    };
    carry_out(&sandbox, Call::new(Dialect::Portone, Operation::List, None), |books, _| {
        let mut found: Vec<&Charge> = books
            .all()
            .filter(|it| it.dialect == Dialect::Portone && (filter.from..=filter.until).contains(&it.changed_at))
            .filter(|it| filter.status.iter().any(|wanted| wanted == status(it)))
            .collect();
        found.sort_by_key(|charge| charge.changed_at);
        let total = found.len();
        let items: Vec<Value> = found.into_iter().skip(page.number * page.size).take(page.size).map(payment).collect();
        Reply::ok(json!({
            "items": items,
            "page": { "number": page.number, "size": page.size, "totalCount": total },
        }))
    })
    .await
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
