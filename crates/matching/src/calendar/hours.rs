//! Weekly hours, written as a whole.

use aipoten_kit::{Caller, Error, Result, Role};

use super::slot::Hours;
use super::store::hours as store;
use crate::App;

/// When a therapist works.
#[derive(Debug)]
pub(super) struct Availability {
    /// With the day of the week, by day and begin.
    pub(super) weekly: Vec<(i16, Hours)>,
    pub(super) works_on_holidays: bool,
    pub(super) version: i64,
}

/// The caller's weekly hours as they shall be.
#[derive(Debug)]
pub(super) struct NewAvailability {
    pub(super) weekly: Vec<(i16, Hours)>,
    pub(super) works_on_holidays: bool,
    pub(super) expected_version: Option<i64>,
}

pub(super) async fn get(app: &App, caller: &Caller) -> Result<Availability> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut conn = app.pool.acquire().await?;
    // The version first: it may be older than the hours read after it, and then a change based on it is refused.
    let (works_on_holidays, version) = store::get(&mut conn, therapist.id).await?.ok_or_else(not_found)?;
    let weekly = store::weekly(&mut conn, therapist.id).await?;
    Ok(Availability { weekly, works_on_holidays, version })
}

pub(super) async fn put(app: &App, caller: &Caller, new: NewAvailability) -> Result<Availability> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    let version = store::lock(&mut tx, therapist.id).await?.ok_or_else(not_found)?;
    Error::unless_version(new.expected_version, version)?;
    store::replace_weekly(&mut tx, therapist.id, &new.weekly).await?;
    store::update(&mut tx, therapist.id, new.works_on_holidays, version + 1).await?;
    tx.commit().await?;
    let mut weekly = new.weekly;
    weekly.sort_unstable_by_key(|(day, hours)| (*day, hours.start_minute));
    Ok(Availability { weekly, works_on_holidays: new.works_on_holidays, version: version + 1 })
}

fn not_found() -> Error {
    Error::NotFound("therapist")
}
