//! Feeds: the own sessions under a secret address, for other calendars.

use aipoten_kit::{Caller, Error, Locale, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ics;
use super::store::feed as store;
use crate::App;
use crate::kind::Kind;
use crate::party::Party;

/// A session as a feed shows it: nothing says whose it is or where.
pub(super) struct Event {
    pub(super) consultation_id: Uuid,
    pub(super) kind: Kind,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) cancelled: bool,
    /// Raised by every change.
    pub(super) version: i64,
    pub(super) updated_at: DateTime<Utc>,
}

/// The new feed's path and when it was made. The secret in it is kept nowhere.
pub(super) async fn create(app: &App, caller: &Caller) -> Result<(String, DateTime<Utc>)> {
    let user_id = Party::of(caller)?.user_id;
    let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let mut conn = app.pool.acquire().await?;
    let created_at = store::upsert(&mut conn, user_id, &fingerprint(&secret), caller.locale).await?;
    Ok((format!("/calendars/{secret}.ics"), created_at))
}

pub(super) async fn delete(app: &App, caller: &Caller) -> Result<()> {
    let party = Party::of(caller)?;
    if end_feed(&mut *app.pool.acquire().await?, party.user_id).await? { Ok(()) } else { Err(not_found()) }
}

/// Whether there was one to end.
pub(crate) async fn end_feed(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<bool> {
    store::delete(conn, user_id).await
}

/// The iCalendar text for whoever has the secret, in the language its owner made it in.
pub(super) async fn show(app: &App, secret: &str) -> Result<String> {
    let mut conn = app.pool.acquire().await?;
    let (user_id, locale): (Uuid, Locale) =
        store::owner(&mut conn, &fingerprint(secret)).await?.ok_or_else(not_found)?;
    Ok(ics::calendar(locale, &store::events(&mut conn, user_id).await?))
}

fn fingerprint(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn not_found() -> Error {
    Error::NotFound("calendar")
}
