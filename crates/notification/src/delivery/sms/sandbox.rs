//! The dialect of our own sandbox: `POST /messages`, once for each id.

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::{Client, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Message, Provider};
use crate::config::Sms;
use crate::delivery::{Outcome, http};

const WHO: &str = "the provider of text messages";

pub(super) struct Sandbox {
    client: Client,
    url: Url,
    config: Sms,
}

impl Sandbox {
    pub(super) fn new(config: &Sms) -> anyhow::Result<Self> {
        let url = format!("{}/messages", config.url.trim_end_matches('/'));
        let url =
            url.parse().with_context(|| format!("configuration key `notification.sms.url`: `{url}` is no URL"))?;
        Ok(Self { client: http::client()?.build()?, url, config: config.clone() })
    }

    async fn ask(&self, message: &Message) -> Outcome {
        let channel = &self.config.alimtalk_channel;
        let alimtalk = (!channel.is_empty()).then(|| json!({ "channel": channel, "template": message.template }));
        let body = json!({
            "id": message.id, "to": message.to, "from": self.config.sender, "text": message.text, "alimtalk": alimtalk,
        });
        let request = self.client.post(self.url.clone()).bearer_auth(self.config.key.expose_secret()).json(&body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => taken(&http::body(answer).await, &message.id),
            Ok(answer) if answer.status() == StatusCode::UNPROCESSABLE_ENTITY => {
                Outcome::Permanent("the telephone number takes no text messages".to_owned())
            }
            Ok(answer) => http::judge(WHO, answer.status(), answer.headers()),
            Err(error) => http::silent(WHO, &error),
        }
    }
}

/// The provider says which one it has: another's success may be anybody's.
fn taken(body: &[u8], id: &str) -> Outcome {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if answer["message"]["id"] == id { Outcome::Sent } else { Outcome::Retry(format!("{WHO} answered nonsense"), None) }
}

impl Provider for Sandbox {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome> {
        self.ask(message).boxed()
    }
}
