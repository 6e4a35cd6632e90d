//! Stripe: a `PaymentIntent` that the parent authorises and we capture. Won have no smaller unit there either.

mod intent;
mod list;

use aipoten_kit::Won;
use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::HeaderName;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use super::config::Account;
use super::http::{Http, is_id};
use super::told::{Not, Told, found, of_amount, of_order};
use super::{
    Asked, Cancel, Charge, Checkout, Confirmation, Forged, Name, NewOrder, NewRefund, Notice, Payout, Provider,
    Refusal, Transaction, notice,
};
use intent::{Intent, List, Refund};

const PUBLIC: &str = "https://api.stripe.com";
/// What its answers look like.
const VERSION: (HeaderName, &str) = (HeaderName::from_static("stripe-version"), "2024-11-20.acacia");
/// What we want to know of an intent: how it was paid, and when.
const CHARGE: &str = "latest_charge.balance_transaction";
/// Most items that it gives at once.
const PAGE: usize = 100;
/// So many pages are more than there can be.
const PAGES: usize = 500;

/// There is no such thing.
const NOT_FOUND: &str = "resource_missing";
/// Errors that say for certain that nothing was paid back and nothing will be.
const DECLINED_REFUNDS: &[&str] = &["charge_disputed", "refund_disputed_payment", NOT_FOUND];

pub(super) struct Stripe {
    http: Http,
    client_key: Option<String>,
    /// Of webhooks; all are refused without.
    webhook_secret: String,
}

#[derive(Deserialize)]
struct Error {
    error: ErrorObject,
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl Stripe {
    pub(super) fn new(account: &Account) -> anyhow::Result<Self> {
        let authorization = format!("Bearer {}", account.secret_key.expose_secret());
        Ok(Self {
            http: Http::new(account, PUBLIC, &authorization, &[VERSION])?,
            client_key: account.client_key(),
            webhook_secret: account.webhook_secret.expose_secret().to_owned(),
        })
    }

    /// A card that is declined is definite, and so are the codes listed.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder, declined: &[&str]) -> Told<T> {
        let reply = self.http.send(request).await?;
        if reply.is_success() {
            return reply.parse();
        }
        let Error { error } = reply.refusal()?;
        let code = error.code.unwrap_or_else(|| error.kind.clone());
        let message = error.message.unwrap_or_default();
        if error.kind == "card_error" || declined.contains(&code.as_str()) {
            return Err(Not::Declined(Refusal { code, message }));
        }
        Err(Not::answered(reply.status(), &code, &message))
    }

    fn get(&self, path: &[&str]) -> RequestBuilder {
        self.http.request(Method::GET, &[&["v1"], path].concat())
    }

    /// A call that changes something, once per key.
    fn post(&self, path: &[&str], key: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.http.request(Method::POST, &[&["v1"], path].concat()).header("idempotency-key", key).form(form)
    }

    async fn create(&self, order: &NewOrder) -> Told<Checkout> {
        let Won(amount) = order.amount;
        let amount = amount.to_string();
        let form = [
            ("amount", amount.as_str()),
            ("currency", "krw"),
            ("capture_method", "manual"),
            ("automatic_payment_methods[enabled]", "true"),
            ("description", &order.order_name),
            ("metadata[order_id]", &order.order_id),
        ];
        let intent: Intent = self.ask(self.post(&["payment_intents"], &order.order_id, &form), &[]).await?;
        Ok(Checkout {
            client_key: self.client_key.clone(),
            client_secret: intent.client_secret.clone(),
            checkout_url: None,
            transaction_id: Some(intent.id),
        })
    }

    async fn capture(&self, confirmation: &Confirmation) -> Told<Charge> {
        let Won(amount) = confirmation.amount;
        let id = &confirmation.transaction_id;
        if !is_id(id) {
            return Err(Not::declined(NOT_FOUND, "a payment cannot have such a number"));
        }
        let amount = amount.to_string();
        let form = [("amount_to_capture", amount.as_str()), ("expand[]", CHARGE)];
        let request = self.post(&["payment_intents", id, "capture"], &confirmation.idempotency_key, &form);
        let intent: Intent = self.ask(request, &[]).await?;
        of_order(&confirmation.order_id, self.charge(intent).await?)
    }

    /// With its refunds, which it does not hold itself.
    async fn charge(&self, intent: Intent) -> Told<Charge> {
        let refunds = if intent.was_charged() { self.refunds(&intent.id).await? } else { Vec::new() };
        intent.into_charge(&refunds)
    }

    async fn intent(&self, id: &str) -> Told<Intent> {
        if !is_id(id) {
            return Err(Not::declined(NOT_FOUND, "a payment cannot have such a number"));
        }
        self.ask(self.get(&["payment_intents", id]).query(&[("expand[]", CHARGE)]), &[NOT_FOUND]).await
    }

