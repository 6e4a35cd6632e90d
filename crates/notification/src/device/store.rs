//! SQL of devices.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Platform;

/// A row as it is kept.
pub(super) struct Sealed {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) platform: Platform,
    pub(super) hash: [u8; 32],
    pub(super) token: Vec<u8>,
    pub(super) keys: Option<Vec<u8>>,
}

/// What a device is pushed to with.
pub(super) struct Kept {
    pub(super) platform: Platform,
    pub(super) token: Vec<u8>,
    pub(super) keys: Option<Vec<u8>>,
}

/// One at a time registers a token.
pub(super) async fn lock_token(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('device ' || encode($1::bytea, 'hex'), 0))", hash)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete_others(conn: &mut PgConnection, hash: &[u8], user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM devices WHERE token_hash = $1 AND user_id <> $2", hash, user_id).execute(conn).await?;
    Ok(())
}

pub(super) async fn find(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("SELECT id FROM devices WHERE token_hash = $1", hash).fetch_optional(conn).await
}

pub(super) async fn upsert(conn: &mut PgConnection, device: &Sealed) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "INSERT INTO devices (id, user_id, platform, token_hash, token, keys) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
         SET platform = excluded.platform, token = excluded.token, keys = excluded.keys, updated_at = now()
         RETURNING created_at",
        device.id,
        device.user_id,
        device.platform as Platform,
        device.hash.as_slice(),
        device.token,
        device.keys.as_deref(),
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn keep_newest(conn: &mut PgConnection, user_id: Uuid, most: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM devices WHERE id IN
           (SELECT id FROM devices WHERE user_id = $1 ORDER BY updated_at DESC, id DESC OFFSET $2)",
        user_id,
        most
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("DELETE FROM devices WHERE id = $1 AND user_id = $2", id, user_id);
    Ok(deleted.execute(conn).await?.rows_affected() == 1)
}

/// Where it is this person's.
pub(super) async fn kept(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"SELECT platform AS "platform: Platform", token, keys FROM devices WHERE id = $1 AND user_id = $2"#,
        id,
        user_id
    )
    .fetch_optional(conn)
    .await
}

/// The provider says that there is nobody any more.
pub(crate) async fn delete_gone(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM devices WHERE id = $1", id).execute(conn).await?;
    Ok(())
}

/// Ids of the devices of each of these people who has one.
pub(crate) async fn of_users(conn: &mut PgConnection, users: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Vec<Uuid>>> {
    let rows = sqlx::query!("SELECT user_id, id FROM devices WHERE user_id = ANY ($1)", users).fetch_all(conn).await?;
    let mut devices: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in rows {
        devices.entry(row.user_id).or_default().push(row.id);
    }
    Ok(devices)
}
