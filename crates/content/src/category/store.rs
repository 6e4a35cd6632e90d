//! SQL of categories.

use aipoten_kit::{Error, Page, Result};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Category;

const SELECT: &str = "SELECT c.id, c.slug, c.name_ko, c.name_en, c.description_ko, c.description_en, c.order_index, \
     c.is_active, (SELECT count(*) FROM video_category_mapping m JOIN videos v ON v.id = m.video_id \
                   WHERE m.category_id = c.id AND v.is_published) AS video_count, \
     c.created_at, c.updated_at, c.version FROM video_categories c";

/// All of them: shelves are few.
pub(crate) async fn active(conn: &mut PgConnection) -> sqlx::Result<Vec<Category>> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push(" WHERE c.is_active ORDER BY c.order_index, c.slug LIMIT 500");
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn active_by_slug(conn: &mut PgConnection, slug: &str) -> sqlx::Result<Option<Category>> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push(" WHERE c.is_active AND c.slug = ").push_bind(slug);
    query.build_query_as().fetch_optional(conn).await
}

pub(crate) async fn page(conn: &mut PgConnection, page: Page, order_by: &'static str) -> sqlx::Result<Vec<Category>> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push(" ORDER BY ").push(order_by);
    query.push(" LIMIT ").push_bind(page.rows()).push(" OFFSET ").push_bind(page.offset());
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (SELECT FROM video_categories LIMIT $1) AS counted"#,
        Page::counted()
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Category>> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push(" WHERE c.id = ").push_bind(id);
    query.build_query_as().fetch_optional(conn).await
}

pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Category>> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push(" WHERE c.id = ").push_bind(id).push(" FOR UPDATE OF c");
    query.build_query_as().fetch_optional(conn).await
}

/// The categories with these slugs, as far as there are any.
pub(crate) async fn ids(conn: &mut PgConnection, slugs: &[String]) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows =
        sqlx::query!("SELECT id, slug FROM video_categories WHERE slug = ANY ($1)", slugs).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.slug)).collect())
}

pub(crate) async fn insert(conn: &mut PgConnection, category: &Category) -> Result<()> {
    let inserted = sqlx::query!(
        "INSERT INTO video_categories (id, slug, name_ko, name_en, description_ko, description_en, order_index, is_active,
             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        category.id,
        category.slug,
        category.name_ko,
        category.name_en,
        category.description_ko,
        category.description_en,
        category.order_index,
        category.is_active,
        category.created_at,
    );
    inserted.execute(conn).await.map_err(slug_taken)?;
    Ok(())
}

pub(crate) async fn update(conn: &mut PgConnection, category: &Category) -> Result<()> {
    let updated = sqlx::query!(
        "UPDATE video_categories
         SET slug = $2, name_ko = $3, name_en = $4, description_ko = $5, description_en = $6, order_index = $7,
             is_active = $8, updated_at = $9, version = $10
         WHERE id = $1",
        category.id,
        category.slug,
        category.name_ko,
        category.name_en,
        category.description_ko,
        category.description_en,
        category.order_index,
        category.is_active,
        category.updated_at,
        category.version,
    );
    updated.execute(conn).await.map_err(slug_taken)?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("DELETE FROM video_categories WHERE id = $1", id).execute(conn).await?;
    Ok(deleted.rows_affected() == 1)
}

fn slug_taken(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("video_categories_slug") => Error::AlreadyExists("SLUG_TAKEN".into()),
        _ => error.into(),
    }
}
