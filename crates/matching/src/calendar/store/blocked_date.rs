//! SQL of blocked and extra times.

use aipoten_kit::Page;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use uuid::Uuid;

use crate::calendar::blocked_date::{BlockedDate, BlockedDateKind};
use crate::calendar::slot::{Hours, Span};

pub(in crate::calendar) async fn page(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    from: NaiveDate,
    page: Page,
) -> sqlx::Result<Vec<BlockedDate>> {
    let rows = sqlx::query!(
        r#"SELECT id, date, start_minute, end_minute, kind AS "kind: BlockedDateKind", reason
           FROM therapist_blocked_dates WHERE therapist_id = $1 AND date >= $2
           ORDER BY date, start_minute NULLS FIRST, id LIMIT $3 OFFSET $4"#,
        therapist_id,
        from,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BlockedDate {
            id: row.id,
            date: row.date,
            hours: Hours::of(row.start_minute, row.end_minute),
            kind: row.kind,
            reason: row.reason,
        })
        .collect())
}

pub(in crate::calendar) async fn count(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    from: NaiveDate,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM
           (SELECT FROM therapist_blocked_dates WHERE therapist_id = $1 AND date >= $2 LIMIT $3) AS counted"#,
        therapist_id,
        from,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// Whether the therapist has one of the same kind at that time.
pub(in crate::calendar) async fn overlaps(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    new: &BlockedDate,
) -> sqlx::Result<bool> {
    let hours = new.whole_hours();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM therapist_blocked_dates
               WHERE therapist_id = $1 AND date = $2 AND kind = $3
                 AND coalesce(start_minute, 0::smallint) < $5 AND coalesce(end_minute, 1440::smallint) > $4) AS "exists!""#,
        therapist_id,
        new.date,
        new.kind as BlockedDateKind,
        hours.start_minute,
        hours.end_minute,
    )
    .fetch_one(conn)
    .await
}

pub(in crate::calendar) async fn insert(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    new: &BlockedDate,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO therapist_blocked_dates (id, therapist_id, date, start_minute, end_minute, kind, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.id,
        therapist_id,
        new.date,
        new.hours.map(|hours| hours.start_minute),
        new.hours.map(|hours| hours.end_minute),
        new.kind as BlockedDateKind,
        new.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the time in the calendar, unless something else has.
pub(in crate::calendar) async fn take_off(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    blocked_date_id: Uuid,
    time: Span,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "INSERT INTO calendar_entries (id, therapist_id, occupied, kind, blocked_date_id)
         VALUES ($1, $2, $3, 'time_off', $4) ON CONFLICT DO NOTHING",
        Uuid::now_v7(),
        therapist_id,
        PgRange::from(time.from..time.to),
        blocked_date_id,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The begins of sessions and holds that have something of this time.
pub(in crate::calendar) async fn booked_in(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    time: Span,
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"SELECT lower(session) AS "begins_at!" FROM calendar_entries
           WHERE therapist_id = $1 AND occupied && $2 AND session IS NOT NULL ORDER BY 1"#,
        therapist_id,
        PgRange::from(time.from..time.to),
    )
    .fetch_all(conn)
    .await
}

pub(in crate::calendar) async fn delete(conn: &mut PgConnection, therapist_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let deleted =
        sqlx::query!("DELETE FROM therapist_blocked_dates WHERE id = $1 AND therapist_id = $2", id, therapist_id)
            .execute(conn)
            .await?;
    Ok(deleted.rows_affected() == 1)
}
