//! SQL of categories.

use aipoten_kit::{Error, Page, Result};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Category;

/// All of them: shelves are few.
pub(crate) async fn active(conn: &mut PgConnection) -> sqlx::Result<Vec<Category>> {
    sqlx::query_as!(
        Category,
        "SELECT id, slug, name_ko, name_en, description_ko, description_en, order_index, is_active, created_at,
                updated_at, version
         FROM video_categories WHERE is_active ORDER BY order_index, slug LIMIT 500",
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn active_by_slug(conn: &mut PgConnection, slug: &str) -> sqlx::Result<Option<Category>> {
    sqlx::query_as!(
        Category,
        "SELECT id, slug, name_ko, name_en, description_ko, description_en, order_index, is_active, created_at,
                updated_at, version
         FROM video_categories WHERE is_active AND slug = $1",
        slug,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn page(conn: &mut PgConnection, page: Page, order_by: &'static str) -> sqlx::Result<Vec<Category>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM video_categories");
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
    sqlx::query_as!(
        Category,
        "SELECT id, slug, name_ko, name_en, description_ko, description_en, order_index, is_active, created_at,
                updated_at, version
         FROM video_categories WHERE id = $1",
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Category>> {
    sqlx::query_as!(
        Category,
        "SELECT id, slug, name_ko, name_en, description_ko, description_en, order_index, is_active, created_at,
                updated_at, version
         FROM video_categories WHERE id = $1 FOR UPDATE",
        id,
    )
    .fetch_optional(conn)
    .await
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
