//! The dialect of TossPayments, version 1, as far as merchants need it: confirm, read, cancel, lists.

mod error;
mod list;
mod object;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::Value;

use crate::Sandbox;
use crate::books::Books;
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Dialect, NewCancel, No, Status};
use crate::fault::{Kind, Operation};
use error::refusal;
pub(crate) use error::trouble;
use list::{settlements, transactions};
use object::payment;
pub(crate) use object::webhook;

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
    if sandbox.knows(&request, |secret| format!("Basic {}", BASE64.encode(format!("{secret}:")))) {
        next.run(request).await
    } else {
        trouble(Trouble::Unauthorized).into_response()
    }
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
