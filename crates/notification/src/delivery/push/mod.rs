//! Push to devices. No service knows idempotency keys: what is sent again replaces what is shown, by the delivery's id.

mod encrypt;
mod fcm;
mod key;
mod web;

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use self::fcm::Fcm;
pub(crate) use self::key::WebPushKey;
use self::web::WebPush;
use super::{Delivery, Outcome, Sender, recipient};
use crate::device::{self, Opened, Platform};
use crate::template::{self, Template, Words};
use crate::{App, Config};

pub(super) struct Push {
    fcm: Option<Fcm>,
    web: Option<WebPush>,
    app_url: String,
}

/// What is shown.
struct Message<'a> {
    delivery: &'a Delivery,
    words: Words,
    /// The address that it leads to.
    link: Option<String>,
}

impl Push {
    /// `None` where neither service is configured.
    pub(super) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let fcm = Fcm::new(&config.fcm).context("configuration key `notification.fcm.credentials`")?;
        let web = WebPush::new(&config.web_push)?;
        if fcm.is_none() && web.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { fcm, web, app_url: config.app_url.trim_end_matches('/').to_owned() }))
    }

    async fn deliver(&self, app: &App, delivery: &Delivery) -> Result<Outcome, Outcome> {
        let device = device(app, delivery).await?;
        let person = recipient::find(app, delivery.user_id).await?;
        let words = template::words(recipient::locale(&person), &delivery.template, &delivery.variables);
        let link = words.link.as_ref().map(|path| format!("{}{path}", self.app_url));
        let message = Message { delivery, words, link };
        Ok(match (device.platform, &self.fcm, &self.web, &device.keys) {
            (Platform::Fcm, Some(fcm), ..) => fcm.send(&device.token, &message).await,
            (Platform::WebPush, _, Some(web), Some(keys)) => web.send(&device.token, keys, &message).await,
            (platform, ..) => Outcome::Down(format!("{platform:?} is not configured"), None),
        })
    }
}

impl Sender for Push {
    fn send<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        self.deliver(app, delivery).map(|told| told.unwrap_or_else(|no| no)).boxed()
    }
}

impl Message<'_> {
    /// Does not wait for the phone to wake up by itself.
    fn is_urgent(&self) -> bool {
        Template::find(&self.delivery.template).is_some_and(|template| template.urgent)
    }

    fn kind(&self) -> &'static str {
        Template::find(&self.delivery.template).map_or("other", |template| template.kind)
    }
}

/// Only where it is still this person's.
async fn device(app: &App, delivery: &Delivery) -> Result<Opened, Outcome> {
    let id = delivery.device_id.ok_or_else(|| Outcome::Permanent("it names no device".to_owned()))?;
    let read = device::find(app, id, delivery.user_id).await;
    let read = read.map_err(|error| {
        tracing::error!(stream = "error", error = format!("{error:#}"), "a device cannot be read");
        Outcome::Retry("the device cannot be read".to_owned(), None)
    })?;
    read.ok_or_else(|| Outcome::Dropped("the device is not this person's any more".to_owned()))
}
