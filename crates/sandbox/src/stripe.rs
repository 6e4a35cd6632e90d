//! The dialect of Stripe, as far as merchants need it: intents that are captured, refunds, entries of the account, payouts.

use std::collections::HashMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::books::{Books, Change, What};
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Cancel, CancelState, Charge, Dialect, Method, Movement, NewCancel, No, Status, new_id};
use crate::fault::{Kind, Operation};

/// What it takes for itself, in basis points.
const FEE_BP: i64 = 290;

/// Fields of a form or a query, by their whole names.
type Form = HashMap<String, String>;

pub(crate) fn routes(sandbox: &Sandbox) -> Router<Sandbox> {
    Router::new()
        .route("/v1/payment_intents", post(create))
        .route("/v1/payment_intents/search", get(search))
        .route("/v1/payment_intents/{id}", get(fetch))
        .route("/v1/payment_intents/{id}/capture", post(capture))
        .route("/v1/refunds", get(refunds).post(refund))
        .route("/v1/balance_transactions", get(entries))
        .route("/v1/payouts", get(payouts))
        .layer(from_fn_with_state(sandbox.clone(), authorize))
}

async fn authorize(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let secret = sandbox.config.secret_key.expose_secret();
    let given = request.headers().get("authorization").and_then(|header| header.to_str().ok());
    if secret.is_empty() || given.and_then(|it| it.strip_prefix("Bearer ")) == Some(secret) {
        next.run(request).await
    } else {
        trouble(Trouble::Unauthorized).into_response()
    }
}

fn error(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Reply {
    let mut error = json!({ "type": kind, "message": message });
    if let Some(code) = code {
        error["code"] = code.into();
    }
    Reply { status, body: json!({ "error": error }) }
}

pub(crate) fn trouble(trouble: Trouble) -> Reply {
    let invalid = "invalid_request_error";
    match trouble {
        Trouble::Unauthorized => error(StatusCode::UNAUTHORIZED, invalid, None, "Invalid API Key provided."),
        Trouble::Malformed => {
            error(StatusCode::BAD_REQUEST, invalid, Some("parameter_missing"), "A parameter is missing or wrong.")
        }
        Trouble::Down => error(StatusCode::SERVICE_UNAVAILABLE, "api_error", None, "We are down."),
        Trouble::Internal | Trouble::Bank => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "Something went wrong on our side.")
        }
        Trouble::InFlight => error(
            StatusCode::CONFLICT,
            "idempotency_error",
            Some("idempotency_key_in_use"),
            "There is another request with this key in progress.",
        ),
    }
}

fn refusal(no: No) -> Reply {
    let invalid = |status, code, message| error(status, "invalid_request_error", Some(code), message);
    match no {
        No::Unknown => invalid(StatusCode::NOT_FOUND, "resource_missing", "There is no such object."),
        No::Already | No::NotAuthorised => invalid(
            StatusCode::BAD_REQUEST,
            "payment_intent_unexpected_state",
            "This PaymentIntent could not be captured because of its status.",
        ),
        No::Declined => {
            error(StatusCode::PAYMENT_REQUIRED, "card_error", Some("card_declined"), "Your card was declined.")
        }
        No::AlreadyCancelled => {
            invalid(StatusCode::BAD_REQUEST, "charge_already_refunded", "The charge has already been refunded.")
        }
        No::NotCharged => invalid(StatusCode::BAD_REQUEST, "charge_not_captured", "There is no captured charge."),
        No::Amount | No::TooMuch | No::Balance | No::Partial | No::RefusedCancel | No::NoAccount => {
            invalid(StatusCode::BAD_REQUEST, "amount_too_large", "The amount is greater than what is left.")
        }
    }
}

fn form(body: &[u8]) -> Form {
    form_urlencoded::parse(body).into_owned().collect()
}

fn number(form: &Form, name: &str) -> Option<i64> {
    form.get(name)?.parse().ok()
}

