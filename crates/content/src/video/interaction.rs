//! What a person does with a video. Counters are raised with the row that they count, so they stay exact.

use aipoten_kit::{Caller, Result};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::not_found;
use super::store::{interaction as store, recommendation};
use crate::App;

/// A report counts at most this much where the length of the video is unknown: four hours.
const LONGEST_SECONDS: i32 = 4 * 3600;

/// What the caller did with a video, and what everyone did.
#[derive(Debug)]
pub(crate) struct Interaction {
    pub(crate) video_id: Uuid,
    pub(crate) is_bookmarked: bool,
    pub(crate) is_completed: bool,
    pub(crate) watch_time_seconds: i32,
    pub(crate) last_watched_at: Option<DateTime<Utc>>,
    pub(crate) view_count: i64,
    pub(crate) bookmark_count: i64,
    pub(crate) completion_count: i64,
}

pub(crate) async fn bookmark(app: &App, caller: &Caller, video_id: Uuid) -> Result<Interaction> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    require_published(&mut tx, video_id).await?;
    store::touch(&mut tx, Uuid::now_v7(), user.id, video_id).await?;
    if store::set_bookmarked(&mut tx, user.id, video_id).await? {
        store::add_bookmarks(&mut tx, video_id, 1).await?;
    }
    let interaction = store::get(&mut tx, user.id, video_id).await?;
    tx.commit().await?;
    Ok(interaction)
}

pub(crate) async fn unbookmark(app: &App, caller: &Caller, video_id: Uuid) -> Result<()> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    if !store::clear_bookmarked(&mut tx, user.id, video_id).await? {
        return Err(not_found());
    }
    store::add_bookmarks(&mut tx, video_id, -1).await?;
    tx.commit().await?;
    Ok(())
}

/// Counts a view of this person once in 30 minutes, and marks what recommended the video as viewed.
pub(crate) async fn view(app: &App, caller: &Caller, video_id: Uuid, watched_seconds: i32) -> Result<Interaction> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    let length = require_published(&mut tx, video_id).await?;
    let seconds = watched_seconds.min(length.unwrap_or(LONGEST_SECONDS));
    store::touch(&mut tx, Uuid::now_v7(), user.id, video_id).await?;
    store::add_watch_time(&mut tx, user.id, video_id, seconds).await?;
    if store::take_countable_view(&mut tx, user.id, video_id).await? {
        store::add_view(&mut tx, video_id).await?;
    }
    recommendation::mark_viewed(&mut tx, user.id, video_id).await?;
    let interaction = store::get(&mut tx, user.id, video_id).await?;
    tx.commit().await?;
    Ok(interaction)
}

pub(crate) async fn complete(app: &App, caller: &Caller, video_id: Uuid) -> Result<Interaction> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    require_published(&mut tx, video_id).await?;
    store::touch(&mut tx, Uuid::now_v7(), user.id, video_id).await?;
    if store::set_completed(&mut tx, user.id, video_id).await? {
        store::add_completion(&mut tx, video_id).await?;
    }
    recommendation::mark_viewed(&mut tx, user.id, video_id).await?;
    let interaction = store::get(&mut tx, user.id, video_id).await?;
    tx.commit().await?;
    Ok(interaction)
}

/// The length of a published video, if known.
async fn require_published(conn: &mut PgConnection, video_id: Uuid) -> Result<Option<i32>> {
    store::published_length(conn, video_id).await?.ok_or_else(not_found)
}
