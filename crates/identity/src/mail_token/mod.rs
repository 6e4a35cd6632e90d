//! One-time links in mails: for each account and purpose there is one at most. Of its secret only the hash is kept.

mod store;

use aipoten_kit::{Error, Fields, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::user::{self, User};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Purpose {
    VerifyEmail,
    ResetPassword,
    ChangeEmail,
}

impl Purpose {
    fn life(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::hours(24),
            Self::ResetPassword | Self::ChangeEmail => TimeDelta::hours(1),
        }
    }
}

/// SHA-256 of a link's secret.
#[derive(Default)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

/// A link just made.
pub(crate) struct MailToken {
    /// Its secret, as it stands in the address.
    pub(crate) token: String,
    pub(crate) expires_at: DateTime<Utc>,
    /// The address that it proves.
    pub(crate) email: String,
}

/// A link that was followed.
pub(crate) struct Redeemed {
    /// Its account, locked.
    pub(crate) user: User,
    /// The address that it proves, if it was for a change.
    pub(crate) new_email: Option<String>,
}

/// Reads the secret out of a request. What is none is told as a link that has ended.
pub(crate) fn read(fields: &mut Fields, field: &str, token: &str) -> Hash {
    let secret = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    fields.check(!token.is_empty(), field, "required");
    fields.check(token.is_empty() || secret.len() == 32, field, "link_ended");
    Hash::of(&secret)
}

fn ended() -> Error {
    Error::invalid("token", "link_ended")
}

/// Makes the link of an account; the one before ends. `None` when there is nothing to ask for: an address that is verified, a change
/// that nobody wants, an account that may not be used.
pub(crate) async fn issue(app: &App, user_id: Uuid, purpose: Purpose) -> Result<Option<MailToken>> {
    let secret: [u8; 32] = rand::random();
    let (hash, expires_at) = (Hash::of(&secret), Utc::now() + purpose.life());
    let mut tx = app.pool.begin().await?;
    let Some(user) = user::lock_active(app, &mut tx, user_id).await? else { return Ok(None) };
    let email = match purpose {
        Purpose::VerifyEmail if user.email_verified_at.is_some() => return Ok(None),
        Purpose::VerifyEmail | Purpose::ResetPassword => {
            store::put(&mut tx, user.id, purpose, &hash.0, expires_at).await?;
            Some(user.email)
        }
        Purpose::ChangeEmail => store::put_into_change(&mut tx, user.id, &hash.0, expires_at).await?,
    };
    tx.commit().await?;
    Ok(email.map(|email| MailToken { token: URL_SAFE_NO_PAD.encode(secret), expires_at, email }))
}

/// The account of a link that can still be followed; fails with a violation of `token` else.
pub(crate) async fn owner(conn: &mut PgConnection, purpose: Purpose, hash: &Hash) -> Result<Uuid> {
    store::owner(conn, purpose, &hash.0).await?.ok_or_else(ended)
}

/// Uses a link up, in the transaction of what it is for; fails with a violation of `token` when it cannot be followed.
pub(crate) async fn redeem(app: &App, conn: &mut PgConnection, purpose: Purpose, hash: &Hash) -> Result<Redeemed> {
    // Accounts are locked before their links, here as everywhere.
    let user_id = owner(conn, purpose, hash).await?;
    let user = user::lock_active(app, conn, user_id).await?.ok_or_else(ended)?;
    let new_email = store::use_up(conn, purpose, &hash.0).await?.ok_or_else(ended)?;
    Ok(Redeemed { user, new_email })
}

/// Notes that an account wants another address, in the place of any it wanted before. The link is made when it is mailed.
pub(crate) async fn want_change(conn: &mut PgConnection, user_id: Uuid, new_email: &str) -> Result<()> {
    store::insert_change(conn, user_id, new_email).await
}

/// The address that an account wants and has not got.
pub(crate) async fn wanted_email(conn: &mut PgConnection, user_id: Uuid) -> Result<Option<String>> {
    store::wanted_email(conn, user_id).await
}

/// Ends all links of an account: what they were made for is another now.
pub(crate) async fn end_all(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    store::delete_all(conn, user_id).await
}

/// Forgets what is a week old: no link lives so long.
pub(crate) async fn forget_old(app: &App) -> Result<()> {
    store::delete_before(&mut *app.pool.acquire().await?, Utc::now() - TimeDelta::days(7)).await
}
