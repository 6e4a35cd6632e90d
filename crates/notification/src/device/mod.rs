//! Devices that take push messages.

pub(crate) mod grpc;
pub(crate) mod store;

use aipoten_kit::{Caller, Error, Place, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::App;

/// Most devices of a person; the one that was renewed the longest ago goes.
const MOST: i64 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Platform {
    #[default]
    Fcm,
    WebPush,
}

/// What a browser encrypts with, base64url.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) p256dh: String,
    pub(crate) auth: String,
}

/// A device as it registers.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) platform: Platform,
    pub(crate) token: String,
    /// Of browsers.
    pub(crate) keys: Option<Keys>,
}

/// A device to push to.
pub(crate) struct Opened {
    pub(crate) platform: Platform,
    pub(crate) token: String,
    /// Of browsers.
    pub(crate) keys: Option<Keys>,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: Uuid,
    pub(crate) platform: Platform,
    pub(crate) created_at: DateTime<Utc>,
}

/// A token that somebody else had is taken from them, and what waits for them there with it.
pub(super) async fn register(app: &App, caller: &Caller, new: New) -> Result<Device> {
    let user = caller.user()?;
    let hash: [u8; 32] = Sha256::digest(&new.token).into();
    let mut tx = app.pool.begin().await?;
    store::lock_token(&mut tx, &hash).await?;
    store::delete_others(&mut tx, &hash, user.id).await?;
    let id = store::find(&mut tx, &hash).await?.unwrap_or_else(Uuid::now_v7);
    let token = app.cipher.seal(place(id, "token"), &new.token)?;
    let keys = new.keys.map(|keys| serde_json::to_string(&keys)).transpose().map_err(anyhow::Error::from)?;
    let keys = app.cipher.seal_optional(place(id, "keys"), keys.as_deref())?;
    let sealed = store::Sealed { id, user_id: user.id, platform: new.platform, hash, token, keys };
    let created_at = store::upsert(&mut tx, &sealed).await?;
    store::keep_newest(&mut tx, user.id, MOST).await?;
    tx.commit().await?;
    Ok(Device { id, platform: new.platform, created_at })
}

pub(super) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    let user = caller.user()?;
    if store::delete(&mut *app.pool.acquire().await?, id, user.id).await? {
        Ok(())
    } else {
        Err(Error::NotFound("device"))
    }
}

/// Of the person alone, to push to.
pub(crate) async fn find(app: &App, id: Uuid, user_id: Uuid) -> Result<Option<Opened>> {
    let Some(kept) = store::kept(&mut *app.pool.acquire().await?, id, user_id).await? else { return Ok(None) };
    let keys = app.cipher.open_optional(place(id, "keys"), kept.keys.as_deref())?;
    let keys = keys.map(|keys| serde_json::from_str(&keys)).transpose().map_err(anyhow::Error::from)?;
    let token = app.cipher.open(place(id, "token"), &kept.token)?;
    Ok(Some(Opened { platform: kept.platform, token, keys }))
}

fn place(id: Uuid, column: &'static str) -> Place {
    Place { table: "devices", column, row: id }
}
