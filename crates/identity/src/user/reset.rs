//! A password that was forgotten: asked for by address, set by the link that is mailed there.

use std::time::Duration;

use aipoten_kit::{Caller, Fields, Result};
use aipoten_proto::identity::v1::PasswordResetRequested;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep_until};

use super::{Alert, alert, event, store};
use crate::audit::{self, Act};
use crate::mail_token::{self, Hash, Purpose};
use crate::session::{self, EndReason};
use crate::{App, captcha, password};

/// No answer comes earlier: what is done for a known address beyond that for an unknown one is done by then.
const ANSWER: Duration = Duration::from_millis(300);

/// A link that is asked for.
pub(super) struct ResetRequest {
    pub(super) email: String,
    pub(super) captcha: Option<captcha::Answer>,
}

/// A password by a link.
pub(super) struct Reset {
    pub(super) token: Hash,
    pub(super) password: SecretString,
}

pub(super) async fn request(app: &App, caller: &Caller, request: ResetRequest) -> Result<()> {
    let begun = Instant::now();
    let done = request_link(app, caller, request).await;
    sleep_until(begun + ANSWER).await;
    done
}

async fn request_link(app: &App, caller: &Caller, request: ResetRequest) -> Result<()> {
    let solved = captcha::is_solved(app, request.captcha.as_ref()).await?;
    session::reserve_mail(app, &request.email, solved).await?;
    let mut tx = app.pool.begin().await?;
    let action = "password.reset_requested";
    match store::find_by_email(&mut tx, &request.email).await? {
        Some(id) => {
            audit::record(&mut tx, caller, &Act::done(action, id, "user", id)).await?;
            event::publish(&mut tx, caller, id, &PasswordResetRequested { user_id: id.to_string() }).await?;
        }
        None => audit::record(&mut tx, caller, &Act::refused(action, None)).await?,
    }
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

/// The link is used up only by a password that is taken.
pub(super) async fn reset(app: &App, caller: &Caller, reset: Reset) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let owner = mail_token::owner(&mut conn, Purpose::ResetPassword, &reset.token).await?;
    let user = super::find(app, &mut conn, owner).await?;
    drop(conn);
    let mut fields = Fields::new();
    password::check_personal(&mut fields, "new_password", reset.password.expose_secret(), &user.email);
    fields.finish()?;

    let hash = app.passwords.hash(reset.password.expose_secret()).await?;
    let mut tx = app.pool.begin().await?;
    let user = mail_token::redeem(app, &mut tx, Purpose::ResetPassword, &reset.token).await?.user;
    store::set_password_hash(&mut tx, user.id, &hash).await?;
    let ended = session::end_others(&mut tx, user.id, None, EndReason::PasswordReset).await?;
    session::forget_failures(app, &mut tx, &user.email).await?;
    audit::record(&mut tx, caller, &Act::done("password.reset", user.id, "user", user.id)).await?;
    alert(&mut tx, caller, user.id, Alert::PasswordReset).await?;
    tx.commit().await?;
    app.relay.wake();
    session::revoked(app, user.id, &ended);
    Ok(())
}
