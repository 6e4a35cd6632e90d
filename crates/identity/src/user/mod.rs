//! Accounts of people.

mod admin;
mod email;
mod erase;
mod event;
mod grpc;
mod register;
mod reset;
mod store;

use aipoten_kit::{Caller, Error, Fields, Locale, Place, Result, Role};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::session::{self, EndReason};
use crate::{App, password};

pub(crate) use email::forget_former;
pub(crate) use erase::{cleared, erase_due};
pub(crate) use event::{Alert, alert};
pub(crate) use register::prepare_metrics;
pub use register::seed_administrator;

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Suspended,
    Deleted,
}

/// An account.
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_verified_at: Option<DateTime<Utc>>,
    name: String,
    pub(crate) phone: Option<String>,
    pub(crate) role: Role,
    status: Status,
    pub(crate) locale: Locale,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// What signing in with a password needs.
pub(crate) struct Credentials {
    pub(crate) user_id: Uuid,
    pub(crate) password_hash: Option<String>,
}

/// A change of an account: `None` leaves a field, `Some(None)` clears it.
#[derive(Default)]
struct Patch {
    name: Option<String>,
    phone: Option<Option<String>>,
    locale: Option<Locale>,
    expected_version: Option<i64>,
}

/// A change of the password.
struct PasswordChange {
    current: SecretString,
    new: SecretString,
}

pub(crate) fn phone_place(user_id: Uuid) -> Place {
    Place { table: "users", column: "phone", row: user_id }
}

/// Who has this address, if anybody.
pub(crate) async fn credentials(conn: &mut PgConnection, email: &str) -> Result<Option<Credentials>> {
    store::credentials(conn, email).await
}

/// Notes that a person signed in, and takes back a request for erasure. `None` when the account may not be used or has
/// another password by now.
pub(crate) async fn note_sign_in(
    app: &App,
    conn: &mut PgConnection,
    caller: &Caller,
    user_id: Uuid,
    password_hash: Option<&str>,
) -> Result<Option<User>> {
    let user = store::note_sign_in(conn, &app.cipher, user_id, password_hash).await?;
    if user.is_some() {
        erase::take_back(conn, caller, user_id).await?;
    }
    Ok(user)
}

/// An account in use.
pub(crate) async fn find(app: &App, conn: &mut PgConnection, user_id: Uuid) -> Result<User> {
    store::find(conn, &app.cipher, user_id).await?.ok_or_else(Error::unauthenticated)
}

/// An account in use, locked until the transaction ends: what may be once for each account is decided behind this lock.
pub(crate) async fn lock(app: &App, conn: &mut PgConnection, user_id: Uuid) -> Result<User> {
    lock_active(app, conn, user_id).await?.ok_or_else(Error::unauthenticated)
}

/// As [`lock`], for those who do not call themselves.
pub(crate) async fn lock_active(app: &App, conn: &mut PgConnection, user_id: Uuid) -> Result<Option<User>> {
    store::lock(conn, &app.cipher, user_id).await
}

async fn get_own(app: &App, caller: &Caller) -> Result<User> {
    let signed_in = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    find(app, &mut conn, signed_in.id).await
}

async fn update_own(app: &App, caller: &Caller, patch: Patch) -> Result<User> {
    let signed_in = caller.user()?;
    let mut tx = app.pool.begin().await?;
    let user = lock(app, &mut tx, signed_in.id).await?;
    Error::unless_version(patch.expected_version, user.version)?;
    let changed = User {
        name: patch.name.unwrap_or(user.name),
        phone: patch.phone.unwrap_or(user.phone),
        locale: patch.locale.unwrap_or(user.locale),
        ..user
    };
    let user = store::update(&mut tx, &app.cipher, &changed).await?;
    tx.commit().await?;
    Ok(user)
}

async fn change_password(app: &App, caller: &Caller, change: PasswordChange) -> Result<()> {
    let signed_in = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let user = find(app, &mut conn, signed_in.id).await?;
    let old_hash = store::password_hash(&mut conn, user.id).await?;
    drop(conn);
    let mut fields = Fields::new();
    password::check_personal(&mut fields, "new_password", change.new.expose_secret(), &user.email);
    fields.finish()?;

    let matched = app.passwords.matches(change.current.expose_secret(), old_hash.as_deref()).await?;
    if !matched {
        let mut conn = app.pool.acquire().await?;
        audit::record(&mut conn, caller, &Act::refused("password.changed", Some(user.id))).await?;
        return Err(Error::Unauthenticated("INVALID_CREDENTIALS".into()));
    }
    let new_hash = app.passwords.hash(change.new.expose_secret()).await?;
    let mut tx = app.pool.begin().await?;
    if !store::replace_password_hash(&mut tx, user.id, old_hash.as_deref(), &new_hash).await? {
        return Err(Error::Aborted("CONFLICT".into()));
    }
    let kept = Some(signed_in.session_id);
    let ended = session::end_others(&mut tx, user.id, kept, EndReason::PasswordChanged).await?;
    audit::record(&mut tx, caller, &Act::done("password.changed", user.id, "user", user.id)).await?;
    alert(&mut tx, caller, user.id, Alert::PasswordChanged).await?;
    tx.commit().await?;
    app.relay.wake();
    session::revoked(app, user.id, &ended);
    Ok(())
}
