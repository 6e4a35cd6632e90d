//! Keeping videos: for administrators.

use aipoten_events::{Aggregate, publish};
use aipoten_kit::{Caller, Error, Fields, Page, Result, Role};
use aipoten_proto::content::v1::VideoPublished;
use sqlx::PgConnection;
use uuid::Uuid;

use super::embed::{AddressError, embed_code};
use super::{Difficulty, Filter, Platform, UrlStatus, Video, not_found, store};
use crate::area::Area;
use crate::{App, category, change, clock};

/// A change of a video: `None` leaves a field, `Some(None)` clears it.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) title_ko: Option<String>,
    pub(crate) title_en: Option<String>,
    pub(crate) description_ko: Option<String>,
    pub(crate) description_en: Option<String>,
    pub(crate) video_url: Option<String>,
    pub(crate) video_platform: Option<Platform>,
    pub(crate) thumbnail_url: Option<Option<String>>,
    pub(crate) duration_seconds: Option<Option<i32>>,
    pub(crate) target_age_min: Option<i16>,
    pub(crate) target_age_max: Option<i16>,
    pub(crate) difficulty: Option<Difficulty>,
    pub(crate) play_method_ko: Option<Option<String>>,
    pub(crate) play_method_en: Option<Option<String>>,
    pub(crate) expected_effects_ko: Option<Option<String>>,
    pub(crate) expected_effects_en: Option<Option<String>>,
    pub(crate) materials_needed_ko: Option<Vec<String>>,
    pub(crate) materials_needed_en: Option<Vec<String>>,
    pub(crate) precautions_ko: Option<Option<String>>,
    pub(crate) precautions_en: Option<Option<String>>,
    pub(crate) areas: Option<Vec<Area>>,
    pub(crate) categories: Option<Vec<String>>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) is_published: Option<bool>,
    pub(crate) priority: Option<i16>,
    pub(crate) expected_version: Option<i64>,
}

pub(crate) async fn list(app: &App, caller: &Caller, page: Page, filter: Filter) -> Result<(Vec<Video>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    let videos = store::page(&mut conn, page, &filter).await?;
    let total = store::count(&mut conn, &filter).await?;
    Ok((videos, total))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Video> {
    caller.with_role(Role::Admin)?;
    store::get(&mut *app.pool.acquire().await?, id).await?.ok_or_else(not_found)
}

pub(crate) async fn create(app: &App, caller: &Caller, mut video: Video) -> Result<Video> {
    caller.with_role(Role::Admin)?;
    video.embed_code = check(&video)?;
    let first_published = video.publish();
    let mut tx = app.pool.begin().await?;
    store::insert(&mut tx, &video).await?;
    relate(&mut tx, &video).await?;
    announce(&mut tx, caller, &video, first_published).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(video)
}

pub(crate) async fn update(app: &App, caller: &Caller, id: Uuid, patch: Patch) -> Result<Video> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let mut video = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    Error::unless_version(patch.expected_version, video.version)?;
    let moved = patch.video_url.is_some() || patch.video_platform.is_some();
    patch.apply(&mut video);
    // An address that stays needs no new check: those shipped for demonstration are on no platform.
    if moved {
        video.embed_code = check(&video)?;
        video.url_status = UrlStatus::Unchecked;
        video.url_last_checked_at = None;
        video.url_tried_at = None;
        video.url_failing_since = None;
    } else {
        check_ages(&video)?;
    }
    let first_published = video.publish();
    store::update(&mut tx, &video).await?;
    relate(&mut tx, &video).await?;
    announce(&mut tx, caller, &video, first_published).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(video)
}

async fn announce(conn: &mut PgConnection, caller: &Caller, video: &Video, first_published: bool) -> Result<()> {
    change::announce(conn, caller, "video", video.id, video.version).await?;
    if first_published {
        let event = VideoPublished { video_id: video.id.to_string() };
        let aggregate = Aggregate { kind: "video", id: video.id, seq: video.version };
        publish(conn, aggregate, &event, &caller.into()).await?;
    }
    Ok(())
}

