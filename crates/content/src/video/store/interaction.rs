//! SQL of what people do with videos.

use aipoten_kit::Page;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{push_page, select};
use crate::video::Video;
use crate::video::interaction::Interaction;

/// `None` where there is no such published video, `Some(None)` where its length is unknown.
pub(crate) async fn published_length(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Option<i32>>> {
    sqlx::query_scalar!("SELECT duration_seconds FROM videos WHERE id = $1 AND is_published FOR KEY SHARE", id)
        .fetch_optional(conn)
        .await
}

/// Makes sure that there is a row to change.
pub(crate) async fn touch(conn: &mut PgConnection, id: Uuid, user_id: Uuid, video_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO user_video_interactions (id, user_id, video_id) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT user_video_interactions_one_each DO NOTHING",
        id,
        user_id,
        video_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False when it was bookmarked already.
pub(crate) async fn set_bookmarked(conn: &mut PgConnection, user_id: Uuid, video_id: Uuid) -> sqlx::Result<bool> {
    let set = sqlx::query!(
        "UPDATE user_video_interactions SET bookmarked_at = now()
         WHERE user_id = $1 AND video_id = $2 AND bookmarked_at IS NULL",
        user_id,
        video_id,
    );
    Ok(set.execute(conn).await?.rows_affected() == 1)
}

/// False when there was no bookmark.
pub(crate) async fn clear_bookmarked(conn: &mut PgConnection, user_id: Uuid, video_id: Uuid) -> sqlx::Result<bool> {
    let cleared = sqlx::query!(
        "UPDATE user_video_interactions SET bookmarked_at = NULL
         WHERE user_id = $1 AND video_id = $2 AND bookmarked_at IS NOT NULL",
        user_id,
        video_id,
    );
    Ok(cleared.execute(conn).await?.rows_affected() == 1)
}

/// False when it was completed already.
pub(crate) async fn set_completed(conn: &mut PgConnection, user_id: Uuid, video_id: Uuid) -> sqlx::Result<bool> {
    let set = sqlx::query!(
        "UPDATE user_video_interactions SET completed_at = now()
         WHERE user_id = $1 AND video_id = $2 AND completed_at IS NULL",
        user_id,
        video_id,
    );
    Ok(set.execute(conn).await?.rows_affected() == 1)
}

pub(crate) async fn add_watch_time(
    conn: &mut PgConnection,
    user_id: Uuid,
    video_id: Uuid,
    seconds: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE user_video_interactions
         SET watch_time_seconds = least(watch_time_seconds::bigint + $3, 2147483647), last_watched_at = now()
         WHERE user_id = $1 AND video_id = $2",
        user_id,
        video_id,
        i64::from(seconds),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// True at most once in 30 minutes for the same person and video.
pub(crate) async fn take_countable_view(conn: &mut PgConnection, user_id: Uuid, video_id: Uuid) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "UPDATE user_video_interactions SET counted_at = now()
         WHERE user_id = $1 AND video_id = $2 AND (counted_at IS NULL OR counted_at <= now() - interval '30 minutes')",
        user_id,
        video_id,
    );
    Ok(taken.execute(conn).await?.rows_affected() == 1)
}

pub(crate) async fn add_view(conn: &mut PgConnection, video_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE videos SET view_count = view_count + 1 WHERE id = $1", video_id).execute(conn).await?;
    Ok(())
}

pub(crate) async fn add_bookmarks(conn: &mut PgConnection, video_id: Uuid, number: i64) -> sqlx::Result<()> {
    sqlx::query!("UPDATE videos SET bookmark_count = bookmark_count + $2 WHERE id = $1", video_id, number)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn add_completion(conn: &mut PgConnection, video_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE videos SET completion_count = completion_count + 1 WHERE id = $1", video_id)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn get(conn: &mut PgConnection, user_id: Uuid, video_id: Uuid) -> sqlx::Result<Interaction> {
    sqlx::query_as!(
        Interaction,
        "SELECT i.video_id, i.is_bookmarked, i.is_completed, i.watch_time_seconds, i.last_watched_at, v.view_count,
             v.bookmark_count, v.completion_count
         FROM user_video_interactions i JOIN videos v ON v.id = i.video_id
         WHERE i.user_id = $1 AND i.video_id = $2",
        user_id,
        video_id,
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn bookmarked_page(conn: &mut PgConnection, user_id: Uuid, page: Page) -> sqlx::Result<Vec<Video>> {
    let mut query = select("");
    query.push(" JOIN user_video_interactions i ON i.video_id = v.id WHERE v.is_published AND i.user_id = ");
    query.push_bind(user_id).push(" AND i.bookmarked_at IS NOT NULL ORDER BY i.bookmarked_at DESC, v.id");
    push_page(&mut query, page);
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn bookmarked_count(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
               SELECT FROM user_video_interactions i JOIN videos v ON v.id = i.video_id
               WHERE v.is_published AND i.user_id = $1 AND i.bookmarked_at IS NOT NULL LIMIT $2
           ) AS counted"#,
        user_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// What an account bookmarked and completed is no longer counted.
pub(crate) async fn erase_user(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH erased AS (
             DELETE FROM user_video_interactions WHERE user_id = $1 RETURNING video_id, is_bookmarked, is_completed
         )
         UPDATE videos v
         SET bookmark_count = v.bookmark_count - e.is_bookmarked::integer,
             completion_count = v.completion_count - e.is_completed::integer
         FROM erased e WHERE v.id = e.video_id",
        user_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}
