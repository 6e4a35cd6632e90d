//! The dialect of TossPayments, version 1, as far as merchants need it: confirm, read, cancel, lists.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::books::{Books, Change, What};
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Cancel, CancelState, Charge, Dialect, Method, Moved, Movement, NewCancel, No, Status};
use crate::fault::{Kind, Operation};

/// What it takes for itself, in basis points.
const FEE_BP: i64 = 250;

pub(crate) fn routes(sandbox: &Sandbox) -> Router<Sandbox> {
    Router::new()
        .route("/v1/payments/confirm", post(confirm))
        .route("/v1/payments/{payment_key}", get(by_key))
        .route("/v1/payments/orders/{order_id}", get(by_order))
        .route("/v1/payments/{payment_key}/cancel", post(cancel))
        .route("/v1/transactions", get(transactions))
        .route("/v1/settlements", get(settlements))
        .layer(from_fn_with_state(sandbox.clone(), authorize))
}

/// Basic authentication with the secret key and no password.
pub(crate) async fn authorize(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let secret = sandbox.config.secret_key.expose_secret();
    let expected = format!("Basic {}", BASE64.encode(format!("{secret}:")));
    let given = request.headers().get("authorization").and_then(|header| header.to_str().ok());
    if secret.is_empty() || given == Some(&expected) {
        next.run(request).await
    } else {
        trouble(Trouble::Unauthorized).into_response()
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply { status, body: json!({ "code": code, "message": message }) }
}

pub(crate) fn trouble(trouble: Trouble) -> Reply {
    let (status, code, message) = match trouble {
        Trouble::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED_KEY", "인증되지 않은 시크릿 키입니다."),
        Trouble::Malformed => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "잘못된 요청입니다."),
        Trouble::Down => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "점검 중입니다."),
        Trouble::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "FAILED_INTERNAL_SYSTEM_PROCESSING",
            "내부 시스템 처리 작업이 실패했습니다.",
        ),
        Trouble::InFlight => (StatusCode::CONFLICT, "IDEMPOTENT_REQUEST_PROCESSING", "이전 멱등 요청이 처리 중입니다."),
        Trouble::Bank => (StatusCode::BAD_REQUEST, "PROVIDER_ERROR", "일시적인 오류가 발생했습니다."),
    };
    error(status, code, message)
}

fn refusal(no: No) -> Reply {
    let (status, code, message) = match no {
        No::Unknown => (StatusCode::NOT_FOUND, "NOT_FOUND_PAYMENT", "존재하지 않는 결제 정보입니다."),
        No::Already => (StatusCode::BAD_REQUEST, "ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제입니다."),
        No::NotAuthorised => {
            (StatusCode::NOT_FOUND, "NOT_FOUND_PAYMENT_SESSION", "결제 시간이 만료되어 데이터가 없습니다.")
        }
        No::Amount | No::TooMuch => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "잘못된 요청입니다."),
        No::Declined => {
            (StatusCode::FORBIDDEN, "REJECT_CARD_PAYMENT", "한도초과 또는 잔액부족으로 결제에 실패했습니다.")
        }
        No::NotCharged | No::RefusedCancel => {
            (StatusCode::FORBIDDEN, "NOT_CANCELABLE_PAYMENT", "취소할 수 없는 결제입니다.")
        }
        No::AlreadyCancelled => (StatusCode::BAD_REQUEST, "ALREADY_CANCELED_PAYMENT", "이미 취소된 결제입니다."),
        No::Balance => (StatusCode::BAD_REQUEST, "NOT_MATCHES_REFUNDABLE_AMOUNT", "잔액 결과가 일치하지 않습니다."),
        No::Partial => (StatusCode::FORBIDDEN, "NOT_ALLOWED_PARTIAL_REFUND", "부분 환불이 불가능한 결제입니다."),
        No::NoAccount => {
            (StatusCode::BAD_REQUEST, "INVALID_REFUND_ACCOUNT_INFO", "환불 계좌번호와 예금주명이 일치하지 않습니다.")
        }
    };
    error(status, code, message)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirm {
    payment_key: String,
    order_id: String,
    amount: i64,
}

async fn confirm(State(sandbox): State<Sandbox>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Confirm>(&body) else {
        return trouble(Trouble::Malformed).into_response();
    };
    let call = Call::new(Dialect::Toss, Operation::Confirm, Some(&asked.order_id)).keyed(&headers, uri.path());
    carry_out(&sandbox, call, |books, fault| {
        let known = books.get(&asked.order_id).is_some_and(|charge| charge.provider_key == asked.payment_key);
        let confirmed = if known { books.confirm(&asked.order_id, asked.amount, fault) } else { Err(No::Unknown) };
        confirmed.map_or_else(refusal, |charge| Reply::ok(payment(charge)))
    })
    .await
}

async fn by_key(State(sandbox): State<Sandbox>, Path(payment_key): Path<String>) -> Response {
    let order_id = sandbox.books().by_key(&payment_key).map(|charge| charge.order_id.clone());
    fetch(&sandbox, order_id.as_deref()).await
}

async fn by_order(State(sandbox): State<Sandbox>, Path(order_id): Path<String>) -> Response {
    fetch(&sandbox, Some(&order_id)).await
}

