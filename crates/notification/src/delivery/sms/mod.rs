//! Text messages, and Kakao `AlimTalk` before them where a channel is configured.

mod sandbox;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use self::sandbox::Sandbox;
use super::{Delivery, Outcome, Sender, recipient};
use crate::{App, config, template};

/// Who takes text messages: the outside world.
trait Provider: Send + Sync {
    /// Takes it, once for each id.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome>;
}

struct Message {
    /// The delivery.
    id: String,
    /// Digits.
    to: String,
    /// Name of the template, which is that of the channel's as well.
    template: String,
    text: String,
}

pub(super) struct Sms(Arc<dyn Provider>);

impl Sms {
    /// `None` where no provider is configured.
    pub(super) fn new(config: &config::Sms) -> anyhow::Result<Option<Self>> {
        if config.url.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self(Arc::new(Sandbox::new(config)?))))
    }

    async fn deliver(&self, app: &App, delivery: &Delivery) -> Result<Outcome, Outcome> {
        let person = recipient::find(app, delivery.user_id).await?;
        let to: String = person.phone.chars().filter(|it| it.is_ascii_digit() || *it == '+').collect();
        if to.is_empty() {
            return Err(Outcome::Dropped("the account has no telephone number".to_owned()));
        }
        let words = template::words(recipient::locale(&person), &delivery.template, &delivery.variables);
        let text = format!("[aipoten] {}\n{}", words.title, words.message);
        let message = Message { id: delivery.id.to_string(), to, template: delivery.template.clone(), text };
        Ok(self.0.send(&message).await)
    }
}

impl Sender for Sms {
    fn send<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        self.deliver(app, delivery).map(|told| told.unwrap_or_else(|no| no)).boxed()
    }
}