/// Its key makes a call the same one whatever its path; the path keeps apart what is of different kinds here.
async fn create(State(sandbox): State<Sandbox>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let form = form(&body);
    let (Some(amount), Some(order_id)) = (number(&form, "amount"), form.get("metadata[order_id]")) else {
        return trouble(Trouble::Malformed).into_response();
    };
    let is_known = form.get("currency").is_some_and(|it| it == "krw")
        && form.get("capture_method").is_some_and(|it| it == "manual");
    if !is_known {
        return trouble(Trouble::Malformed).into_response();
    }
    let call = Call::new(Dialect::Stripe, Operation::Checkout, Some(order_id)).keyed(&headers, uri.path());
    carry_out(&sandbox, call, |books, _| {
        let name = form.get("description").map_or("-", String::as_str);
        Reply::ok(intent(books.register(Charge::new(order_id, Dialect::Stripe, amount, name))))
    })
    .await
}

fn order_of(sandbox: &Sandbox, id: Option<&str>) -> Option<String> {
    sandbox.books().by_key(id?).map(|charge| charge.order_id.clone())
}

async fn capture(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(amount) = number(&form(&body), "amount_to_capture") else {
        return trouble(Trouble::Malformed).into_response();
    };
    let order_id = order_of(&sandbox, Some(&id));
    let call = Call::new(Dialect::Stripe, Operation::Confirm, order_id.as_deref()).keyed(&headers, uri.path());
    carry_out(&sandbox, call, |books, fault| {
        let confirmed = order_id.as_deref().ok_or(No::Unknown).and_then(|id| books.confirm(id, amount, fault));
        confirmed.map_or_else(refusal, |charge| Reply::ok(intent(charge)))
    })
    .await
}

async fn fetch(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let order_id = order_of(&sandbox, Some(&id));
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::Fetch, order_id.as_deref()), |books, _| {
        books.by_key(&id).map_or_else(|| refusal(No::Unknown), |charge| Reply::ok(intent(charge)))
    })
    .await
}

/// Knows one question alone: `metadata['order_id']:'…'`.
async fn search(State(sandbox): State<Sandbox>, Query(query): Query<Form>) -> Response {
    let wanted = query.get("query").and_then(|it| it.strip_prefix("metadata['order_id']:'")?.strip_suffix('\''));
    let Some(order_id) = wanted else {
        return trouble(Trouble::Malformed).into_response();
    };
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::Fetch, Some(order_id)), |books, _| {
        list(books.get(order_id).filter(|charge| charge.dialect == Dialect::Stripe).map(intent).into_iter().collect())
    })
    .await
}

async fn refund(State(sandbox): State<Sandbox>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let form = form(&body);
    let order_id = order_of(&sandbox, form.get("payment_intent").map(String::as_str));
    let call = Call::new(Dialect::Stripe, Operation::Cancel, order_id.as_deref()).keyed(&headers, uri.path());
    let amount = number(&form, "amount");
    carry_out(&sandbox, call.cancelling(&sandbox, amount), |books, fault| {
        order_id.as_deref().map_or_else(|| refusal(No::Unknown), |order_id| refunded(books, order_id, &form, fault))
    })
    .await
}

/// What the bank refuses is a refund that failed.
fn refunded(books: &mut Books, order_id: &str, form: &Form, fault: Option<Kind>) -> Reply {
    let new = NewCancel {
        amount: number(form, "amount"),
        balance: None,
        reason: String::new(),
        refund_id: form.get("metadata[refund_id]").cloned(),
        has_account: true,
        slow: fault == Some(Kind::Slow),
    };
    match books.cancel(order_id, new, fault).map(|_| ()) {
        Err(no) if !matches!(no, No::RefusedCancel | No::Partial) => refusal(no),
        _ => {
            let last = books.get(order_id).and_then(|charge| Some(refund_object(charge, charge.cancels.last()?)));
            last.map_or_else(|| refusal(No::Unknown), Reply::ok)
        }
    }
}

async fn refunds(State(sandbox): State<Sandbox>, Query(query): Query<Form>) -> Response {
    let order_id = order_of(&sandbox, query.get("payment_intent").map(String::as_str));
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::Fetch, order_id.as_deref()), |books, _| {
        let charge = order_id.as_deref().and_then(|order_id| books.get(order_id));
        charge.map_or_else(
            || refusal(No::Unknown),
            |charge| list(charge.cancels.iter().rev().map(|cancel| refund_object(charge, cancel)).collect()),
        )
    })
    .await
}

