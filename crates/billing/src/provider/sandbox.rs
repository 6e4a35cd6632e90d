//! Our own provider: Toss's dialect, and a checkout page that it has itself.

use aipoten_kit::Won;
use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt as _;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use super::config::Account;
use super::http::Http;
use super::told::{Not, Told};
use super::toss::{self, Toss};
use super::{
    Asked, Cancel, Charge, Checkout, Confirmation, Forged, Name, NewOrder, NewRefund, Notice, Payout, Provider,
    Transaction,
};

/// Where it is unless something else is configured.
const LOCAL: &str = "http://127.0.0.1:5090";

pub(super) struct Sandbox {
    toss: Toss,
    http: Http,
    base: String,
}

#[derive(Deserialize)]
struct Registered {
    checkout_path: String,
}

impl Sandbox {
    pub(super) fn new(account: &Account) -> anyhow::Result<Self> {
        let base = if account.base_url.is_empty() { LOCAL } else { account.base_url.trim_end_matches('/') };
        let toss = Account { base_url: format!("{base}/toss"), ..account.clone() };
        let authorization = toss::authorization(account.secret_key.expose_secret());
        let http = Http::new(account, LOCAL, &authorization, &[])?;
        Ok(Self { toss: Toss::new(&toss)?, http, base: base.to_owned() })
    }

    async fn register(&self, order: &NewOrder) -> Told<Checkout> {
        let Won(amount) = order.amount;
        let body = json!({
            "order_id": order.order_id,
            "order_name": order.order_name,
            "amount": amount,
            "return_url": order.return_url,
        });
        let reply = self.http.send(self.http.request(Method::POST, &["sandbox", "orders"]).json(&body)).await?;
        if !reply.is_success() {
            return Err(Not::Unknown(format!("it answered {}", reply.status())));
        }
        let Registered { checkout_path } = reply.parse()?;
        let checkout_url = Some(format!("{}{checkout_path}", self.base));
        Ok(Checkout { checkout_url, ..Checkout::default() })
    }
}

impl Provider for Sandbox {
    fn name(&self) -> Name {
        Name::Sandbox
    }

    fn create_checkout<'a>(&'a self, order: &'a NewOrder) -> Asked<'a, Checkout> {
        async move { self.register(order).await.into() }.boxed()
    }

    fn confirm<'a>(&'a self, confirmation: &'a Confirmation) -> Asked<'a, Charge> {
        self.toss.confirm(confirmation)
    }

    fn fetch_by_order<'a>(&'a self, order_id: &'a str) -> Asked<'a, Charge> {
        self.toss.fetch_by_order(order_id)
    }

    fn fetch<'a>(&'a self, transaction_id: &'a str) -> Asked<'a, Charge> {
        self.toss.fetch(transaction_id)
    }

    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Asked<'a, Cancel> {
        self.toss.refund(refund)
    }

    fn fetch_refund<'a>(&'a self, transaction_id: &'a str, refund_id: &'a str) -> Asked<'a, Cancel> {
        self.toss.fetch_refund(transaction_id, refund_id)
    }

    fn verify_webhook(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Forged> {
        self.toss.verify_webhook(headers, body, now)
    }

    fn list_transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Asked<'_, Vec<Transaction>> {
        self.toss.list_transactions(from, to)
    }

    fn list_settlements(&self, from: NaiveDate, to: NaiveDate) -> Asked<'_, Vec<Payout>> {
        self.toss.list_settlements(from, to)
    }
}
