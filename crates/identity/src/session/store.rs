use aipoten_kit::{Cipher, Place, Result, Role};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::refresh_token::RefreshKey;
use super::{EndReason, Session};
use crate::config::Lockout;

/// A session as it is stored, with its key.
struct Row {
    id: Uuid,
    user_id: Uuid,
    role: Role,
    email_verified: bool,
    device_label: Option<String>,
    user_agent: String,
    ip: String,
    amr: Vec<String>,
    auth_time: DateTime<Utc>,
    refresh_counter: i64,
    refresh_key: Vec<u8>,
    rotated_at: DateTime<Utc>,
    idle_expires_at: DateTime<Utc>,
    absolute_expires_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

fn place(session_id: Uuid) -> Place {
    Place { table: "sessions", column: "refresh_key", row: session_id }
}

impl Row {
    fn open(self, cipher: &Cipher) -> anyhow::Result<(Session, RefreshKey)> {
        let key = STANDARD.decode(cipher.open(place(self.id), &self.refresh_key)?)?;
        let key = key.try_into().map_err(|_| anyhow::anyhow!("a refresh key is not 32 bytes long"))?;
        let session = Session {
            id: self.id,
            user_id: self.user_id,
            role: self.role,
            email_verified: self.email_verified,
            device_label: self.device_label,
            user_agent: self.user_agent,
            ip: self.ip,
            amr: self.amr,
            auth_time: self.auth_time,
            refresh_counter: self.refresh_counter,
            rotated_at: self.rotated_at,
            idle_expires_at: self.idle_expires_at,
            absolute_expires_at: self.absolute_expires_at,
            last_seen_at: self.last_seen_at,
            created_at: self.created_at,
        };
        Ok((session, RefreshKey(key)))
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    cipher: &Cipher,
    session: &Session,
    key: &RefreshKey,
    fingerprint: &[u8],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (id, user_id, device_label, user_agent, ip, amr, auth_time, refresh_counter, refresh_key,
                               rotated_at, idle_expires_at, absolute_expires_at, last_seen_at, created_at, fingerprint_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        session.id,
        session.user_id,
        session.device_label,
        session.user_agent,
        session.ip,
        &session.amr,
        session.auth_time,
        session.refresh_counter,
        cipher.seal(place(session.id), &STANDARD.encode(key.0))?,
        session.rotated_at,
        session.idle_expires_at,
        session.absolute_expires_at,
        session.last_seen_at,
        session.created_at,
        fingerprint,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the account was signed in on other devices before, and never on this one.
pub(super) async fn is_new_device(conn: &mut PgConnection, user_id: Uuid, fingerprint: &[u8]) -> Result<bool> {
    let is_new = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM sessions WHERE user_id = $1 AND fingerprint_hash IS NOT NULL)
              AND NOT EXISTS (SELECT FROM sessions WHERE user_id = $1 AND fingerprint_hash = $2) AS "is_new!""#,
        user_id,
        fingerprint,
    )
    .fetch_one(conn)
    .await?;
    Ok(is_new)
}

/// A session that can be used: not ended, not expired, of an account in use.
pub(super) async fn find_live(conn: &mut PgConnection, id: Uuid) -> Result<Option<Session>> {
    let session = sqlx::query_as!(
        Session,
        r#"SELECT s.id, s.user_id, u.role AS "role: Role", u.email_verified_at IS NOT NULL AS "email_verified!",
                  s.device_label, s.user_agent, s.ip, s.amr, s.auth_time,
                  s.refresh_counter, s.rotated_at, s.idle_expires_at, s.absolute_expires_at, s.last_seen_at, s.created_at
           FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active'
           WHERE s.id = $1 AND s.revoked_at IS NULL AND s.idle_expires_at > now() AND s.absolute_expires_at > now()"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(session)
}

/// As [`find_live`], with the key of its refresh tokens.
pub(super) async fn find_refreshable(
    conn: &mut PgConnection,
    cipher: &Cipher,
    id: Uuid,
) -> Result<Option<(Session, RefreshKey)>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT s.id, s.user_id, u.role AS "role: Role", u.email_verified_at IS NOT NULL AS "email_verified!",
                  s.device_label, s.user_agent, s.ip, s.amr, s.auth_time,
                  s.refresh_counter, s.refresh_key, s.rotated_at, s.idle_expires_at, s.absolute_expires_at,
                  s.last_seen_at, s.created_at
           FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active'
           WHERE s.id = $1 AND s.revoked_at IS NULL AND s.idle_expires_at > now() AND s.absolute_expires_at > now()"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.open(cipher)).transpose()?)
}

pub(super) async fn list_live(conn: &mut PgConnection, user_id: Uuid) -> Result<Vec<Session>> {
    let sessions = sqlx::query_as!(
        Session,
        r#"SELECT s.id, s.user_id, u.role AS "role: Role", u.email_verified_at IS NOT NULL AS "email_verified!",
                  s.device_label, s.user_agent, s.ip, s.amr, s.auth_time,
                  s.refresh_counter, s.rotated_at, s.idle_expires_at, s.absolute_expires_at, s.last_seen_at, s.created_at
           FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active'
           WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.idle_expires_at > now() AND s.absolute_expires_at > now()
           ORDER BY s.created_at DESC LIMIT 500"#,
        user_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(sessions)
}

/// Moves the counter on if it still is `counter`; answers the new one. Of many at once exactly one succeeds.
pub(super) async fn rotate(
    conn: &mut PgConnection,
    id: Uuid,
    counter: i64,
    idle_expires_at: DateTime<Utc>,
    ip: &str,
) -> Result<Option<i64>> {
    let counter = sqlx::query_scalar!(
        "UPDATE sessions SET refresh_counter = refresh_counter + 1, rotated_at = clock_timestamp(),
                last_seen_at = clock_timestamp(), idle_expires_at = $3, ip = $4
         WHERE id = $1 AND refresh_counter = $2 AND revoked_at IS NULL
         RETURNING refresh_counter",
        id,
        counter,
        idle_expires_at,
        ip,
    )
    .fetch_optional(conn)
    .await?;
    Ok(counter)
}

/// Ends those of the sessions that are the account's and live; answers which.
pub(super) async fn end(conn: &mut PgConnection, user_id: Uuid, ids: &[Uuid], reason: EndReason) -> Result<Vec<Uuid>> {
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET revoked_at = clock_timestamp(), revoke_reason = $3
         WHERE user_id = $1 AND id = ANY($2) AND revoked_at IS NULL RETURNING id",
        user_id,
        ids,
        reason as EndReason,
    )
    .fetch_all(conn)
    .await?;
    Ok(ended)
}

/// Ends all sessions of an account but `except`; answers which.
pub(super) async fn end_others(
    conn: &mut PgConnection,
    user_id: Uuid,
    except: Option<Uuid>,
    reason: EndReason,
) -> Result<Vec<Uuid>> {
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET revoked_at = clock_timestamp(), revoke_reason = $3
         WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL RETURNING id",
        user_id,
        except,
        reason as EndReason,
    )
    .fetch_all(conn)
    .await?;
    Ok(ended)
}

/// Sessions ended after a moment, with the moment of each.
pub(super) async fn ended_after(conn: &mut PgConnection, after: DateTime<Utc>) -> Result<Vec<(Uuid, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"SELECT id, revoked_at AS "revoked_at!" FROM sessions WHERE revoked_at > $1 ORDER BY revoked_at"#,
        after,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.revoked_at)).collect())
}

