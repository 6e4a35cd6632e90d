//! SQL of notifications.

use aipoten_kit::Page;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Filter, Notification, Tell, Told};
use crate::template::Variables;

/// Those that were not told before.
pub(super) async fn insert(conn: &mut PgConnection, news: &[Tell]) -> sqlx::Result<Told> {
    let ids: Vec<Uuid> = news.iter().map(|_| Uuid::now_v7()).collect();
    let users: Vec<Uuid> = news.iter().map(|tell| tell.user_id).collect();
    let kinds: Vec<&str> = news.iter().map(|tell| tell.template.kind).collect();
    let templates: Vec<&str> = news.iter().map(|tell| tell.template.name).collect();
    let variables: Vec<Json<&Variables>> = news.iter().map(|tell| Json(&tell.variables)).collect();
    let keys: Vec<&str> = news.iter().map(|tell| tell.dedupe_key.as_str()).collect();
    let rows = sqlx::query!(
        "INSERT INTO notifications (id, user_id, type, template, variables, dedupe_key)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[])
         ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING
         RETURNING id, dedupe_key, created_at",
        &ids,
        &users,
        &kinds as _,
        &templates as _,
        &variables as _,
        &keys as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.dedupe_key, (row.id, row.created_at))).collect())
}

pub(super) async fn page(
    conn: &mut PgConnection,
    user_id: Uuid,
    page: Page,
    filter: &Filter,
) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"SELECT id, type AS kind, template, variables AS "variables: Json<Variables>", read_at, created_at
           FROM notifications
           WHERE user_id = $1 AND deleted_at IS NULL AND (NOT $2 OR NOT is_read) AND ($3::text IS NULL OR type = $3)
           ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5"#,
        user_id,
        filter.unread_only,
        filter.kind.as_deref(),
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, user_id: Uuid, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
             SELECT FROM notifications
             WHERE user_id = $1 AND deleted_at IS NULL AND (NOT $2 OR NOT is_read) AND ($3::text IS NULL OR type = $3)
             LIMIT $4) AS counted"#,
        user_id,
        filter.unread_only,
        filter.kind.as_deref(),
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn after(
    conn: &mut PgConnection,
    user_id: Uuid,
    after: DateTime<Utc>,
) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"SELECT id, type AS kind, template, variables AS "variables: Json<Variables>", read_at, created_at
           FROM notifications WHERE user_id = $1 AND deleted_at IS NULL AND created_at > $2
           ORDER BY created_at, id LIMIT 100"#,
        user_id,
        after,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn unread(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM notifications WHERE user_id = $1 AND NOT is_read AND deleted_at IS NULL"#,
        user_id
    )
    .fetch_one(conn)
    .await
}

/// Keeps the time of the first reading.
pub(super) async fn read(conn: &mut PgConnection, user_id: Uuid, id: Uuid) -> sqlx::Result<Option<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"UPDATE notifications SET is_read = true, read_at = coalesce(read_at, now())
           WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL
           RETURNING id, type AS kind, template, variables AS "variables: Json<Variables>", read_at, created_at"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn read_all(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE notifications SET is_read = true, read_at = now()
         WHERE user_id = $1 AND NOT is_read AND deleted_at IS NULL",
        user_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut PgConnection, user_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "UPDATE notifications SET deleted_at = now() WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
        id,
        user_id
    );
    Ok(deleted.execute(conn).await?.rows_affected() == 1)
}
