use aipoten_kit::Result;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Purpose;

pub(super) async fn put(
    conn: &mut PgConnection,
    user_id: Uuid,
    purpose: Purpose,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO mail_tokens (user_id, purpose, hash, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, purpose) DO UPDATE
         SET hash = excluded.hash, expires_at = excluded.expires_at, created_at = now(), used_at = NULL",
        user_id,
        purpose as Purpose,
        hash,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Answers the address that is wanted; `None` when none is.
pub(super) async fn put_into_change(
    conn: &mut PgConnection,
    user_id: Uuid,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<Option<String>> {
    let email = sqlx::query_scalar!(
        r#"UPDATE mail_tokens SET hash = $2, expires_at = $3
           WHERE user_id = $1 AND purpose = 'change_email' AND used_at IS NULL RETURNING new_email::text AS "email!""#,
        user_id,
        hash,
        expires_at,
    )
    .fetch_optional(conn)
    .await?;
    Ok(email)
}

pub(super) async fn insert_change(conn: &mut PgConnection, user_id: Uuid, new_email: &str) -> Result<()> {
    sqlx::query!(
        "INSERT INTO mail_tokens (user_id, purpose, new_email) VALUES ($1, 'change_email', $2::text::citext)
         ON CONFLICT (user_id, purpose) DO UPDATE
         SET new_email = excluded.new_email, hash = NULL, expires_at = NULL, created_at = now(), used_at = NULL",
        user_id,
        new_email,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn wanted_email(conn: &mut PgConnection, user_id: Uuid) -> Result<Option<String>> {
    let email = sqlx::query_scalar!(
        r#"SELECT new_email::text AS "email!" FROM mail_tokens
           WHERE user_id = $1 AND purpose = 'change_email' AND used_at IS NULL"#,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(email)
}

pub(super) async fn owner(conn: &mut PgConnection, purpose: Purpose, hash: &[u8]) -> Result<Option<Uuid>> {
    let user_id = sqlx::query_scalar!(
        "SELECT t.user_id FROM mail_tokens t JOIN users u ON u.id = t.user_id AND u.status = 'active'
         WHERE t.hash = $2 AND t.purpose = $1 AND t.used_at IS NULL AND t.expires_at > now()",
        purpose as Purpose,
        hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(user_id)
}

/// Answers the address of a change, if it is one; nothing when the link cannot be followed.
pub(super) async fn use_up(conn: &mut PgConnection, purpose: Purpose, hash: &[u8]) -> Result<Option<Option<String>>> {
    let used = sqlx::query_scalar!(
        "UPDATE mail_tokens SET used_at = now()
         WHERE hash = $2 AND purpose = $1 AND used_at IS NULL AND expires_at > now() RETURNING new_email::text",
        purpose as Purpose,
        hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(used)
}

pub(super) async fn delete_all(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM mail_tokens WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete_before(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM mail_tokens WHERE created_at < $1", before).execute(conn).await?;
    Ok(())
}
