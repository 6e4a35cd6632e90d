//! PortOne, version 2 of its API. A payment has our number of the order for its own, and is confirmed with a token that the checkout
//! returned.

mod bank;
mod payment;

use aipoten_kit::Won;
use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use futures::FutureExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Sha256;

use super::config::Account;
use super::http::{Http, is_id};
use super::told::{Not, Told, found, of_amount, of_order};
use super::{
    Answer, Asked, Cancel, Charge, ChargeStatus, Checkout, Confirmation, Forged, Name, NewOrder, NewRefund, Notice,
    Payout, Provider, Refusal, Transaction, note, notice,
};
use payment::Payment;

const PUBLIC: &str = "https://api.portone.io";
/// Most characters of a cancel's reason.
const REASON: usize = 200;
/// Payments that are listed at once.
const PAGE: usize = 200;
/// So many pages are more than there can be.
const PAGES: usize = 500;

/// There is no such payment.
const NOT_FOUND: &str = "PAYMENT_NOT_FOUND";
/// Errors that say for certain that nothing was charged and nothing will be.
const DECLINED_CHARGES: &[&str] = &["INFORMATION_MISMATCH", "INVALID_REQUEST"];
/// Errors that say for certain that nothing was cancelled and nothing will be.
const DECLINED_CANCELS: &[&str] = &[
    "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT",
    "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT",
    "INVALID_REQUEST",
    NOT_FOUND,
    "PAYMENT_NOT_PAID",
    "REMAINED_AMOUNT_LESS_THAN_PROMOTION_MIN_PAYMENT_AMOUNT",
    "SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT",
];

pub(super) struct Portone {
    http: Http,
    store_id: String,
    client_key: Option<String>,
    /// Of webhooks; all are refused without.
    key: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Payment>,
}

impl Portone {
    pub(super) fn new(account: &Account) -> anyhow::Result<Self> {
        let authorization = format!("PortOne {}", account.secret_key.expose_secret());
        let secret = account.webhook_secret.expose_secret();
        Ok(Self {
            http: Http::new(account, PUBLIC, &authorization, &[])?,
            store_id: account.store_id.clone(),
            client_key: account.client_key(),
            key: if secret.is_empty() { None } else { Some(notice::standard_key(secret).context("`webhook_secret`")?) },
        })
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder, declined: &[&str]) -> Told<T> {
        let reply = self.http.send(request).await?;
        if reply.is_success() {
            return reply.parse();
        }
        let Error { kind: code, message } = reply.refusal()?;
        let message = message.unwrap_or_default();
        if declined.contains(&code.as_str()) {
            return Err(Not::Declined(Refusal { code, message }));
        }
        Err(Not::answered(reply.status(), &code, &message))
    }

    /// A call that changes something, once per key.
    fn post(&self, payment_id: &str, what: &str, key: &str, body: &Value) -> RequestBuilder {
        let request = self.http.request(Method::POST, &["payments", payment_id, what]);
        request.header("idempotency-key", format!("\"{key}\"")).json(body)
    }

    async fn register(&self, order: &NewOrder) -> Told<Checkout> {
        let Won(amount) = order.amount;
        let body = json!({ "storeId": self.store_id, "totalAmount": amount, "currency": "KRW" });
        let request = self.http.request(Method::POST, &["payments", &order.order_id, "pre-register"]).json(&body);
        self.ask::<Value>(request, &["INVALID_REQUEST"]).await?;
        Ok(Checkout { client_key: self.client_key.clone(), ..Checkout::default() })
    }

    /// Its answer tells neither amount nor status, and a bank that declines answers like one in trouble: so the payment is read.
    async fn charge(&self, confirmation: &Confirmation) -> Told<Charge> {
        let Won(amount) = confirmation.amount;
        let body = json!({
            "storeId": self.store_id,
            "paymentToken": confirmation.transaction_id,
            "currency": "KRW",
            "totalAmount": amount,
        });
        let request = self.post(&confirmation.order_id, "confirm", &confirmation.idempotency_key, &body);
        let reply = self.http.send(request).await?;
        if reply.is_success() {
            return self.by_order(&confirmation.order_id).await;
        }
        let Error { kind: code, message } = reply.parse()?;
        let message = message.unwrap_or_default();
        if reply.status() < 500 && DECLINED_CHARGES.contains(&code.as_str()) {
            return Err(Not::Declined(Refusal { code, message }));
        }
        let charge = self.by_order(&confirmation.order_id).await;
        match charge {
            Ok(charge) if charge.status == ChargeStatus::Failed => {
                Err(Not::Declined(Refusal { code: charge.failure_code.unwrap_or(code), message }))
            }
            Ok(charge) if charge.status != ChargeStatus::Open => Ok(charge),
            _ => Err(Not::answered(reply.status(), &code, &message)),
        }
    }

    async fn read(&self, payment_id: &str) -> Told<Payment> {
        if !is_id(payment_id) {
            return Err(Not::declined(NOT_FOUND, "a payment cannot have such a number"));
        }
        let request = self.http.request(Method::GET, &["payments", payment_id]);
        self.ask(request.query(&[("storeId", &self.store_id)]), &[NOT_FOUND]).await
    }

    async fn by_order(&self, order_id: &str) -> Told<Charge> {
        of_order(order_id, self.read(order_id).await?.into_charge()?)
    }

