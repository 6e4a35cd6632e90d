//! The dialect of Stripe, as far as merchants need it: intents that are captured, refunds, entries of the account, payouts.

mod error;
mod list;
mod object;

use std::collections::HashMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

use crate::Sandbox;
use crate::books::Books;
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Charge, Dialect, NewCancel, No};
use crate::fault::{Kind, Operation};
use error::refusal;
pub(crate) use error::trouble;
use list::{entries, list, payouts};
pub(crate) use object::webhook;
use object::{intent, refund_object};

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
    if sandbox.knows(&request, |secret| format!("Bearer {secret}")) {
        next.run(request).await
    } else {
        trouble(Trouble::Unauthorized).into_response()
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
        let found = books.get(order_id).filter(|charge| charge.dialect == Dialect::Stripe).map(intent);
        list(found.as_slice())
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
            |charge| {
                let refunds: Vec<Value> = charge.cancels.iter().rev().map(|it| refund_object(charge, it)).collect();
                list(&refunds)
            },
        )
    })
    .await
}
