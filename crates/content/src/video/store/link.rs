//! SQL of the addresses of videos.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::video::link::{Due, Known};
use crate::video::{Platform, UrlStatus};

/// Those whose last turn is a day ago or more, the oldest first; their turn is now. Demonstrations have none.
pub(crate) async fn take_due(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"UPDATE videos SET url_tried_at = now()
           WHERE id IN (
               SELECT id FROM videos
               WHERE is_published AND url_status IN ('unchecked', 'ok', 'broken')
                 AND (url_tried_at IS NULL OR url_tried_at <= now() - interval '1 day')
               ORDER BY url_tried_at NULLS FIRST, id LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING id, video_url, video_platform AS "video_platform: Platform", url_tried_at AS "tried_at!""#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// `None` when the video was deleted or got another address.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid, video_url: &str) -> sqlx::Result<Option<Known>> {
    sqlx::query_as!(
        Known,
        r#"SELECT url_status AS "url_status: UrlStatus", url_last_checked_at, url_failing_since, version
           FROM videos WHERE id = $1 AND video_url = $2 AND url_status IN ('unchecked', 'ok', 'broken') FOR UPDATE"#,
        id,
        video_url,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn update(conn: &mut PgConnection, id: Uuid, known: &Known) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE videos
         SET url_status = $2, url_last_checked_at = $3, url_failing_since = $4,
             updated_at = CASE WHEN version = $5 THEN updated_at ELSE now() END, version = $5
         WHERE id = $1",
        id,
        known.url_status as _,
        known.url_last_checked_at,
        known.url_failing_since,
        known.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many published videos there are whose address answers, as far as is known, and how many whose does not.
pub(crate) async fn answering(conn: &mut PgConnection) -> sqlx::Result<(f64, f64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE url_status <> 'broken')::float8 AS "there!",
             count(*) FILTER (WHERE url_status = 'broken')::float8 AS "gone!"
           FROM videos WHERE is_published"#,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.there, row.gone))
}
