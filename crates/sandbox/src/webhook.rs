//! Telling the merchant that something happened: again and again until it answers 200.

use std::time::Duration;

use aipoten_kit::certificates;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac};
use reqwest::{Client, Url};
use secrecy::ExposeSecret as _;
use sha2::Sha256;

use crate::books::Change;
use crate::charge::{Dialect, new_id};
use crate::fault::{Kind, Occasion, Operation};
use crate::{Config, Sandbox, portone, stripe, toss};

/// How often a message is sent that is not answered with 200.
const TRIES: u32 = 7;
/// Before it is sent again; each time twice as long.
const FIRST_REST: Duration = Duration::from_millis(200);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Webhooks {
    client: Client,
    url: Option<Url>,
}

/// A message as it is sent.
#[derive(Clone)]
struct Message {
    body: String,
    headers: Vec<(&'static str, String)>,
}

impl Webhooks {
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        let builder = Client::builder().tls_backend_preconfigured(certificates()?).timeout(PATIENCE).no_proxy();
        let url = Some(config.webhook_url.as_str()).filter(|url| !url.is_empty()).map(str::parse).transpose();
        let url = url.context("configuration key `sandbox.webhook_url` is no URL")?;
        Ok(Self { client: builder.build()?, url })
    }
}

impl Sandbox {
    /// Sends what happened, each message by itself, and not as it should where that is asked for.
    pub(crate) fn tell(&self, changes: Vec<Change>) {
        let Some(url) = &self.webhooks.url else { return };
        for change in changes {
            let order_id = Some(change.charge.order_id.as_str());
            let occasion = Occasion { operation: Operation::Webhook, order_id, is_part: false };
            let fault = self.books().faults.take(&occasion);
            let delay =
                fault.as_ref().and_then(|fault| fault.delay_ms).map_or(Duration::from_secs(1), Duration::from_millis);
            let (times, delay) = match fault.map(|fault| fault.fault) {
                Some(Kind::Missing) => (0, Duration::ZERO),
                Some(Kind::Duplicate) => (3, Duration::ZERO),
                Some(Kind::Late) => (1, delay),
                _ => (1, Duration::ZERO),
            };
            let message = message(&change, self.config.webhook_secret.expose_secret());
            for _ in 0..times {
                tokio::spawn(deliver(self.clone(), url.clone(), message.clone(), delay));
            }
        }
    }
}

/// In the dialect of its order, signed where that dialect signs.
fn message(change: &Change, secret: &str) -> Message {
    let now = Utc::now().timestamp().to_string();
    match change.charge.dialect {
        Dialect::Toss => Message { body: toss::webhook(change).to_string(), headers: Vec::new() },
        Dialect::Portone => {
            let (id, body) = (new_id(), portone::webhook(change).to_string());
            let key = BASE64.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
            let signature = BASE64.encode(hmac(&key, &[&id, ".", &now, ".", &body]));
            let signature = format!("v1,{signature}");
            let headers = vec![("webhook-id", id), ("webhook-timestamp", now), ("webhook-signature", signature)];
            Message { body, headers }
        }
        Dialect::Stripe => {
            let body = stripe::webhook(change).to_string();
            let mac = hmac(secret.as_bytes(), &[&now, ".", &body]);
            let signature = mac.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            Message { body, headers: vec![("stripe-signature", format!("t={now},v1={signature}"))] }
        }
    }
}

fn hmac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    let mac = parts.iter().fold(mac, Mac::chain_update);
    mac.finalize().into_bytes().to_vec()
}

async fn deliver(sandbox: Sandbox, url: Url, message: Message, delay: Duration) {
    let mut rest = delay;
    for tried in 0..TRIES {
        if sandbox.stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
            return;
        }
        let mut request = sandbox.webhooks.client.post(url.clone()).header("content-type", "application/json");
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        match request.body(message.body.clone()).send().await {
            Ok(answer) if answer.status().as_u16() == 200 => return,
            Ok(answer) => tracing::debug!(status = answer.status().as_u16(), "a webhook was not taken"),
            Err(error) => tracing::debug!(error = %error.without_url(), "a webhook was not taken"),
        }
        rest = FIRST_REST * 2_u32.pow(tried);
    }
    tracing::warn!("a webhook was given up");
}