pub(crate) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let video = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    store::delete(&mut tx, id).await?;
    change::announce(&mut tx, caller, "video", id, video.version + 1).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

/// Writes areas, categories and tags of a video in place of the earlier ones.
pub(crate) async fn relate(conn: &mut PgConnection, video: &Video) -> Result<()> {
    let known = category::store::ids(conn, &video.categories).await?;
    let mut fields = Fields::new();
    for (index, slug) in video.categories.iter().enumerate() {
        let found = known.iter().any(|(_, known)| known == slug);
        fields.check(found, &format!("categories[{index}]"), "unknown_category");
    }
    fields.finish()?;
    let categories: Vec<Uuid> = known.into_iter().map(|(id, _)| id).collect();
    store::replace_areas(conn, video.id, &video.areas).await?;
    store::replace_categories(conn, video.id, &categories).await?;
    store::replace_tags(conn, video.id, &video.tags).await?;
    Ok(())
}

/// Checks ages and address; answers the embed code.
fn check(video: &Video) -> Result<Option<String>> {
    let mut fields = Fields::new();
    ages(&mut fields, video);
    fields.check(video.video_platform != Platform::KakaoTv, "video_platform", "platform_closed");
    let code = embed_code(video.video_platform, &video.video_url).unwrap_or_else(|error| {
        fields.violate(
            "video_url",
            match error {
                AddressError::NotHttps => "not_https",
                AddressError::WrongHost => "not_of_the_platform",
                AddressError::NoVideoId => "no_video_id",
            },
        );
        None
    });
    fields.finish()?;
    Ok(code)
}

fn check_ages(video: &Video) -> Result<()> {
    let mut fields = Fields::new();
    ages(&mut fields, video);
    fields.finish()
}

fn ages(fields: &mut Fields, video: &Video) {
    fields.check(video.target_age_min <= video.target_age_max, "target_age_max", "before_start");
}

impl Video {
    /// The first publication is remembered. Says whether this is it.
    fn publish(&mut self) -> bool {
        let first = self.is_published && self.published_at.is_none();
        if first {
            self.published_at = Some(clock::now());
        }
        first
    }

    /// What a search looks through.
    pub(crate) fn search_text(&self) -> String {
        let texts = [&self.title_ko, &self.title_en, &self.description_ko, &self.description_en];
        let words: Vec<&str> = texts.into_iter().chain(&self.tags).map(String::as_str).collect();
        words.join("\n").to_lowercase()
    }
}

impl Patch {
    fn apply(self, video: &mut Video) {
        set(&mut video.title_ko, self.title_ko);
        set(&mut video.title_en, self.title_en);
        set(&mut video.description_ko, self.description_ko);
        set(&mut video.description_en, self.description_en);
        set(&mut video.video_url, self.video_url);
        set(&mut video.video_platform, self.video_platform);
        set(&mut video.thumbnail_url, self.thumbnail_url);
        set(&mut video.duration_seconds, self.duration_seconds);
        set(&mut video.target_age_min, self.target_age_min);
        set(&mut video.target_age_max, self.target_age_max);
        set(&mut video.difficulty, self.difficulty);
        set(&mut video.play_method_ko, self.play_method_ko);
        set(&mut video.play_method_en, self.play_method_en);
        set(&mut video.expected_effects_ko, self.expected_effects_ko);
        set(&mut video.expected_effects_en, self.expected_effects_en);
        set(&mut video.materials_needed_ko, self.materials_needed_ko);
        set(&mut video.materials_needed_en, self.materials_needed_en);
        set(&mut video.precautions_ko, self.precautions_ko);
        set(&mut video.precautions_en, self.precautions_en);
        set(&mut video.areas, self.areas);
        set(&mut video.categories, self.categories);
        set(&mut video.tags, self.tags);
        set(&mut video.is_published, self.is_published);
        set(&mut video.priority, self.priority);
        video.updated_at = clock::now();
        video.version += 1;
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
