//! Play videos: finding, watching, keeping and recommending them.

pub(crate) mod admin;
mod embed;
pub(crate) mod grpc;
mod interaction;
pub(crate) mod link;
pub(crate) mod metrics;
mod recommend;
pub(crate) mod report;
pub(crate) mod store;

use aipoten_kit::{Caller, Error, Page, Result, Role};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use recommend::{Candidate, Recommendation, recommend};

use crate::area::Area;
use crate::assessment::Level;
use crate::{App, child};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Platform {
    #[default]
    Youtube,
    NaverTv,
    KakaoTv,
    Vimeo,
    Upload,
    Other,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Difficulty {
    #[default]
    Easy,
    Medium,
    Hard,
}

/// What is known about the address of a video.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum UrlStatus {
    /// Shipped with the platform: no video is there.
    Demo,
    #[default]
    Unchecked,
    Ok,
    Broken,
    /// The platform has closed.
    Unavailable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Source {
    Assessment,
    Therapist,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Video {
    pub(crate) id: Uuid,
    pub(crate) title_ko: String,
    pub(crate) title_en: String,
    pub(crate) description_ko: String,
    pub(crate) description_en: String,
    pub(crate) video_url: String,
    pub(crate) video_platform: Platform,
    pub(crate) embed_code: Option<String>,
    pub(crate) thumbnail_url: Option<String>,
    pub(crate) duration_seconds: Option<i32>,
    pub(crate) target_age_min: i16,
    pub(crate) target_age_max: i16,
    pub(crate) difficulty: Difficulty,
    pub(crate) play_method_ko: Option<String>,
    pub(crate) play_method_en: Option<String>,
    pub(crate) expected_effects_ko: Option<String>,
    pub(crate) expected_effects_en: Option<String>,
    pub(crate) materials_needed_ko: Vec<String>,
    pub(crate) materials_needed_en: Vec<String>,
    pub(crate) precautions_ko: Option<String>,
    pub(crate) precautions_en: Option<String>,
    pub(crate) is_published: bool,
    /// 1 is shown first.
    pub(crate) priority: i16,
    pub(crate) view_count: i64,
    pub(crate) bookmark_count: i64,
    pub(crate) completion_count: i64,
    pub(crate) published_at: Option<DateTime<Utc>>,
    /// When a check last told whether the video is there.
    pub(crate) url_last_checked_at: Option<DateTime<Utc>>,
    /// When a check was last begun, whatever it told.
    pub(crate) url_tried_at: Option<DateTime<Utc>>,
    /// The first of the failures since the video was last there.
    pub(crate) url_failing_since: Option<DateTime<Utc>>,
    pub(crate) url_status: UrlStatus,
    pub(crate) areas: Vec<Area>,
    /// Slugs.
    pub(crate) categories: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// Which videos are wanted.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) is_published: Option<bool>,
    pub(crate) url_status: Option<UrlStatus>,
    pub(crate) age: Option<i32>,
    pub(crate) area: Option<Area>,
    pub(crate) category: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) difficulty: Option<Difficulty>,
    pub(crate) platform: Option<Platform>,
    pub(crate) text: Option<String>,
    pub(crate) order_by: &'static str,
}

/// A recommendation as it is shown.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Recommended {
    pub(crate) recommendation_id: Uuid,
    pub(crate) assessment_id: Option<Uuid>,
    pub(crate) development_area: Area,
    pub(crate) area_level: Option<Level>,
    pub(crate) recommendation_reason_ko: String,
    pub(crate) recommendation_reason_en: String,
    pub(crate) priority_score: i32,
    pub(crate) is_viewed: bool,
    pub(crate) is_bookmarked: bool,
    pub(crate) is_completed: bool,
    pub(crate) source: Source,
    pub(crate) recommended_at: DateTime<Utc>,
    #[sqlx(flatten)]
    pub(crate) video: Video,
}

/// Published videos, for everyone.
pub(crate) async fn list(app: &App, page: Page, mut filter: Filter) -> Result<(Vec<Video>, i64)> {
    filter.is_published = Some(true);
    let mut conn = app.pool.acquire().await?;
    let videos = store::page(&mut conn, page, &filter).await?;
    let total = store::count(&mut conn, &filter).await?;
    Ok((videos, total))
}

/// A published video, for everyone.
pub(crate) async fn get(app: &App, id: Uuid) -> Result<Video> {
    let video = store::get(&mut *app.pool.acquire().await?, id).await?;
    video.filter(|video| video.is_published).ok_or_else(not_found)
}

pub(crate) async fn list_recommended(
    app: &App,
    caller: &Caller,
    child_id: Uuid,
    page: Page,
    area: Option<Area>,
) -> Result<(Vec<Recommended>, i64)> {
    let user = caller.with_role(Role::Parent)?;
    child::get(&app.children, caller, child_id).await?;
    let mut conn = app.pool.acquire().await?;
    let recommended = store::recommendation::page(&mut conn, user.id, child_id, area, page).await?;
    let total = store::recommendation::count(&mut conn, user.id, child_id, area).await?;
    Ok((recommended, total))
}

pub(crate) async fn list_bookmarked(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Video>, i64)> {
    let user = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let videos = store::interaction::bookmarked_page(&mut conn, user.id, page).await?;
    let total = store::interaction::bookmarked_count(&mut conn, user.id).await?;
    Ok((videos, total))
}

impl Video {
    /// Whether there is something to play.
    pub(crate) fn is_available(&self) -> bool {
        matches!(self.url_status, UrlStatus::Ok | UrlStatus::Unchecked) && self.video_platform != Platform::KakaoTv
    }
}

fn not_found() -> Error {
    Error::NotFound("video")
}