    /// Its search lags behind by a minute and more: that nothing is found says nothing.
    async fn by_order(&self, order_id: &str) -> Told<Charge> {
        if !is_id(order_id) {
            return Err(Not::declined(NOT_FOUND, "an order cannot have such a number"));
        }
        let query = format!("metadata['order_id']:'{order_id}'");
        let request = self.get(&["payment_intents", "search"]);
        let request =
            request.query(&[("query", query.as_str()), ("expand[]", "data.latest_charge.balance_transaction")]);
        let intents: List<Intent> = self.ask(request, &[]).await?;
        let intent = intents.data.into_iter().next().ok_or_else(|| Not::unknown("it does not find the order yet"))?;
        of_order(order_id, self.charge(intent).await?)
    }

    async fn refunds(&self, id: &str) -> Told<Vec<Refund>> {
        let request = self.get(&["refunds"]).query(&[("payment_intent", id)]).query(&[("limit", PAGE)]);
        let refunds: List<Refund> = self.ask(request, &[]).await?;
        if refunds.has_more { Err(Not::unknown("it has too many refunds")) } else { Ok(refunds.data) }
    }

    async fn find_refund(&self, id: &str, refund_id: &str) -> Told<Option<Told<Cancel>>> {
        if !is_id(id) {
            return Err(Not::declined(NOT_FOUND, "a payment cannot have such a number"));
        }
        let refunds = self.refunds(id).await?;
        Ok(refunds.iter().find(|refund| refund.is_named(refund_id)).map(Refund::told))
    }

    /// Unless it was done before: its memory of idempotency keys ends after a day.
    async fn pay_back(&self, refund: &NewRefund) -> Told<Cancel> {
        let key = &refund.idempotency_key;
        if let Some(cancel) = self.find_refund(&refund.transaction_id, key).await? {
            return of_amount(refund.amount, cancel?);
        }
        let Won(amount) = refund.amount;
        let amount = amount.to_string();
        let form =
            [("payment_intent", refund.transaction_id.as_str()), ("amount", &amount), ("metadata[refund_id]", key)];
        let created: Refund = self.ask(self.post(&["refunds"], key, &form), DECLINED_REFUNDS).await?;
        of_amount(refund.amount, created.told()?)
    }

    /// An HMAC of moment and body; several signatures while the secret is changed.
    fn is_signed(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<(), Forged> {
        let header = notice::header(headers, "stripe-signature")?;
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let (_, at) = parts().find(|(name, _)| *name == "t").ok_or(Forged)?;
        let mac = Hmac::<Sha256>::new_from_slice(self.webhook_secret.as_bytes()).map_err(|_| Forged)?;
        let mac = mac.chain_update(at).chain_update(".").chain_update(body);
        let signatures = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| notice::hex(value));
        let is_ours = !self.webhook_secret.is_empty() && notice::is_any(&mac, signatures);
        if is_ours && notice::is_recent(at, now) { Ok(()) } else { Err(Forged) }
    }
}

impl Provider for Stripe {
    fn name(&self) -> Name {
        Name::Stripe
    }

    fn create_checkout<'a>(&'a self, order: &'a NewOrder) -> Asked<'a, Checkout> {
        async move { self.create(order).await.into() }.boxed()
    }

    fn confirm<'a>(&'a self, confirmation: &'a Confirmation) -> Asked<'a, Charge> {
        async move { self.capture(confirmation).await.into() }.boxed()
    }

    fn fetch_by_order<'a>(&'a self, order_id: &'a str) -> Asked<'a, Charge> {
        async move { self.by_order(order_id).await.into() }.boxed()
    }

    fn fetch<'a>(&'a self, transaction_id: &'a str) -> Asked<'a, Charge> {
        let read = async move { self.charge(self.intent(transaction_id).await?).await };
        read.map(Into::into).boxed()
    }

    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Asked<'a, Cancel> {
        async move { self.pay_back(refund).await.into() }.boxed()
    }

    fn fetch_refund<'a>(&'a self, transaction_id: &'a str, refund_id: &'a str) -> Asked<'a, Cancel> {
        async move { self.find_refund(transaction_id, refund_id).await.and_then(found).into() }.boxed()
    }

    fn verify_webhook(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Forged> {
        self.is_signed(headers, body, now)?;
        let message = notice::object(body)?;
        let is_intent = message.pointer("/data/object/object").is_some_and(|kind| kind == "payment_intent");
        let place = if is_intent { "/data/object/id" } else { "/data/object/payment_intent" };
        let places = [
            "/id",
            "/type",
            "/created",
            "/data/object/status",
            "/data/object/amount",
            "/data/object/amount_received",
            "/data/object/amount_refunded",
            "/data/object/payment_intent",
            "/data/object/metadata/order_id",
            "/data/object/metadata/refund_id",
        ];
        Ok(Notice {
            event_id: notice::text(&message, "/id").ok_or(Forged)?,
            order_id: notice::text(&message, "/data/object/metadata/order_id"),
            transaction_id: notice::text(&message, place),
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
