//! The provider: the real one, and what a test does to it.

use aipoten_billing::provider::{Account, Config};
use aipoten_kit::{Line, Process};
use aipoten_proto::billing::v1::ReceiveWebhookRequest;
use aipoten_proto::billing::v1::payment_service_client::PaymentServiceClient;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SECRET: &str = "sandbox_secret";

pub(crate) struct Sandbox {
    url: String,
    client: reqwest::Client,
}

impl Sandbox {
    pub(crate) fn start(listener: TcpListener, webhook_url: &str, process: &Process) -> Self {
        let config = aipoten_sandbox::Config {
            webhook_url: webhook_url.to_owned(),
            secret_key: SECRET.to_owned().into(),
            ..aipoten_sandbox::Config::default()
        };
        let address = aipoten_sandbox::serve(listener, &config, process).expect("the provider serves");
        let tls = aipoten_kit::certificates().expect("certificates");
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().expect("a client");
        Self { url: format!("http://{address}"), client }
    }

    /// Billing's settings of it: it is not waited for long.
    pub(crate) fn settings(&self) -> Config {
        let secret_key = SECRET.to_owned().into();
        let sandbox = Account { base_url: self.url.clone(), secret_key, timeout_ms: 1000, ..Account::default() };
        Config { sandbox, ..Config::default() }
    }

    /// Somebody pays by card at the checkout.
    pub(crate) async fn authorize(&self, order_id: &str) -> String {
        self.authorize_with(json!({ "order_id": order_id })).await
    }

    /// Somebody does something else there.
    pub(crate) async fn authorize_with(&self, what: Value) -> String {
        let answer = self.control("authorize", &what).await;
        answer["provider_key"].as_str().expect("the provider's number").to_owned()
    }

    /// What is to go wrong next.
    pub(crate) async fn fails(&self, fault: Value) {
        self.control("faults", &fault).await;
    }

    /// Nothing goes wrong any more.
    pub(crate) async fn recovers(&self) {
        let answer = self.client.delete(format!("{}/control/faults", self.url)).send().await.expect("an answer");
        assert!(answer.status().is_success());
    }

    pub(crate) async fn deposit(&self, order_id: &str) {
        self.control("deposit", &json!({ "order_id": order_id })).await;
    }

    pub(crate) async fn take_back_deposit(&self, order_id: &str) {
        self.control("deposit-reversal", &json!({ "order_id": order_id })).await;
    }

    /// The bank has done, or not done, the oldest cancel that takes its time.
    pub(crate) async fn finish_cancel(&self, order_id: &str, done: bool) {
        self.control("cancels", &json!({ "order_id": order_id, "done": done })).await;
    }

    async fn control(&self, what: &str, body: &Value) -> Value {
        let answer =
            self.client.post(format!("{}/control/{what}", self.url)).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{what} {body}: {}", answer.status());
        let bytes = answer.bytes().await.expect("a body");
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") }
    }

    /// The provider's truth of an order.
    pub(crate) async fn charge(&self, order_id: &str) -> Value {
        let all = self.client.get(format!("{}/control/charges", self.url)).send().await.expect("an answer");
        let all: Vec<Value> = all.json().await.expect("JSON");
        all.into_iter().find(|it| it["order_id"] == order_id).expect("the order")
    }

    /// How often an order was charged.
    pub(crate) async fn times_charged(&self, order_id: &str) -> usize {
        let charge = self.charge(order_id).await;
        charge["movements"].as_array().expect("movements").iter().filter(|it| it["moved"] == "charged").count()
    }

    /// Asks the provider itself, as billing does.
    pub(crate) async fn ask(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/toss/v1/payments/{path}", self.url));
        let answer = request.basic_auth(SECRET, Some("")).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Charges an order that is none of ours.
    pub(crate) async fn charge_foreign(&self, amount: i64) {
        let order = json!({ "order_id": "foreign-1", "order_name": "x", "amount": amount, "return_url": "https://shop.example" });
        let request =
            self.client.post(format!("{}/sandbox/orders", self.url)).basic_auth(SECRET, Some("")).json(&order);
        assert!(request.send().await.expect("an answer").status().is_success());
        let key = self.authorize("foreign-1").await;
        self.charge_now("foreign-1", &key, amount).await;
    }

    /// Charges behind billing's back.
    pub(crate) async fn charge_now(&self, order_id: &str, key: &str, amount: i64) {
        self.ask("confirm", json!({ "paymentKey": key, "orderId": order_id, "amount": amount })).await;
    }
}

/// Passes webhooks on as the gateway does.
pub(crate) fn forward_webhooks(listener: TcpListener, billing: Line, process: &Process) -> String {
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let router = Router::new().route("/", post(forward)).with_state(PaymentServiceClient::new(billing));
    let serving = axum::serve(listener, router).with_graceful_shutdown(process.stop().cancelled_owned());
    process.spawn("webhooks", async move { Ok(serving.await?) });
    url
}

async fn forward(
    State(mut payments): State<PaymentServiceClient<Line>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let pair = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        [name.to_string(), value.to_str().unwrap_or_default().to_owned()]
    };
    let headers = headers.iter().flat_map(pair).collect();
    let message = ReceiveWebhookRequest { provider: "sandbox".to_owned(), headers, body: body.to_vec() };
    match payments.receive_webhook(message).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
