//! What tests and demonstrations do to the provider. Nobody is asked who they are: it never runs in production.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::books::{Authorization, Books};
use crate::charge::{Charge, Dialect, Method, No, Outcome};
use crate::fault::Fault;

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/authorize", post(authorize))
        .route("/deposit", post(deposit))
        .route("/deposit-reversal", post(reverse))
        .route("/cancels", post(finish_cancel))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/idempotency-keys", delete(forget_keys))
        .route("/charges", get(charges))
}

/// What somebody does at the checkout.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorize {
    order_id: String,
    #[serde(default)]
    method: Method,
    #[serde(default)]
    outcome: Outcome,
    /// Of an order that was never registered: Toss learns of it at its checkout.
    amount: Option<i64>,
}

async fn authorize(State(sandbox): State<Sandbox>, Json(asked): Json<Authorize>) -> Response {
    let Authorize { order_id, method, outcome, amount } = asked;
    let unregistered = amount.map(|amount| (amount, Dialect::Toss));
    let mut books = sandbox.books();
    match books.authorize(&Authorization { order_id, method, outcome, unregistered }) {
        Ok(charge) => Json(json!({ "provider_key": charge.token })).into_response(),
        Err(no) => refuse(no),
    }
}

fn refuse(no: No) -> Response {
    let status = if no == No::Unknown { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
    (status, Json(json!({ "error": format!("{no:?}") }))).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    order_id: String,
}

/// Does it, and tells of it by webhooks.
fn change(sandbox: &Sandbox, act: impl FnOnce(&mut Books) -> Result<(), No>) -> Response {
    let (done, changes) = {
        let mut books = sandbox.books();
        (act(&mut books), books.take_changes())
    };
    sandbox.tell(changes);
    done.map_or_else(refuse, |()| StatusCode::NO_CONTENT.into_response())
}

async fn deposit(State(sandbox): State<Sandbox>, Json(order): Json<Order>) -> Response {
    change(&sandbox, |books| books.deposit(&order.order_id))
}

async fn reverse(State(sandbox): State<Sandbox>, Json(order): Json<Order>) -> Response {
    change(&sandbox, |books| books.reverse(&order.order_id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishCancel {
    order_id: String,
    /// Whether the bank did it.
    done: bool,
}

async fn finish_cancel(State(sandbox): State<Sandbox>, Json(asked): Json<FinishCancel>) -> Response {
    change(&sandbox, |books| books.finish_cancel(&asked.order_id, asked.done))
}

async fn faults(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.books().faults.all()))
}

async fn add_fault(State(sandbox): State<Sandbox>, Json(fault): Json<Fault>) -> StatusCode {
    sandbox.books().faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.books().faults.clear();
    StatusCode::NO_CONTENT
}

/// As providers do after hours or days.
async fn forget_keys(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.books().answers.clear();
    StatusCode::NO_CONTENT
}

/// The provider's truth.
async fn charges(State(sandbox): State<Sandbox>) -> Json<Value> {
    let with_balance = |charge: &Charge| {
        let mut value = json!(charge);
        value["balance"] = charge.balance().into();
        value
    };
    Json(sandbox.books().all().map(with_balance).collect())
}
