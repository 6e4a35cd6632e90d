//! Times taken out of the weekly hours or added to them.

use aipoten_kit::{Caller, Error, Page, Result, Role};
use chrono::NaiveDate;
use chrono_tz::Asia::Seoul;
use sqlx::PgConnection;
use uuid::Uuid;

use super::booking;
use super::slot::{Hours, MIDNIGHT, Span, moment};
use super::store::{self as calendar, blocked_date as store};
use crate::{App, clock, consultation};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum BlockedDateKind {
    #[default]
    Blocked,
    Extra,
}

#[derive(Debug)]
pub(super) struct BlockedDate {
    pub(super) id: Uuid,
    pub(super) date: NaiveDate,
    /// `None`: the whole day.
    pub(super) hours: Option<Hours>,
    pub(super) kind: BlockedDateKind,
    pub(super) reason: Option<String>,
}

/// Those that are not over.
pub(super) async fn list(app: &App, caller: &Caller, page: Page) -> Result<(Vec<BlockedDate>, i64)> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut conn = app.pool.acquire().await?;
    let dates = store::page(&mut conn, therapist.id, clock::today(), page).await?;
    let total = store::count(&mut conn, therapist.id, clock::today()).await?;
    Ok((dates, total))
}

pub(super) async fn create(app: &App, caller: &Caller, new: BlockedDate) -> Result<BlockedDate> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    booking::lock(&mut tx, therapist.id, None).await?;
    if calendar::practice(&mut tx, therapist.id).await?.is_none() {
        return Err(Error::NotFound("therapist"));
    }
    if store::overlaps(&mut tx, therapist.id, &new).await? {
        return Err(Error::AlreadyExists("TIME_OVERLAPS".into()));
    }
    store::insert(&mut tx, therapist.id, &new).await?;
    if new.kind == BlockedDateKind::Blocked {
        take_off(&mut tx, therapist.id, &new).await?;
    }
    tx.commit().await?;
    Ok(new)
}

/// A blocked time stands in the calendar itself, so that no booking can be made into it.
async fn take_off(conn: &mut PgConnection, therapist_id: Uuid, blocked: &BlockedDate) -> Result<()> {
    let (time, id) = (blocked.span(), blocked.id);
    if store::take_off(conn, therapist_id, id, time).await? {
        return Ok(());
    }
    Err(consultation::slot_taken(&store::booked_in(conn, therapist_id, time).await?, &[]))
}

/// What it took of the calendar goes with it.
pub(super) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    booking::lock(&mut tx, therapist.id, None).await?;
    if !store::delete(&mut tx, therapist.id, id).await? {
        return Err(Error::NotFound("blocked_date"));
    }
    tx.commit().await?;
    Ok(())
}

impl BlockedDate {
    /// Its hours, or those of the whole day.
    pub(super) fn whole_hours(&self) -> Hours {
        self.hours.unwrap_or(Hours { start_minute: 0, end_minute: MIDNIGHT })
    }

    fn span(&self) -> Span {
        let hours = self.whole_hours();
        Span { from: moment(Seoul, self.date, hours.start_minute), to: moment(Seoul, self.date, hours.end_minute) }
    }
}