    /// Unless it was done before: its memory of idempotency keys ends after three hours. What the bank refuses stands in the
    /// payment as a cancel that failed.
    async fn cancel(&self, refund: &NewRefund) -> Told<Cancel> {
        let id = &refund.idempotency_key;
        if let Some(cancel) = self.read(&refund.transaction_id).await?.cancel(id) {
            return of_amount(refund.amount, cancel?);
        }
        let body = self.cancel_body(refund)?;
        let asked: Told<Value> =
            self.ask(self.post(&refund.transaction_id, "cancel", id, &body), DECLINED_CANCELS).await;
        let why = match asked {
            Ok(_) => Not::unknown("it does not show the refund yet"),
            Err(declined @ Not::Declined(_)) => return Err(declined),
            Err(why) => why,
        };
        let cancel = self.read(&refund.transaction_id).await.ok().and_then(|payment| payment.cancel(id));
        of_amount(refund.amount, cancel.unwrap_or(Err(why))?)
    }

    fn cancel_body(&self, refund: &NewRefund) -> Told<Value> {
        let (Won(amount), Won(balance)) = (refund.amount, refund.balance);
        let mut body = json!({
            "storeId": self.store_id,
            "amount": amount,
            "reason": note::with_id(&refund.reason, &refund.idempotency_key, REASON),
            "currentCancellableAmount": balance,
        });
        if let Some(account) = &refund.account {
            let Some(bank) = bank::name(&account.bank_code) else {
                return Err(Not::declined("UNKNOWN_BANK", "the provider does not know the bank"));
            };
            let (number, holder) = (&account.account_number, &account.account_holder);
            body["refundAccount"] = json!({ "bank": bank, "number": number, "holderName": holder });
        }
        Ok(body)
    }

    /// Payments whose status changed since, until now: each of them holds all that moved.
    async fn transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Told<Vec<Transaction>> {
        let mut found = Vec::new();
        for number in 0..PAGES {
            let body = json!({
                "page": { "number": number, "size": PAGE },
                "filter": {
                    "storeId": self.store_id,
                    "timestampType": "STATUS_CHANGED_AT",
                    "from": from.to_rfc3339_opts(SecondsFormat::Millis, true),
                    "until": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
                    "status": ["PAID", "PARTIAL_CANCELLED", "CANCELLED"],
                },
            });
            let request = self.http.request(Method::GET, &["payments"]).query(&[("requestBody", body.to_string())]);
            let Page { items } = self.ask(request, &[]).await?;
            found.extend(items.iter().flat_map(Payment::movements).filter(|it| (from..to).contains(&it.at)));
            if items.len() < PAGE {
                return Ok(found);
            }
        }
        Err(Not::unknown("its list of payments does not end"))
    }

    /// Standard Webhooks: an HMAC of id, moment and body; several signatures while the secret is changed.
    fn is_signed(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<String, Forged> {
        let key = self.key.as_ref().ok_or(Forged)?;
        let id = notice::header(headers, "webhook-id")?;
        let at = notice::header(headers, "webhook-timestamp")?;
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Forged)?;
        let mac = mac.chain_update(id).chain_update(".").chain_update(at).chain_update(".").chain_update(body);
        let signatures =
            notice::header(headers, "webhook-signature")?.split(' ').filter_map(|it| it.strip_prefix("v1,"));
        let is_ours = notice::is_any(&mac, signatures.filter_map(notice::base64));
        if is_ours && notice::is_recent(at, now) { Ok(id.to_owned()) } else { Err(Forged) }
    }
}

impl Provider for Portone {
    fn name(&self) -> Name {
        Name::Portone
    }

    fn create_checkout<'a>(&'a self, order: &'a NewOrder) -> Asked<'a, Checkout> {
        async move { self.register(order).await.into() }.boxed()
    }

    fn confirm<'a>(&'a self, confirmation: &'a Confirmation) -> Asked<'a, Charge> {
        async move { self.charge(confirmation).await.into() }.boxed()
    }

    fn fetch_by_order<'a>(&'a self, order_id: &'a str) -> Asked<'a, Charge> {
        async move { self.by_order(order_id).await.into() }.boxed()
    }

    fn fetch<'a>(&'a self, transaction_id: &'a str) -> Asked<'a, Charge> {
        self.fetch_by_order(transaction_id)
    }

    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Asked<'a, Cancel> {
        async move { self.cancel(refund).await.into() }.boxed()
    }

    fn fetch_refund<'a>(&'a self, transaction_id: &'a str, refund_id: &'a str) -> Asked<'a, Cancel> {
        async move { self.read(transaction_id).await.and_then(|payment| found(payment.cancel(refund_id))).into() }
            .boxed()
    }

    fn verify_webhook(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Forged> {
        let event_id = self.is_signed(headers, body, now)?;
        let message = notice::object(body)?;
        let order_id = notice::text(&message, "/data/paymentId");
        let places =
            ["/type", "/timestamp", "/data/paymentId", "/data/transactionId", "/data/cancellationId", "/data/storeId"];
        Ok(Notice { event_id, transaction_id: order_id.clone(), order_id, redacted: notice::kept(&message, &places) })
    }

    fn list_transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Asked<'_, Vec<Transaction>> {
        async move { self.transactions(from, to).await.into() }.boxed()
    }

    /// It moves no money itself: those behind it pay out, each in its own way.
    fn list_settlements(&self, _: NaiveDate, _: NaiveDate) -> Asked<'_, Vec<Payout>> {
        let message = "it does not pay out itself".to_owned();
        std::future::ready(Answer::Declined(Refusal { code: "NOT_SUPPORTED".to_owned(), message })).boxed()
    }
}
