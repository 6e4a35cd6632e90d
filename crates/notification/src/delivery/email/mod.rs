//! Mail.
//!
//! A mail is sent at least once: a server that took it and whose answer was lost is asked again, as SMTP knows no other way to be
//! certain (RFC 1047). It then carries the same Message-ID, by which mailboxes tell that they have it. One with a one-time link does
//! not: the link in the first one has ended, so both have to be seen.

mod layout;
mod message;
mod transport;

use aipoten_proto::identity::v1::{MailPurpose, Recipient};
use aipoten_proto::moment;
use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lettre::message::Mailbox;
use serde_json::json;

use self::message::Letter;
use self::transport::Transport;
use super::{Delivery, Outcome, Sender, recipient};
use crate::template::{self, Channel, Choice, Template};
use crate::{App, Config};

/// What each mail with a one-time link is for, and the page of the app that follows it. The secret stands behind `#`: browsers send
/// that to no server.
const LINKS: [(&str, MailPurpose, &str); 3] = [
    ("verify_email", MailPurpose::VerifyEmail, "/verify-email#token="),
    ("reset_password", MailPurpose::ResetPassword, "/reset-password#token="),
    ("change_email", MailPurpose::ChangeEmail, "/change-email#token="),
];

pub(super) struct Email {
    transport: Transport,
    from: Mailbox,
    app_url: String,
    api_url: String,
}

impl Email {
    /// `None` where no way for mail is configured.
    pub(super) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(transport) = Transport::new(&config.mail)? else { return Ok(None) };
        let from = config.mail.from.parse().with_context(|| {
            format!("configuration key `notification.mail.from`: `{}` is no address of a mail", config.mail.from)
        })?;
        let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Some(Self { transport, from, app_url: trimmed(&config.app_url), api_url: trimmed(&config.api_url) }))
    }

    async fn deliver(&self, app: &App, delivery: &Delivery) -> Result<Outcome, Outcome> {
        let Some(template) = Template::find(&delivery.template) else {
            return Err(Outcome::Retry("only a newer version knows the template".to_owned(), None));
        };
        let person = recipient::find(app, delivery.user_id).await?;
        let letter = self.write(app, delivery, template, &person).await?;
        let mut outcome = self.send_to(&letter, &letter.to, "").await;
        // A warning goes to the addresses before, too: whoever reads there did not change anything, perhaps. What one of them refuses
        // changes nothing for the others; where one is to be tried again, all are, under the same Message-IDs.
        for (number, address) in former(delivery, &person).enumerate() {
            let also = self.send_to(&letter, address, &format!(".{number}")).await;
            if matches!(outcome, Outcome::Permanent(_)) || matches!(also, Outcome::Retry(..) | Outcome::Down(..)) {
                outcome = also;
            }
        }
        Ok(outcome)
    }

    async fn send_to(&self, letter: &Letter, address: &str, suffix: &str) -> Outcome {
        let name = format!("{}{suffix}", letter.id);
        match letter.compose(&self.from, address, &name) {
            Ok(message) => self.transport.send(&name, message).await,
            Err(_) => Outcome::Permanent("the address is none that mail can go to".to_owned()),
        }
    }

    async fn write(
        &self,
        app: &App,
        delivery: &Delivery,
        template: &Template,
        person: &Recipient,
    ) -> Result<Letter, Outcome> {
        let locale = recipient::locale(person);
        let mut letter = Letter {
            id: delivery.id.to_string(),
            to: person.email.clone(),
            locale,
            unsubscribe: self.unsubscribe(app, delivery, template),
            link: None,
            mail: template::Mail::default(),
        };
        let mut variables = delivery.variables.0.clone();
        let link = LINKS.iter().find(|(name, ..)| *name == template.name);
        if let Some((_, purpose, page)) = link {
            let token = recipient::link(app, delivery.user_id, *purpose).await?;
            let expires_at = token.expires_at.and_then(|at| moment(at).ok());
            variables.insert("expires_at".to_owned(), json!(expires_at));
            letter.id = format!("{}.{}", delivery.id, delivery.attempts);
            letter.link = Some(format!("{}{page}{}", self.app_url, token.token));
            letter.to = token.email;
        }
        letter.mail = template::mail(locale, template.name, &variables)
            .ok_or_else(|| Outcome::Permanent("the template has no words for a mail".to_owned()))?;
        letter.link = letter.link.or_else(|| Some(format!("{}{}", self.app_url, letter.mail.link.as_ref()?)));
        Ok(letter)
    }

    /// Where one click turns this type of mail off, of types that can be turned off.
    fn unsubscribe(&self, app: &App, delivery: &Delivery, template: &Template) -> Option<String> {
        let kind = template.kind();
        kind.choice(Channel::Email).filter(|choice| *choice != Choice::Always)?;
        let token = app.unsubscriber.token(delivery.user_id, kind);
        Some(format!("{}/api/v1/notifications/unsubscribe/{token}", self.api_url))
    }
}

impl Sender for Email {
    fn send<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        self.deliver(app, delivery).map(|told| told.unwrap_or_else(|no| no)).boxed()
    }
}

/// The addresses that the account has left lately, of the warning that it has.
fn former<'a>(delivery: &Delivery, person: &'a Recipient) -> impl Iterator<Item = &'a str> {
    let warns = delivery.template == "security_alert"
        && delivery.variables.get("kind").is_some_and(|kind| kind == "email_changed");
    person.former_emails.iter().filter(move |_| warns).map(String::as_str)
}