/// Orders that nobody has authorised are not known.
async fn fetch(sandbox: &Sandbox, order_id: Option<&str>) -> Response {
    carry_out(sandbox, Call::new(Dialect::Toss, Operation::Fetch, order_id), |books, _| {
        let charge = order_id.and_then(|id| books.get(id)).filter(|charge| charge.status != Status::Ready);
        charge.map_or_else(|| refusal(No::Unknown), |charge| Reply::ok(payment(charge)))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelBody {
    cancel_reason: String,
    cancel_amount: Option<i64>,
    refundable_amount: Option<i64>,
    refund_receive_account: Option<Value>,
}

async fn cancel(
    State(sandbox): State<Sandbox>,
    Path(payment_key): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(asked) = serde_json::from_slice::<CancelBody>(&body) else {
        return trouble(Trouble::Malformed).into_response();
    };
    let order_id = sandbox.books().by_key(&payment_key).map(|charge| charge.order_id.clone());
    let order_id = order_id.as_deref();
    let call = Call::new(Dialect::Toss, Operation::Cancel, order_id).keyed(&headers, uri.path());
    let call = call.cancelling(&sandbox, asked.cancel_amount);
    carry_out(&sandbox, call, |books, fault| cancelled(books, order_id, asked, fault)).await
}

fn cancelled(books: &mut Books, order_id: Option<&str>, asked: CancelBody, fault: Option<Kind>) -> Reply {
    let new = NewCancel {
        amount: asked.cancel_amount,
        balance: asked.refundable_amount,
        reason: asked.cancel_reason,
        refund_id: None,
        has_account: asked.refund_receive_account.is_some(),
        slow: fault == Some(Kind::Slow),
    };
    let cancelled = order_id.ok_or(No::Unknown).and_then(|order_id| books.cancel(order_id, new, fault));
    cancelled.map_or_else(refusal, |charge| Reply::ok(payment(charge)))
}

/// In Korea's time, as the real one says it.
fn seoul(at: DateTime<Utc>) -> String {
    let offset = FixedOffset::east_opt(9 * 3600).expect("nine hours are an offset");
    at.with_timezone(&offset).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn method(method: Method) -> &'static str {
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
pub(crate) fn payment(charge: &Charge) -> Value {
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transactions {
    start_date: String,
    end_date: String,
    limit: Option<usize>,
    starting_after: Option<String>,
}

/// A moment in Korea's time, without saying so.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some((local - TimeDelta::hours(9)).and_utc())
}

/// The oldest first, charges and cancels alike; to the end of the second named.
async fn transactions(State(sandbox): State<Sandbox>, Query(asked): Query<Transactions>) -> Response {
    let (Some(from), Some(to)) = (moment(&asked.start_date), moment(&asked.end_date)) else {
        return trouble(Trouble::Malformed).into_response();
    };
    carry_out(&sandbox, Call::new(Dialect::Toss, Operation::List, None), |books, _| {
        let mut all: Vec<(&Charge, &Movement)> =
            moved(books).filter(|(_, movement)| (from..to + TimeDelta::seconds(1)).contains(&movement.at)).collect();
        all.sort_by(|(_, a), (_, b)| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let after = asked.starting_after.as_deref();
        let start =
            after.and_then(|key| all.iter().position(|(_, movement)| movement.id == key)).map_or(0, |at| at + 1);
        let page = all.into_iter().skip(start).take(asked.limit.unwrap_or(100).min(5000));
        Reply::ok(page.map(|(charge, movement)| transaction(charge, movement)).collect())
    })
    .await
}

fn moved(books: &Books) -> impl Iterator<Item = (&Charge, &Movement)> {
    let ours = books.all().filter(|charge| charge.dialect == Dialect::Toss);
    ours.flat_map(|charge| charge.movements.iter().map(move |movement| (charge, movement)))
}

/// Amounts have no sign: the status tells the direction. An account given up counts as cancelled, with the whole amount.
fn transaction(charge: &Charge, movement: &Movement) -> Value {
    let (status, amount) = match movement.moved {
        Moved::Issued => ("WAITING_FOR_DEPOSIT", 0),
        Moved::Charged => ("DONE", movement.amount),
        Moved::GivenUp => ("CANCELED", charge.total),
        Moved::Cancelled | Moved::Reversed => ("CANCELED", -movement.amount),
        Moved::PartlyCancelled => ("PARTIAL_CANCELED", -movement.amount),
    };
    json!({
        "mId": "sandbox",
        "transactionKey": movement.id,
        "paymentKey": charge.provider_key,
        "orderId": charge.order_id,
        "method": method(charge.method),
        "useEscrow": false,
        "status": status,
        "transactionAt": seoul(movement.at),
        "currency": "KRW",
        "amount": amount,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlements {
    start_date: NaiveDate,
    end_date: NaiveDate,
    page: Option<usize>,
    size: Option<usize>,
}

/// Everything is paid out on the day on which it moved.
async fn settlements(State(sandbox): State<Sandbox>, Query(asked): Query<Settlements>) -> Response {
    carry_out(&sandbox, Call::new(Dialect::Toss, Operation::List, None), |books, _| {
        let size = asked.size.unwrap_or(100).min(5000);
        let within = moved(books).filter(|(_, movement)| {
            movement.amount != 0 && (asked.start_date..=asked.end_date).contains(&day(movement.at))
        });
        let page = within.skip((asked.page.unwrap_or(1).max(1) - 1) * size).take(size);
        Reply::ok(page.map(|(charge, movement)| settlement(charge, movement)).collect())
    })
    .await
}

fn day(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(9)).date_naive()
}

fn settlement(charge: &Charge, movement: &Movement) -> Value {
    let fee = movement.amount * FEE_BP / 10_000;
    json!({
        "mId": "sandbox",
        "paymentKey": charge.provider_key,
        "transactionKey": movement.id,
        "orderId": charge.order_id,
        "currency": "KRW",
        "method": method(charge.method),
        "amount": movement.amount,
        "interestFee": 0,
        "fee": fee,
        "payOutAmount": movement.amount - fee,
        "approvedAt": charge.charged_at.map(seoul),
        "soldDate": day(movement.at),
        "paidOutDate": day(movement.at),
    })
}
