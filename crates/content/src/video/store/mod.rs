//! SQL of videos.

pub(crate) mod interaction;
pub(crate) mod link;
pub(crate) mod recommendation;

use aipoten_kit::Page;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Filter, Video};
use crate::area::Area;

/// The columns of a [`Video`], for `FROM videos v`: written once, as the lists are put together at run time.
const COLUMNS: &str = "v.id, v.title_ko, v.title_en, v.description_ko, v.description_en, v.video_url, v.video_platform, \
     v.embed_code, v.thumbnail_url, v.duration_seconds, v.target_age_min, v.target_age_max, v.difficulty, \
     v.play_method_ko, v.play_method_en, v.expected_effects_ko, v.expected_effects_en, v.materials_needed_ko, \
     v.materials_needed_en, v.precautions_ko, v.precautions_en, v.is_published, v.priority, v.view_count, \
     v.bookmark_count, v.completion_count, v.published_at, v.url_last_checked_at, v.url_tried_at, \
     v.url_failing_since, v.url_status, v.created_at, v.updated_at, v.version, \
     ARRAY(SELECT area FROM video_development_areas WHERE video_id = v.id ORDER BY area) AS areas, \
     ARRAY(SELECT slug FROM video_category_mapping JOIN video_categories c ON c.id = category_id \
           WHERE video_id = v.id ORDER BY c.order_index, slug) AS categories, \
     ARRAY(SELECT tag FROM video_tags WHERE video_id = v.id ORDER BY tag) AS tags";

fn select(columns: &str) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(columns).push(COLUMNS).push(" FROM videos v");
    query
}

fn push_page(query: &mut QueryBuilder<Postgres>, page: Page) {
    query.push(" LIMIT ").push_bind(page.rows()).push(" OFFSET ").push_bind(page.offset());
}

