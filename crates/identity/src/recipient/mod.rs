//! Whom the service that sends messages reaches, and where: it asks at the moment of sending and keeps nothing of it.

mod grpc;
mod store;

use aipoten_kit::{Caller, Error, Locale, Result, Role};
use chrono::NaiveDate;
use uuid::Uuid;

use crate::App;
use crate::mail_token::{self, MailToken, Purpose};

/// Entries of a page at most.
const PAGE: i64 = 1000;

/// Where a person is reached.
struct Recipient {
    user_id: Uuid,
    email: String,
    is_email_verified: bool,
    phone: Option<String>,
    locale: Locale,
    former_emails: Vec<String>,
}

/// When a child was born, and whose it is.
struct Birth {
    child_id: Uuid,
    user_id: Uuid,
    birth_date: NaiveDate,
    gestational_weeks: Option<i32>,
}

/// Also of accounts that may not be used: they are told so.
async fn get(app: &App, caller: &Caller, user_id: Uuid, purpose: Option<Purpose>) -> Result<Recipient> {
    caller.service()?;
    let mut conn = app.pool.acquire().await?;
    let recipient = store::find(&mut conn, &app.cipher, user_id).await?.ok_or_else(not_found)?;
    if purpose != Some(Purpose::ChangeEmail) {
        return Ok(recipient);
    }
    let email = mail_token::wanted_email(&mut conn, user_id).await?.ok_or_else(not_found)?;
    Ok(Recipient { email, is_email_verified: false, ..recipient })
}

async fn issue_mail_token(app: &App, caller: &Caller, user_id: Uuid, purpose: Purpose) -> Result<MailToken> {
    caller.service()?;
    mail_token::issue(app, user_id, purpose).await?.ok_or_else(not_found)
}

async fn list_ids(app: &App, caller: &Caller, role: Role, after: Uuid) -> Result<Vec<Uuid>> {
    caller.service()?;
    store::list_ids(&mut *app.pool.acquire().await?, role, after).await
}

async fn list_births(app: &App, caller: &Caller, after: Uuid) -> Result<Vec<Birth>> {
    caller.service()?;
    store::list_births(&mut *app.pool.acquire().await?, after).await
}

fn not_found() -> Error {
    Error::NotFound("recipient")
}
