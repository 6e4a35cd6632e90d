//! TossPayments, version 1 of its API (2022-11-16).

mod bank;
mod codes;
mod list;
mod payment;

use aipoten_kit::Won;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt as _;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::config::Account;
use super::http::{Http, is_id};
use super::{
    Answer, Asked, Cancel, Charge, Checkout, Confirmation, Forged, Name, NewOrder, NewRefund, Notice, Payout, Provider,
    Refusal, Transaction, note, notice,
};
use crate::provider::told::{Not, Told, found, of_amount, of_order};
use codes::{DECLINED_CANCELS, DECLINED_CHARGES, NOT_FOUND};
use payment::Payment;

const PUBLIC: &str = "https://api.tosspayments.com";
/// Most characters of a cancel's reason.
const REASON: usize = 200;

pub(super) struct Toss {
    http: Http,
    client_key: Option<String>,
}

/// The secret key as the name of somebody without a password.
pub(super) fn authorization(secret_key: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{secret_key}:")))
}

#[derive(Deserialize)]
struct Error {
    code: String,
    message: String,
}

impl Toss {
    pub(super) fn new(account: &Account) -> anyhow::Result<Self> {
        let authorization = authorization(account.secret_key.expose_secret());
        Ok(Self { http: Http::new(account, PUBLIC, &authorization, &[])?, client_key: account.client_key() })
    }

    /// Of its error codes only those listed mean that nothing was done and nothing will be.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder, declined: &[&str]) -> Told<T> {
        let reply = self.http.send(request).await?;
        if reply.is_success() {
            return reply.parse();
        }
        let Error { code, message } = reply.refusal()?;
        if declined.contains(&code.as_str()) {
            return Err(Not::Declined(Refusal { code, message }));
        }
        Err(Not::answered(reply.status(), &code, &message))
    }

    async fn charge(&self, confirmation: &Confirmation) -> Told<Charge> {
        let Won(amount) = confirmation.amount;
        let body = json!({
            "paymentKey": confirmation.transaction_id,
            "orderId": confirmation.order_id,
            "amount": amount,
        });
        let request = self.http.request(Method::POST, &["v1", "payments", "confirm"]);
        let request = request.header("idempotency-key", &confirmation.idempotency_key).json(&body);
        let payment: Payment = self.ask(request, DECLINED_CHARGES).await?;
        of_order(&confirmation.order_id, payment.into_charge()?)
    }

    async fn read(&self, path: &[&str]) -> Told<Payment> {
        if !path.iter().all(|part| is_id(part)) {
            return Err(Not::declined(NOT_FOUND, "a payment cannot have such a number"));
        }
        let request =
            self.http.request(Method::GET, &["v1", "payments"].iter().chain(path).copied().collect::<Vec<_>>());
        self.ask(request, &[NOT_FOUND]).await
    }

    async fn by_order(&self, order_id: &str) -> Told<Charge> {
        of_order(order_id, self.read(&["orders", order_id]).await?.into_charge()?)
    }

    /// Unless it was done before: its memory of idempotency keys ends after 15 days, ours does not.
    async fn cancel(&self, refund: &NewRefund) -> Told<Cancel> {
        let id = &refund.idempotency_key;
        if let Some(cancel) = self.read(&[&refund.transaction_id]).await?.cancel(id) {
            return of_amount(refund.amount, cancel?);
        }
        let request = self.http.request(Method::POST, &["v1", "payments", &refund.transaction_id, "cancel"]);
        let request = request.header("idempotency-key", id).json(&cancel_body(refund));
        let payment: Payment = self.ask(request, DECLINED_CANCELS).await?;
        of_amount(refund.amount, found(payment.cancel(id))?)
    }
}

fn cancel_body(refund: &NewRefund) -> Value {
    let (Won(amount), Won(balance)) = (refund.amount, refund.balance);
    let mut body = json!({
        "cancelReason": note::with_id(&refund.reason, &refund.idempotency_key, REASON),
        "cancelAmount": amount,
        "refundableAmount": balance,
    });
    if let Some(account) = &refund.account {
        body["refundReceiveAccount"] = json!({
            "bank": bank::of_toss(&account.bank_code),
            "accountNumber": account.account_number,
            "holderName": account.account_holder,
        });
    }
    body
}

impl Provider for Toss {
    fn name(&self) -> Name {
        Name::Toss
    }

    /// Its own code opens the checkout: it learns of the order there.
    fn create_checkout<'a>(&'a self, _: &'a NewOrder) -> Asked<'a, Checkout> {
        let checkout = Checkout { client_key: self.client_key.clone(), ..Checkout::default() };
        std::future::ready(Answer::Succeeded(checkout)).boxed()
    }

    fn confirm<'a>(&'a self, confirmation: &'a Confirmation) -> Asked<'a, Charge> {
        async move { self.charge(confirmation).await.into() }.boxed()
    }

    fn fetch_by_order<'a>(&'a self, order_id: &'a str) -> Asked<'a, Charge> {
        async move { self.by_order(order_id).await.into() }.boxed()
    }

    fn fetch<'a>(&'a self, transaction_id: &'a str) -> Asked<'a, Charge> {
        async move { self.read(&[transaction_id]).await.and_then(Payment::into_charge).into() }.boxed()
    }

    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Asked<'a, Cancel> {
        async move { self.cancel(refund).await.into() }.boxed()
    }

    fn fetch_refund<'a>(&'a self, transaction_id: &'a str, refund_id: &'a str) -> Asked<'a, Cancel> {
        async move { self.read(&[transaction_id]).await.and_then(|payment| found(payment.cancel(refund_id))).into() }
            .boxed()
    }

    /// Nothing is signed: a message only says that it is worth reading the payment.
    fn verify_webhook(&self, _: &[(String, String)], body: &[u8], _: DateTime<Utc>) -> Result<Notice, Forged> {
        let message = notice::object(body)?;
        let either = |places: [&str; 2]| places.iter().find_map(|place| notice::text(&message, place));
        let places = [
            "/eventType",
            "/createdAt",
            "/status",
            "/orderId",
            "/transactionKey",
            "/data/paymentKey",
            "/data/orderId",
            "/data/status",
            "/data/totalAmount",
            "/data/balanceAmount",
            "/data/lastTransactionKey",
        ];
        Ok(Notice {
            event_id: notice::hash(body),
            order_id: either(["/data/orderId", "/orderId"]),
            transaction_id: notice::text(&message, "/data/paymentKey"),
            redacted: notice::kept(&message, &places),
        })
    }

    fn list_transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Asked<'_, Vec<Transaction>> {
        async move { self.transactions(from, to).await.into() }.boxed()
    }

    fn list_settlements(&self, from: NaiveDate, to: NaiveDate) -> Asked<'_, Vec<Payout>> {
        async move { self.settlements(from, to).await.into() }.boxed()
    }
}
