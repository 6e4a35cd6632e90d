//! SQL of calendar feeds.

use aipoten_kit::Locale;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::calendar::feed::Event;
use crate::kind::Kind;

/// A feed made before ends; answers when this one was made.
pub(in crate::calendar) async fn upsert(
    conn: &mut PgConnection,
    user_id: Uuid,
    secret_hash: &[u8],
    locale: Locale,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "INSERT INTO calendar_feeds (user_id, secret_hash, locale) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET secret_hash = $2, locale = $3, created_at = now() RETURNING created_at",
        user_id,
        secret_hash,
        locale as Locale,
    )
    .fetch_one(conn)
    .await
}

pub(in crate::calendar) async fn delete(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("DELETE FROM calendar_feeds WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(deleted.rows_affected() == 1)
}

pub(in crate::calendar) async fn owner(
    conn: &mut PgConnection,
    secret_hash: &[u8],
) -> sqlx::Result<Option<(Uuid, Locale)>> {
    let row = sqlx::query!(
        r#"SELECT user_id, locale AS "locale: Locale" FROM calendar_feeds WHERE secret_hash = $1"#,
        secret_hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.user_id, row.locale)))
}

/// The sessions from 60 days back on that have, or had, a time. Those that wait for payment are not agreed yet.
pub(in crate::calendar) async fn events(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"SELECT id AS consultation_id, kind AS "kind: Kind", scheduled_at AS "starts_at!", ends_at AS "ends_at!",
                  status = 'cancelled' AS "cancelled!", version, updated_at
           FROM consultations
           WHERE (parent_user_id = $1 OR therapist_id = $1) AND scheduled_at >= now() - interval '60 days'
             AND status <> 'pending_payment'
           ORDER BY scheduled_at, id LIMIT 5000"#,
        user_id,
    )
    .fetch_all(conn)
    .await
}
