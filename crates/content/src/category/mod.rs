//! The shelves that play videos stand on.

pub(crate) mod grpc;
pub(crate) mod store;

use aipoten_kit::{Caller, Error, Page, Result, Role};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{App, change, clock};

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Category {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name_ko: String,
    pub(crate) name_en: String,
    pub(crate) description_ko: Option<String>,
    pub(crate) description_en: Option<String>,
    pub(crate) order_index: i16,
    pub(crate) is_active: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// A change of a category: `None` leaves a field, `Some(None)` clears it.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) slug: Option<String>,
    pub(crate) name_ko: Option<String>,
    pub(crate) name_en: Option<String>,
    pub(crate) description_ko: Option<Option<String>>,
    pub(crate) description_en: Option<Option<String>>,
    pub(crate) order_index: Option<i16>,
    pub(crate) is_active: Option<bool>,
    pub(crate) expected_version: Option<i64>,
}

/// The active categories, for everyone.
pub(crate) async fn list(app: &App) -> Result<Vec<Category>> {
    Ok(store::active(&mut *app.pool.acquire().await?).await?)
}

/// An active category, for everyone.
pub(crate) async fn get(app: &App, slug: &str) -> Result<Category> {
    store::active_by_slug(&mut *app.pool.acquire().await?, slug).await?.ok_or_else(not_found)
}

pub(crate) async fn list_all(
    app: &App,
    caller: &Caller,
    page: Page,
    order_by: &'static str,
) -> Result<(Vec<Category>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    let categories = store::page(&mut conn, page, order_by).await?;
    let total = store::count(&mut conn).await?;
    Ok((categories, total))
}

pub(crate) async fn get_any(app: &App, caller: &Caller, id: Uuid) -> Result<Category> {
    caller.with_role(Role::Admin)?;
    store::get(&mut *app.pool.acquire().await?, id).await?.ok_or_else(not_found)
}

pub(crate) async fn create(app: &App, caller: &Caller, category: Category) -> Result<Category> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    store::insert(&mut tx, &category).await?;
    change::announce(&mut tx, caller, "category", category.id, category.version).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(category)
}

pub(crate) async fn update(app: &App, caller: &Caller, id: Uuid, patch: Patch) -> Result<Category> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let mut category = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    Error::unless_version(patch.expected_version, category.version)?;
    patch.apply(&mut category);
    store::update(&mut tx, &category).await?;
    change::announce(&mut tx, caller, "category", category.id, category.version).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(category)
}

pub(crate) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let category = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    store::delete(&mut tx, id).await?;
    change::announce(&mut tx, caller, "category", id, category.version + 1).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

impl Patch {
    fn apply(self, category: &mut Category) {
        set(&mut category.slug, self.slug);
        set(&mut category.name_ko, self.name_ko);
        set(&mut category.name_en, self.name_en);
        set(&mut category.description_ko, self.description_ko);
        set(&mut category.description_en, self.description_en);
        set(&mut category.order_index, self.order_index);
        set(&mut category.is_active, self.is_active);
        category.updated_at = clock::now();
        category.version += 1;
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn not_found() -> Error {
    Error::NotFound("category")
}
