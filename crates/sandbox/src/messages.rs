//! A provider of text messages and of Kakao `AlimTalk` that reaches nobody: `POST /messages` takes one, once for each id; below
//! `/control/messages` tests read what came and have it fail.

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Sandbox, call};

/// What came, and what is yet to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    received: Vec<Received>,
    faults: Vec<Fault>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The same again is answered and not taken twice.
    id: String,
    /// Telephone number, digits.
    to: String,
    /// The registered number that it comes from.
    from: String,
    text: String,
    /// Tried before a text message.
    alimtalk: Option<AlimTalk>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlimTalk {
    channel: String,
    template: String,
}

#[derive(Debug, Clone, Serialize)]
struct Received {
    id: String,
    to: String,
    from: String,
    text: String,
    /// `alimtalk`, or `sms` where none was asked for or the person takes none.
    way: &'static str,
    channel: Option<String>,
    template: Option<String>,
}

/// How it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Nothing is taken, 503.
    Down,
    /// Nothing is taken, 429 with Retry-After.
    Busy,
    /// Taken, and the connection breaks.
    ThenReset,
    /// The number takes no messages.
    Refuse,
    /// The person is not on Kakao: a text message goes instead.
    NotOnKakao,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    fault: Kind,
    /// Only for this number; any otherwise.
    #[serde(default)]
    to: Option<String>,
    /// How often.
    #[serde(default = "once")]
    count: u32,
    /// Of the answer that asks to wait.
    #[serde(default)]
    retry_after_s: u64,
}

fn once() -> u32 {
    1
}

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new().route("/messages", post(take))
}

pub(crate) fn control() -> Router<Sandbox> {
    Router::new()
        .route("/messages", get(received).delete(forget))
        .route("/messages/faults", post(add_fault).delete(clear_faults))
}

async fn take(State(sandbox): State<Sandbox>, headers: HeaderMap, Json(ask): Json<Ask>) -> Response {
    let wanted = format!("Bearer {}", sandbox.config.secret_key.expose_secret());
    let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    if !sandbox.config.secret_key.is_empty() && given != Some(&wanted) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "unauthorized" }))).into_response();
    }
    let (fault, taken) = sandbox.messages().take(ask);
    match fault.as_ref().map(|fault| fault.fault) {
        Some(Kind::Down) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Kind::Busy) => {
            let wait = fault.map_or(0, |fault| fault.retry_after_s).to_string();
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, wait)]).into_response()
        }
        Some(Kind::Refuse) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": "invalid_number" }))).into_response()
        }
        Some(Kind::ThenReset) => call::broken(),
        Some(Kind::NotOnKakao) | None => (StatusCode::ACCEPTED, Json(json!({ "message": taken }))).into_response(),
    }
}

impl Messages {
    fn take(&mut self, ask: Ask) -> (Option<Fault>, Option<Received>) {
        let fault = self.fault(&ask.to);
        if fault.as_ref().is_some_and(|it| matches!(it.fault, Kind::Down | Kind::Busy | Kind::Refuse)) {
            return (fault, None);
        }
        if let Some(known) = self.received.iter().find(|it| it.id == ask.id) {
            return (fault, Some(known.clone()));
        }
        let on_kakao = fault.as_ref().is_none_or(|it| it.fault != Kind::NotOnKakao);
        let alimtalk = ask.alimtalk.filter(|_| on_kakao);
        let way = if alimtalk.is_some() { "alimtalk" } else { "sms" };
        let (channel, template) = alimtalk.map(|it| (it.channel, it.template)).unzip();
        let taken = Received { id: ask.id, to: ask.to, from: ask.from, text: ask.text, way, channel, template };
        self.received.push(taken.clone());
        (fault, Some(taken))
    }

    /// What goes wrong now, if anything, counted down.
    fn fault(&mut self, to: &str) -> Option<Fault> {
        let index = self.faults.iter().position(|fault| fault.to.as_deref().is_none_or(|only| only == to))?;
        let fault = &mut self.faults[index];
        fault.count = fault.count.saturating_sub(1);
        if fault.count == 0 { Some(self.faults.remove(index)) } else { Some(fault.clone()) }
    }
}

async fn received(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.messages().received))
}

async fn forget(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.messages().received.clear();
    StatusCode::NO_CONTENT
}

async fn add_fault(State(sandbox): State<Sandbox>, Json(fault): Json<Fault>) -> StatusCode {
    sandbox.messages().faults.push(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.messages().faults.clear();
    StatusCode::NO_CONTENT
}
