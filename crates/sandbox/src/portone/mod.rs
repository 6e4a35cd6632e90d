//! The dialect of PortOne, version 2, as far as merchants need it: register, confirm with a token, read, cancel, list.

mod error;
mod object;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Charge, Dialect, NewCancel, No, Status};
use crate::fault::{Kind, Operation};
use error::refusal;
pub(crate) use error::trouble;
pub(crate) use object::webhook;
use object::{cancellation, payment, status};

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
    if sandbox.knows(&request, |secret| format!("PortOne {secret}")) {
        next.run(request).await
    } else {
        trouble(Trouble::Unauthorized).into_response()
    }
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
