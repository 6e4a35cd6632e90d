//! New accounts.

use aipoten_kit::{Caller, Cipher, Error, Locale, Result, Role};
use aipoten_proto::identity::v1::UserRegistered;
use anyhow::Context as _;
use metrics::{Counter, counter};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use uuid::Uuid;

use super::{User, event, store};
use crate::audit::{self, Act};
use crate::consent::{self, NewConsent};
use crate::{App, Config, password};

/// A new account, its shape checked.
pub(super) struct Registration {
    pub(super) email: String,
    pub(super) password: SecretString,
    pub(super) name: String,
    pub(super) phone: Option<String>,
    pub(super) role: Role,
    pub(super) locale: Option<Locale>,
    pub(super) consents: Vec<NewConsent>,
}

/// What is stored of a new account.
pub(super) struct NewUser {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) password_hash: String,
    pub(super) name: String,
    pub(super) phone: Option<String>,
    pub(super) role: Role,
    pub(super) locale: Locale,
}

pub(super) async fn register(app: &App, caller: &Caller, registration: Registration) -> Result<User> {
    let password_hash = app.passwords.hash(registration.password.expose_secret()).await?;
    let mut tx = app.pool.begin().await?;
    let new = NewUser {
        id: Uuid::now_v7(),
        email: registration.email,
        password_hash,
        name: registration.name,
        phone: registration.phone,
        role: registration.role,
        locale: registration.locale.unwrap_or(caller.locale),
    };
    let user = store::insert(&mut tx, &app.cipher, &new).await?;
    audit::record(&mut tx, caller, &Act::done("user.registered", user.id, "user", user.id)).await?;
    let registered = UserRegistered { user_id: user.id.to_string(), role: user.role.as_str().to_owned() };
    event::publish(&mut tx, caller, user.id, &registered).await?;
    for consent in registration.consents {
        consent::give(&mut tx, caller, user.id, consent).await?;
    }
    tx.commit().await?;
    registrations(user.role).increment(1);
    app.relay.wake();
    Ok(user)
}

/// Metrics at zero.
pub(crate) fn prepare_metrics() {
    for account in [Role::Parent, Role::Therapist] {
        registrations(account).increment(0);
    }
}

fn registrations(account: Role) -> Counter {
    counter!("aipoten_registrations_total", "account" => account.as_str())
}

/// Makes the configured administrator unless the address has an account.
pub async fn seed_administrator(pool: &PgPool, config: &Config) -> anyhow::Result<()> {
    let admin = &config.admin;
    if admin.email.is_empty() || admin.password.is_empty() {
        tracing::info!("no administrator is configured: none is made");
        return Ok(());
    }
    let cipher = Cipher::new(&config.encryption).context("configuration key `identity.encryption`")?;
    let passwords = password::Pool::start(&config.password);
    let new = NewUser {
        id: Uuid::now_v7(),
        email: admin.email.clone(),
        password_hash: passwords.hash(admin.password.expose_secret()).await?,
        name: "Administrator".to_owned(),
        phone: None,
        role: Role::Admin,
        locale: Locale::Ko,
    };
    match store::insert(&mut *pool.acquire().await?, &cipher, &new).await {
        Ok(_) => tracing::info!("the administrator is made"),
        Err(Error::AlreadyExists(_)) => tracing::info!("the administrator is there"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
