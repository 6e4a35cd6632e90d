//! Requests for links in mails, and with them.

use aipoten_kit::{Error, Fields};
use aipoten_proto::identity::v1::{RequestEmailChangeRequest, RequestPasswordResetRequest, ResetPasswordRequest};

use super::address;
use crate::mail_token::{self, Hash};
use crate::user::email::EmailChange;
use crate::user::reset::{Reset, ResetRequest};
use crate::{config, password};

/// The only field of a request.
pub(super) fn token(text: &str) -> Result<Hash, Error> {
    let mut fields = Fields::new();
    let token = mail_token::read(&mut fields, "token", text);
    fields.finish()?;
    Ok(token)
}

impl TryFrom<RequestPasswordResetRequest> for ResetRequest {
    type Error = Error;

    /// As for signing in: what is no address has no account.
    fn try_from(request: RequestPasswordResetRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let email = fields.line("email", &request.email, 254);
        fields.finish()?;
        Ok(Self { email, captcha: request.captcha.map(Into::into) })
    }
}

pub(super) fn reset(request: ResetPasswordRequest, rules: &config::Password) -> Result<Reset, Error> {
    let mut fields = Fields::new();
    let token = mail_token::read(&mut fields, "token", &request.token);
    password::check(&mut fields, "new_password", &request.new_password, rules);
    fields.finish()?;
    Ok(Reset { token, password: request.new_password.into() })
}

impl TryFrom<RequestEmailChangeRequest> for EmailChange {
    type Error = Error;

    fn try_from(request: RequestEmailChangeRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let new_email = address::email(&mut fields, "new_email", &request.new_email);
        let length = request.password.chars().count();
        fields.check(length > 0, "password", "required");
        fields.check(length <= 128, "password", "too_long max=128");
        fields.finish()?;
        Ok(Self { new_email, password: request.password.into() })
    }
}
