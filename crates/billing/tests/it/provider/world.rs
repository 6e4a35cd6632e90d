//! A sandbox of its own for a test, an adapter that speaks to it, and somebody to whom its webhooks go.

use std::sync::{Arc, Mutex};

use aipoten_billing::provider::{
    Account, Answer, Charge, Config, Confirmation, Name, NewOrder, NewRefund, Provider, Providers,
};
use aipoten_kit::{Process, Won, certificates};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) const SECRET: &str = "test_sk_sandbox";
/// `whsec_` and base64, as both dialects that sign take it.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMDE=";
/// What an order costs in these tests.
pub(crate) const AMOUNT: i64 = 288_000;

/// A webhook as it came: headers and body.
pub(crate) type Message = (Vec<(String, String)>, Vec<u8>);

pub(crate) struct World {
    url: String,
    providers: Providers,
    name: Name,
    client: reqwest::Client,
    process: Process,
    messages: Arc<Mutex<Vec<Message>>>,
}

/// Takes a webhook at the second try.
async fn take(State(messages): State<Arc<Mutex<Vec<Message>>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |value: &axum::http::HeaderValue| value.to_str().expect("text").to_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut messages = messages.lock().expect("whole");
    messages.push((headers, body.to_vec()));
    if messages.iter().filter(|(_, it)| *it == body).count() == 1 {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

impl World {
    /// With an adapter of this provider.
    pub(crate) async fn new(name: Name) -> Self {
        let process = Process::new();
        let messages = Arc::default();
        let webhooks = axum::Router::new().route("/", post(take)).with_state(Arc::clone(&messages));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let webhook_url = format!("http://{}/", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, webhooks).await });

        let config = aipoten_sandbox::Config {
            webhook_url,
            secret_key: SECRET.to_owned().into(),
            webhook_secret: WEBHOOK_SECRET.to_owned().into(),
            ..aipoten_sandbox::Config::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = aipoten_sandbox::serve(listener, &config, &process).expect("it serves");
        let url = format!("http://{address}");
        let providers = Providers::connect(Some(name), &account(&url, name, SECRET)).expect("good settings");
        let client = reqwest::Client::builder().tls_backend_preconfigured(certificates().expect("roots"));
        let client = client.redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
        Self { url, providers, name, client, process, messages }
    }

    pub(crate) fn provider(&self) -> &dyn Provider {
        self.providers.get(self.name).expect("configured")
    }

    pub(crate) async fn control(&self, what: &str, body: &Value) -> Value {
        let answer =
            self.client.post(format!("{}/control/{what}", self.url)).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        let text = answer.text().await.expect("text");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }

    /// Has something go wrong once.
    pub(crate) async fn fault(&self, operation: &str, fault: &str) {
        self.control("faults", &json!({ "operation": operation, "fault": fault })).await;
    }

    /// The provider's own truth of an order.
    pub(crate) async fn truth(&self, order_id: &str) -> Value {
        let answer = self.client.get(format!("{}/control/charges", self.url)).send().await.expect("an answer");
        let charges: Vec<Value> = answer.json().await.expect("JSON");
        charges.into_iter().find(|charge| charge["order_id"] == order_id).expect("known to the provider")
    }

    /// An order whose checkout was opened, and that somebody paid there.
    pub(crate) async fn authorized(&self, method: &str, outcome: &str) -> Confirmation {
        let order = new_order();
        let Answer::Succeeded(_) = self.provider().create_checkout(&order).await else { panic!("no checkout") };
        let mut body = json!({ "order_id": order.order_id, "method": method, "outcome": outcome });
        if self.name == Name::Toss {
            body["amount"] = AMOUNT.into();
        }
        let authorized = self.control("authorize", &body).await;
        Confirmation {
            order_id: order.order_id,
            transaction_id: authorized["provider_key"].as_str().expect("a key").to_owned(),
            amount: order.amount,
            idempotency_key: Uuid::now_v7().to_string(),
        }
    }

    /// A charge by card.
    pub(crate) async fn charged(&self) -> Charge {
        let confirmation = self.authorized("card", "approve").await;
        succeeded(self.provider().confirm(&confirmation).await)
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.lock().expect("whole").clone()
    }

    /// Idempotency keys, as providers do after hours or days, or faults.
    pub(crate) async fn forget(&self, what: &str) {
        let url = format!("{}/control/{what}", self.url);
        let answer = self.client.delete(url).send().await.expect("an answer");
        assert!(answer.status().is_success());
    }

    /// All that moved of an order, as the provider knows it.
    pub(crate) async fn moved(&self, order_id: &str) -> Vec<i64> {
        let truth = self.truth(order_id).await;
        let movements = truth["movements"].as_array().expect("a list").iter();
        movements.map(|movement| movement["amount"].as_i64().expect("won")).filter(|amount| *amount != 0).collect()
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.process.stop().cancel();
    }
}

/// An account at the sandbox, which speaks this provider's dialect to it.
pub(crate) fn account(url: &str, name: Name, secret_key: &str) -> Config {
    let account = |path: &str| Account {
        base_url: format!("{url}{path}"),
        secret_key: secret_key.to_owned().into(),
        client_key: "test_ck_sandbox".to_owned(),
        store_id: "store-sandbox".to_owned(),
        webhook_secret: WEBHOOK_SECRET.to_owned().into(),
        timeout_ms: 500,
    };
    match name {
        Name::Toss => Config { toss: account("/toss"), ..Config::default() },
        Name::Portone => Config { portone: account("/portone"), ..Config::default() },
        Name::Stripe => Config { stripe: account("/stripe"), ..Config::default() },
        Name::Sandbox => Config { sandbox: account(""), ..Config::default() },
    }
}

pub(crate) fn new_order() -> NewOrder {
    NewOrder {
        order_id: format!("order-{}", Uuid::now_v7().simple()),
        order_name: "상담 4회".to_owned(),
        amount: Won(AMOUNT),
        return_url: "https://aipoten.example/payments/return?from=checkout".to_owned(),
        expires_at: Utc::now() + TimeDelta::minutes(10),
    }
}

/// A refund of a charge, as it is to stand before.
pub(crate) fn new_refund(charge: &Charge, amount: i64) -> NewRefund {
    NewRefund {
        transaction_id: charge.transaction_id.clone(),
        amount: Won(amount),
        balance: charge.balance,
        reason: "아이가 아파요".to_owned(),
        idempotency_key: Uuid::now_v7().to_string(),
        account: None,
    }
}

pub(crate) fn succeeded<T: std::fmt::Debug>(answer: Answer<T>) -> T {
    match answer {
        Answer::Succeeded(value) => value,
        other => panic!("{other:?}"),
    }
}

/// The code of a definite refusal.
pub(crate) fn declined<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Answer::Declined(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn unknown<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Answer::Unknown(why) => why,
        other => panic!("{other:?}"),
    }
}