pub(crate) async fn page(conn: &mut PgConnection, page: Page, filter: &Filter) -> sqlx::Result<Vec<Video>> {
    let mut query = select("");
    push_filter(&mut query, filter);
    query.push(" ORDER BY ").push(filter.order_by);
    push_page(&mut query, page);
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn count(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM videos v");
    push_filter(&mut query, filter);
    query.push(" LIMIT ").push_bind(Page::counted()).push(") counted");
    query.build_query_scalar().fetch_one(conn).await
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    query.push(" WHERE true");
    match filter.is_published {
        // As a literal, so that the indexes over published videos serve.
        Some(true) => query.push(" AND v.is_published"),
        Some(false) => query.push(" AND NOT v.is_published"),
        None => query,
    };
    if let Some(url_status) = filter.url_status {
        query.push(" AND v.url_status = ").push_bind(url_status);
    }
    if let Some(age) = filter.age {
        query.push(" AND v.target_age_min <= ").push_bind(age).push(" AND v.target_age_max >= ").push_bind(age);
    }
    if let Some(area) = filter.area {
        let among = " AND EXISTS (SELECT FROM video_development_areas a WHERE a.video_id = v.id AND a.area = ";
        query.push(among).push_bind(area).push(")");
    }
    if let Some(slug) = &filter.category {
        let among = " AND EXISTS (SELECT FROM video_category_mapping m JOIN video_categories c ON c.id = m.category_id \
                     WHERE m.video_id = v.id AND c.is_active AND c.slug = ";
        query.push(among).push_bind(slug.clone()).push(")");
    }
    if let Some(tag) = &filter.tag {
        let among = " AND EXISTS (SELECT FROM video_tags t WHERE t.video_id = v.id AND t.tag = ";
        query.push(among).push_bind(tag.clone()).push(")");
    }
    if let Some(difficulty) = filter.difficulty {
        query.push(" AND v.difficulty = ").push_bind(difficulty);
    }
    if let Some(platform) = filter.platform {
        query.push(" AND v.video_platform = ").push_bind(platform);
    }
    if let Some(text) = &filter.text {
        query.push(" AND v.search_text LIKE ").push_bind(contains(text));
    }
}

/// The pattern of texts that contain this one; nothing in it is a wildcard.
fn contains(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Video>> {
    let mut query = select("");
    query.push(" WHERE v.id = ").push_bind(id);
    query.build_query_as().fetch_optional(conn).await
}

pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Video>> {
    let mut query = select("");
    query.push(" WHERE v.id = ").push_bind(id).push(" FOR UPDATE OF v");
    query.build_query_as().fetch_optional(conn).await
}

pub(crate) async fn insert(conn: &mut PgConnection, video: &Video) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO videos (id, title_ko, title_en, description_ko, description_en, video_url, video_platform, embed_code,
             thumbnail_url, duration_seconds, target_age_min, target_age_max, difficulty, play_method_ko, play_method_en,
             expected_effects_ko, expected_effects_en, materials_needed_ko, materials_needed_en, precautions_ko,
             precautions_en, is_published, priority, published_at, url_status, search_text, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
             $24, $25, $26, $27, $27)",
        video.id,
        video.title_ko,
        video.title_en,
        video.description_ko,
        video.description_en,
        video.video_url,
        video.video_platform as _,
        video.embed_code,
        video.thumbnail_url,
        video.duration_seconds,
        video.target_age_min,
        video.target_age_max,
        video.difficulty as _,
        video.play_method_ko,
        video.play_method_en,
        video.expected_effects_ko,
        video.expected_effects_en,
        &video.materials_needed_ko,
        &video.materials_needed_en,
        video.precautions_ko,
        video.precautions_en,
        video.is_published,
        video.priority,
        video.published_at,
        video.url_status as _,
        video.search_text(),
        video.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn update(conn: &mut PgConnection, video: &Video) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE videos
         SET title_ko = $2, title_en = $3, description_ko = $4, description_en = $5, video_url = $6, video_platform = $7,
             embed_code = $8, thumbnail_url = $9, duration_seconds = $10, target_age_min = $11, target_age_max = $12,
             difficulty = $13, play_method_ko = $14, play_method_en = $15, expected_effects_ko = $16,
             expected_effects_en = $17, materials_needed_ko = $18, materials_needed_en = $19, precautions_ko = $20,
             precautions_en = $21, is_published = $22, priority = $23, published_at = $24, url_status = $25,
             url_last_checked_at = $26, search_text = $27, updated_at = $28, version = $29, url_tried_at = $30,
             url_failing_since = $31
         WHERE id = $1",
        video.id,
        video.title_ko,
        video.title_en,
        video.description_ko,
        video.description_en,
        video.video_url,
        video.video_platform as _,
        video.embed_code,
        video.thumbnail_url,
        video.duration_seconds,
        video.target_age_min,
        video.target_age_max,
        video.difficulty as _,
        video.play_method_ko,
        video.play_method_en,
        video.expected_effects_ko,
        video.expected_effects_en,
        &video.materials_needed_ko,
        &video.materials_needed_en,
        video.precautions_ko,
        video.precautions_en,
        video.is_published,
        video.priority,
        video.published_at,
        video.url_status as _,
        video.url_last_checked_at,
        video.search_text(),
        video.updated_at,
        video.version,
        video.url_tried_at,
        video.url_failing_since,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("DELETE FROM videos WHERE id = $1", id).execute(conn).await?;
    Ok(deleted.rows_affected() == 1)
}

pub(crate) async fn replace_areas(conn: &mut PgConnection, video_id: Uuid, areas: &[Area]) -> sqlx::Result<()> {
    let areas: Vec<String> = areas.iter().map(|area| area.code().to_owned()).collect();
    sqlx::query!("DELETE FROM video_development_areas WHERE video_id = $1", video_id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO video_development_areas (video_id, area) SELECT $1, area FROM unnest($2::text[]) AS given (area)",
        video_id,
        &areas,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn replace_categories(
    conn: &mut PgConnection,
    video_id: Uuid,
    categories: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM video_category_mapping WHERE video_id = $1", video_id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO video_category_mapping (video_id, category_id)
         SELECT $1, category_id FROM unnest($2::uuid[]) AS given (category_id)",
        video_id,
        categories,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn replace_tags(conn: &mut PgConnection, video_id: Uuid, tags: &[String]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM video_tags WHERE video_id = $1", video_id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO video_tags (video_id, tag) SELECT $1, tag FROM unnest($2::text[]) AS given (tag)",
        video_id,
        tags,
    )
    .execute(conn)
    .await?;
    Ok(())
}