/// Counts a try in one statement; answers the failures with it. `None` when the address is locked, or needs a captcha.
pub(super) async fn reserve_attempt(
    conn: &mut PgConnection,
    address_hash: &[u8],
    solved: bool,
    limits: &Lockout,
) -> Result<Option<i32>> {
    let failures = sqlx::query_scalar!(
        "INSERT INTO login_attempts AS a (address_hash, failures, last_at) VALUES ($1, 1, clock_timestamp())
         ON CONFLICT (address_hash) DO UPDATE
         SET failures = CASE WHEN a.last_at <= clock_timestamp() - make_interval(secs => $2) THEN 1 ELSE a.failures + 1 END,
             last_at = clock_timestamp()
         WHERE a.last_at <= clock_timestamp() - make_interval(secs => $2)
            OR (a.failures < $3 AND (a.failures < $4 OR $5))
         RETURNING failures",
        address_hash,
        f64::from(limits.lock_s),
        limits.failures,
        limits.captcha_after,
        solved,
    )
    .fetch_optional(conn)
    .await?;
    Ok(failures)
}

/// Seconds for which the address is locked.
pub(super) async fn locked_for(conn: &mut PgConnection, address_hash: &[u8], limits: &Lockout) -> Result<Option<i64>> {
    let left = sqlx::query_scalar!(
        r#"SELECT ceil(extract(epoch FROM last_at + make_interval(secs => $2) - clock_timestamp()))::bigint AS "left!"
           FROM login_attempts WHERE address_hash = $1 AND failures >= $3"#,
        address_hash,
        f64::from(limits.lock_s),
        limits.failures,
    )
    .fetch_optional(conn)
    .await?;
    Ok(left)
}

pub(super) async fn release_attempt(conn: &mut PgConnection, address_hash: &[u8]) -> Result<()> {
    sqlx::query!(
        "UPDATE login_attempts SET failures = failures - 1 WHERE address_hash = $1 AND failures > 0",
        address_hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn clear_attempts(conn: &mut PgConnection, address_hash: &[u8]) -> Result<()> {
    sqlx::query!("DELETE FROM login_attempts WHERE address_hash = $1", address_hash).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete_old_attempts(conn: &mut PgConnection, limits: &Lockout) -> Result<()> {
    sqlx::query!(
        "DELETE FROM login_attempts WHERE last_at < now() - make_interval(secs => $1)",
        f64::from(limits.lock_s),
    )
    .execute(conn)
    .await?;
    Ok(())
}
