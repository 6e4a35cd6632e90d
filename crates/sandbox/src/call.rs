//! Answering a call: once per idempotency key, and in the way in which it is to fail.

use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::books::Books;
use crate::charge::{Charge, Dialect};
use crate::fault::{Fault, Kind, Occasion, Operation};
use crate::{Sandbox, portone, stripe, toss};

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// What a provider says when something is wrong with itself or with the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Unauthorized,
    Malformed,
    Down,
    Internal,
    InFlight,
    /// A failure of the bank's of which nobody knows what it did.
    Bank,
}

/// What is asked.
pub(crate) struct Call {
    pub(crate) dialect: Dialect,
    pub(crate) operation: Operation,
    pub(crate) order_id: Option<String>,
    /// Whether a part is cancelled, not all.
    pub(crate) is_part: bool,
    /// Idempotency key, if the caller gave one.
    pub(crate) key: Option<String>,
}

impl Call {
    pub(crate) fn new(dialect: Dialect, operation: Operation, order_id: Option<&str>) -> Self {
        Self { dialect, operation, order_id: order_id.map(str::to_owned), is_part: false, key: None }
    }

    /// With the idempotency key of the call, which holds for its path.
    pub(crate) fn keyed(self, headers: &HeaderMap, path: &str) -> Self {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        Self { key: key.map(|key| format!("{key} {path}")), ..self }
    }

    /// Of an amount, or of all that is left.
    pub(crate) fn cancelling(self, sandbox: &Sandbox, amount: Option<i64>) -> Self {
        let left = self.order_id.as_deref().and_then(|id| sandbox.books().get(id).map(Charge::cancellable));
        Self { is_part: amount.zip(left).is_some_and(|(amount, left)| amount < left), ..self }
    }

    fn trouble(&self, trouble: Trouble) -> Reply {
        match self.dialect {
            Dialect::Toss => toss::trouble(trouble),
            Dialect::Portone => portone::trouble(trouble),
            Dialect::Stripe => stripe::trouble(trouble),
        }
    }
}

/// Does what is asked, or repeats what was answered, tells of it by webhooks, and fails as it is to.
pub(crate) async fn carry_out(
    sandbox: &Sandbox,
    call: Call,
    act: impl FnOnce(&mut Books, Option<Kind>) -> Reply,
) -> Response {
    let (reply, fault, changes) = {
        let mut books = sandbox.books();
        let occasion =
            Occasion { operation: call.operation, order_id: call.order_id.as_deref(), is_part: call.is_part };
        let fault = books.faults.take(&occasion);
        let reply = answer(&mut books, &call, fault.as_ref().map(|fault| fault.fault), act);
        (reply, fault, books.take_changes())
    };
    sandbox.tell(changes);
    let Some(fault) = fault else {
        return reply.into_response();
    };
    fail(sandbox, &call, &fault, reply).await
}

fn answer(
    books: &mut Books,
    call: &Call,
    fault: Option<Kind>,
    act: impl FnOnce(&mut Books, Option<Kind>) -> Reply,
) -> Reply {
    if fault == Some(Kind::Down) {
        return call.trouble(Trouble::Down);
    }
    if let Some(answer) = call.key.as_ref().and_then(|key| books.answers.get(key)) {
        return answer.clone();
    }
    let mut reply = act(books, fault);
    if fault == Some(Kind::ThenReplayedError) {
        reply = call.trouble(Trouble::Bank);
    }
    if let Some(key) = &call.key {
        books.answers.insert(key.clone(), reply.clone());
    }
    reply
}

async fn fail(sandbox: &Sandbox, call: &Call, fault: &Fault, reply: Reply) -> Response {
    match fault.fault {
        Kind::ThenHang => {
            sandbox.stop.cancelled().await;
            call.trouble(Trouble::Down).into_response()
        }
        Kind::ThenReset => broken(),
        Kind::ThenError => call.trouble(Trouble::Internal).into_response(),
        Kind::ThenInFlight => call.trouble(Trouble::InFlight).into_response(),
        Kind::Slow => {
            if let (Some(delay), Some(order_id)) = (fault.delay_ms, call.order_id.clone()) {
                finish_later(sandbox.clone(), order_id, Duration::from_millis(delay));
            }
            reply.into_response()
        }
        _ => reply.into_response(),
    }
}

/// An answer that ends before it has begun: the server breaks the connection.
pub(crate) fn broken() -> Response {
    let nothing = futures::stream::once(async { Err::<String, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    Response::new(Body::from_stream(nothing))
}

fn finish_later(sandbox: Sandbox, order_id: String, delay: Duration) {
    tokio::spawn(async move {
        if sandbox.stop.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
            return;
        }
        let (finished, changes) = {
            let mut books = sandbox.books();
            (books.finish_cancel(&order_id, true), books.take_changes())
        };
        if finished.is_err() {
            tracing::debug!(order_id, "a slow cancel was finished by somebody else");
        }
        sandbox.tell(changes);
    });
}
