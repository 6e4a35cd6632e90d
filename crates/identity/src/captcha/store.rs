use aipoten_kit::Result;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Whether nobody has used it before.
pub(super) async fn use_up(conn: &mut PgConnection, id: Uuid, expires_at: DateTime<Utc>) -> Result<bool> {
    let used = sqlx::query!(
        "INSERT INTO used_captchas (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        id,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

pub(super) async fn delete_expired(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("DELETE FROM used_captchas WHERE expires_at < now()").execute(conn).await?;
    Ok(())
}
