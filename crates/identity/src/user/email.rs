//! The address of an account: a link verifies it, and a link to another one changes it.

use aipoten_kit::{Caller, Error, Result};
use aipoten_proto::identity::v1::{EmailChangeRequested, EmailVerificationRequested, EmailVerified};
use anyhow::Context as _;
use chrono::{TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Alert, alert, event, find, lock, store};
use crate::App;
use crate::audit::{self, Act};
use crate::mail_token::{self, Hash, Purpose};
use crate::session;

/// Another address, and the password again.
pub(super) struct EmailChange {
    pub(super) new_email: String,
    pub(super) password: SecretString,
}

pub(super) async fn request_verification(app: &App, caller: &Caller) -> Result<()> {
    let signed_in = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let user = find(app, &mut conn, signed_in.id).await?;
    drop(conn);
    if user.email_verified_at.is_some() {
        return Err(Error::FailedPrecondition("ALREADY_VERIFIED".into()));
    }
    session::reserve_mail(app, &user.email, true).await?;
    let mut tx = app.pool.begin().await?;
    let event = EmailVerificationRequested { user_id: user.id.to_string() };
    event::publish(&mut tx, caller, user.id, &event).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

pub(super) async fn verify(app: &App, caller: &Caller, token: &Hash) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let user = mail_token::redeem(app, &mut tx, Purpose::VerifyEmail, token).await?.user;
    store::verify_email(&mut tx, user.id).await?;
    audit::record(&mut tx, caller, &Act::done("email.verified", user.id, "user", user.id)).await?;
    event::publish(&mut tx, caller, user.id, &EmailVerified { user_id: user.id.to_string() }).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

pub(super) async fn request_change(app: &App, caller: &Caller, change: EmailChange) -> Result<()> {
    let signed_in = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let user = find(app, &mut conn, signed_in.id).await?;
    let hash = store::password_hash(&mut conn, user.id).await?;
    drop(conn);
    if !app.passwords.matches(change.password.expose_secret(), hash.as_deref()).await? {
        let mut conn = app.pool.acquire().await?;
        audit::record(&mut conn, caller, &Act::refused("email.change_requested", Some(user.id))).await?;
        return Err(Error::Unauthenticated("INVALID_CREDENTIALS".into()));
    }
    session::reserve_mail(app, &change.new_email, true).await?;
    let mut tx = app.pool.begin().await?;
    let user = lock(app, &mut tx, user.id).await?;
    match store::holder(&mut tx, &change.new_email).await? {
        Some(holder) if holder == user.id => return Err(Error::invalid("new_email", "email_unchanged")),
        Some(_) => return Err(Error::AlreadyExists("EMAIL_TAKEN".into())),
        None => {}
    }
    mail_token::want_change(&mut tx, user.id, &change.new_email).await?;
    audit::record(&mut tx, caller, &Act::done("email.change_requested", user.id, "user", user.id)).await?;
    event::publish(&mut tx, caller, user.id, &EmailChangeRequested { user_id: user.id.to_string() }).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

/// Links that were mailed to the old address end with it.
pub(super) async fn change(app: &App, caller: &Caller, token: &Hash) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let redeemed = mail_token::redeem(app, &mut tx, Purpose::ChangeEmail, token).await?;
    let (user, new_email) = (redeemed.user, redeemed.new_email.context("a change names an address")?);
    store::change_email(&mut tx, user.id, &new_email).await?;
    mail_token::end_all(&mut tx, user.id).await?;
    audit::record(&mut tx, caller, &Act::done("email.changed", user.id, "user", user.id)).await?;
    alert(&mut tx, caller, user.id, Alert::EmailChanged).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

/// Forgets addresses that were left a week ago.
pub(crate) async fn forget_former(app: &App) -> Result<()> {
    store::delete_former_emails(&mut *app.pool.acquire().await?, Utc::now() - TimeDelta::days(7)).await
}
