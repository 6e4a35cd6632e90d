//! Push to browsers. Their addresses come from strangers: only https on the public internet is asked.

use std::net::IpAddr;
use std::time::Duration;

use aipoten_kit::address;
use anyhow::Context as _;
use chrono::{TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Url};
use serde_json::json;

use super::{Message, WebPushKey, encrypt};
use crate::config;
use crate::delivery::{Outcome, http};
use crate::device::Keys;

/// How long the push service keeps a message for a browser that is away.
const KEPT: Duration = Duration::from_hours(24);
/// How long we are who we say: a day at most is allowed.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);
/// What an answer may take: short, as anybody can name a service that never answers.
const TIMEOUT: Duration = Duration::from_secs(5);
const WHO: &str = "the push service";

pub(super) struct WebPush {
    client: Client,
    public: String,
    signing: EncodingKey,
    contact: String,
    private: bool,
}

impl WebPush {
    pub(super) fn new(config: &config::WebPush) -> anyhow::Result<Option<Self>> {
        let Some(key) = WebPushKey::read(config)? else { return Ok(None) };
        let builder = http::client()?.timeout(TIMEOUT);
        let builder = if config.private { builder } else { builder.dns_resolver(http::PublicResolver) };
        let (client, signing) = (builder.build()?, key.signing()?);
        let (contact, private) = (config.contact.clone(), config.private);
        Ok(Some(Self { client, public: key.public(), signing, contact, private }))
    }

    pub(super) async fn send(&self, endpoint: &str, keys: &Keys, message: &Message<'_>) -> Outcome {
        let Some(url) = endpoint.parse().ok().filter(|url| self.private || may_be_asked(url)) else {
            return Outcome::DeviceGone;
        };
        let Ok(body) = encrypt::seal(payload(message).as_bytes(), keys) else { return Outcome::DeviceGone };
        let Ok(authorization) = self.authorization(&url) else {
            return Outcome::Retry("the proof of who we are cannot be made".to_owned(), None);
        };
        let request = self
            .client
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header("ttl", KEPT.as_secs())
            .header("urgency", if message.is_urgent() { "high" } else { "normal" })
            // One that was not fetched yet is replaced.
            .header("topic", message.delivery.id.simple().to_string())
            .body(body);
        match request.send().await {
            Ok(answer) => match answer.status().as_u16() {
                200..=299 => Outcome::Sent,
                404 | 410 => Outcome::DeviceGone,
                _ => alone(http::judge(WHO, answer.status(), answer.headers())),
            },
            Err(error) => alone(http::silent(WHO, &error)),
        }
    }

    /// Who we are, for this push service alone.
    fn authorization(&self, url: &Url) -> anyhow::Result<String> {
        let ends = (Utc::now() + GOOD_FOR).timestamp();
        let claims = json!({ "aud": url.origin().ascii_serialization(), "exp": ends, "sub": self.contact });
        let token = encode(&Header::new(Algorithm::ES256), &claims, &self.signing).context("it cannot be signed")?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

/// Each browser has a service of its own, for which no other waits.
fn alone(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Down(why, after) => Outcome::Retry(why, after),
        other => other,
    }
}

/// What the page's service worker shows.
fn payload(message: &Message<'_>) -> String {
    let words = &message.words;
    json!({
        "id": message.delivery.id,
        "type": message.kind(),
        "title": words.title,
        "message": words.message,
        "link": message.link,
    })
    .to_string()
}

/// Push services answer on the port of https; a host that is a name is looked at when it is resolved.
fn may_be_asked(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    url.scheme() == "https" && url.port().is_none() && literal.map_or(!host.is_empty(), address::is_public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_push_services_are_asked() {
        let asked = |url: &str| may_be_asked(&url.parse().expect("a URL"));
        for url in ["https://fcm.googleapis.com/fcm/send/x", "https://updates.push.services.mozilla.com/wpush/v2/x"] {
            assert!(asked(url), "{url}");
        }
        for url in [
            "http://push.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://push.example:6379/",
        ] {
            assert!(!asked(url), "{url}");
        }
    }
}
