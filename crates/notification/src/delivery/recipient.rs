//! Where a person is reached, asked of identity at the moment of sending and kept nowhere.

use aipoten_kit::Locale;
use aipoten_proto::common::v1::Locale as ProtoLocale;
use aipoten_proto::identity::v1::{GetRecipientRequest, IssueMailTokenRequest, MailPurpose, MailToken, Recipient};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use super::Outcome;
use crate::App;

pub(super) async fn find(app: &App, user_id: Uuid) -> Result<Recipient, Outcome> {
    let request = request(app, GetRecipientRequest { user_id: user_id.to_string(), purpose: None }).await?;
    let answer = app.recipients.clone().get_recipient(request).await;
    Ok(answer.map_err(|status| no(&status, "the account is gone"))?.into_inner())
}

/// The secret of a one-time link. Each is made anew: the one of a try before ends.
pub(super) async fn link(app: &App, user_id: Uuid, purpose: MailPurpose) -> Result<MailToken, Outcome> {
    let ask = IssueMailTokenRequest { user_id: user_id.to_string(), purpose: purpose.into() };
    let answer = app.recipients.clone().issue_mail_token(request(app, ask).await?).await;
    Ok(answer.map_err(|status| no(&status, "there is nothing to ask for any more"))?.into_inner())
}

pub(super) fn locale(recipient: &Recipient) -> Locale {
    match recipient.locale() {
        ProtoLocale::En => Locale::En,
        ProtoLocale::Ko | ProtoLocale::Unspecified => Locale::Ko,
    }
}

async fn request<T>(app: &App, message: T) -> Result<Request<T>, Outcome> {
    let request = app.service_tokens.request(message).await;
    request.map_err(|_| Outcome::Down("identity gives no service token".to_owned(), None))
}

fn no(status: &Status, gone: &str) -> Outcome {
    match status.code() {
        Code::NotFound => Outcome::Dropped(gone.to_owned()),
        code => Outcome::Down(format!("identity answered {code:?}"), None),
    }
}