/// Cut by `limit` and `starting_after`, as all lists are.
fn page(all: Vec<Value>, query: &Form) -> Reply {
    let after = query.get("starting_after");
    let start = after.and_then(|id| all.iter().position(|item| item["id"] == **id)).map_or(0, |at| at + 1);
    let limit = number(query, "limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10).min(100);
    let has_more = all.len() > start + limit;
    let data: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    Reply::ok(json!({ "object": "list", "data": data, "has_more": has_more }))
}

fn list(data: Vec<Value>) -> Reply {
    Reply::ok(json!({ "object": "list", "data": data, "has_more": false }))
}

/// What moved, the newest first.
async fn entries(State(sandbox): State<Sandbox>, Query(query): Query<Form>) -> Response {
    let (from, to) = (number(&query, "created[gte]"), number(&query, "created[lt]"));
    let payout = query.get("payout");
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::List, None), |books, _| {
        let is_wanted = |movement: &Movement| {
            let at = movement.at.timestamp();
            from.is_none_or(|from| at >= from)
                && to.is_none_or(|to| at < to)
                && payout.is_none_or(|payout| *payout == payout_id(movement.at.date_naive()))
        };
        let mut all: Vec<(&Charge, &Movement)> = moved(books).filter(|(_, movement)| is_wanted(movement)).collect();
        all.sort_by(|(_, a), (_, b)| (b.at, &b.id).cmp(&(a.at, &a.id)));
        page(all.into_iter().map(|(charge, movement)| entry(charge, movement)).collect(), &query)
    })
    .await
}

fn moved(books: &Books) -> impl Iterator<Item = (&Charge, &Movement)> {
    let ours = books.all().filter(|charge| charge.dialect == Dialect::Stripe);
    ours.flat_map(|charge| charge.movements.iter().filter(|it| it.amount != 0).map(move |movement| (charge, movement)))
}

fn entry(charge: &Charge, movement: &Movement) -> Value {
    let is_charge = movement.amount > 0;
    let fee = if is_charge { movement.amount * FEE_BP / 10_000 } else { 0 };
    json!({
        "id": format!("txn_{}", movement.id),
        "object": "balance_transaction",
        "amount": movement.amount,
        "currency": "krw",
        "fee": fee,
        "net": movement.amount - fee,
        "created": movement.at.timestamp(),
        "type": if is_charge { "charge" } else { "refund" },
        "source": {
            "id": movement.id,
            "object": if is_charge { "charge" } else { "refund" },
            "amount": movement.amount.abs(),
            "payment_intent": intent(charge),
        },
    })
}

fn payout_id(day: NaiveDate) -> String {
    format!("po_{}", day.format("%Y%m%d"))
}

/// One a day, for what moved on it.
async fn payouts(State(sandbox): State<Sandbox>, Query(query): Query<Form>) -> Response {
    let (from, to) = (number(&query, "arrival_date[gte]"), number(&query, "arrival_date[lt]"));
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::List, None), |books, _| {
        let mut days: Vec<NaiveDate> = moved(books).map(|(_, movement)| movement.at.date_naive()).collect();
        days.sort();
        days.dedup();
        let arrival = |day: &NaiveDate| day.and_time(NaiveTime::MIN).and_utc().timestamp();
        days.retain(|day| from.is_none_or(|from| arrival(day) >= from) && to.is_none_or(|to| arrival(day) < to));
        let payout = |day: NaiveDate| json!({ "id": payout_id(day), "object": "payout", "arrival_date": arrival(&day), "status": "paid" });
        page(days.into_iter().rev().map(payout).collect(), &query)
    })
    .await
}

fn seconds(at: DateTime<Utc>) -> i64 {
    at.timestamp()
}

/// The object `PaymentIntent` with its charge.
fn intent(charge: &Charge) -> Value {
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

fn refund_object(charge: &Charge, cancel: &Cancel) -> Value {
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
