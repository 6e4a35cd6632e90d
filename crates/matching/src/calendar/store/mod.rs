//! SQL of working hours and of what takes time.

pub(super) mod blocked_date;
pub(super) mod feed;
pub(super) mod hours;

use std::ops::Bound;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use uuid::Uuid;

use super::slot::{Hours, Span};

/// How a therapist takes bookings, and what time it is.
pub(super) struct Practice {
    pub(super) session_minutes: i16,
    pub(super) buffer_minutes: i16,
    pub(super) travel_minutes: i16,
    pub(super) min_notice_hours: i16,
    pub(super) horizon_days: i16,
    pub(super) daily_limit: i16,
    pub(super) works_on_holidays: bool,
    pub(super) kinds: Vec<String>,
    /// Whether people can find and book the therapist.
    pub(super) listed: bool,
    pub(super) now: DateTime<Utc>,
}

/// Days and hours that are worked, and holidays.
#[derive(Default)]
pub(super) struct Work {
    pub(super) weekly: Vec<(i16, Hours)>,
    pub(super) extra: Vec<(NaiveDate, Hours)>,
    pub(super) holidays: Vec<NaiveDate>,
}

/// What takes the time of a therapist and a child.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) occupied: Vec<Span>,
    pub(super) booked: Vec<DateTime<Utc>>,
    pub(super) child: Vec<Span>,
}

pub(super) async fn practice(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Option<Practice>> {
    sqlx::query_as!(
        Practice,
        r#"SELECT session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days, daily_limit,
                  works_on_holidays, consultation_kinds AS kinds,
                  coalesce(approval_status = 'approved'
                      AND licence_valid_until >= (now() AT TIME ZONE 'Asia/Seoul')::date, false) AS "listed!",
                  now() AS "now!"
           FROM therapist_profiles WHERE id = $1"#,
        therapist_id,
    )
    .fetch_optional(conn)
    .await
}

/// In one question: a row has a day of the week, or a date with hours (extra), or a date alone (holiday).
pub(super) async fn work(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> sqlx::Result<Work> {
    let rows = sqlx::query!(
        "SELECT day_of_week, NULL::date AS date, start_minute, end_minute
         FROM therapist_availability WHERE therapist_id = $1
         UNION ALL
         SELECT NULL, date, start_minute, end_minute
         FROM therapist_blocked_dates WHERE therapist_id = $1 AND kind = 'extra' AND date BETWEEN $2 AND $3
         UNION ALL
         SELECT NULL, date, NULL, NULL FROM public_holidays WHERE date BETWEEN $2 AND $3",
        therapist_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    let mut work = Work::default();
    for row in rows {
        let hours = Hours::of(row.start_minute, row.end_minute);
        match (row.day_of_week, row.date, hours) {
            (Some(day), _, Some(hours)) => work.weekly.push((day, hours)),
            (_, Some(date), Some(hours)) => work.extra.push((date, hours)),
            (_, Some(date), None) => work.holidays.push(date),
            _ => {}
        }
    }
    Ok(work)
}

/// What is live in this time.
pub(super) async fn taken(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    child_id: Option<Uuid>,
    time: Span,
) -> sqlx::Result<Taken> {
    let rows = sqlx::query!(
        r#"SELECT occupied AS "span!", lower(session) AS begins_at, false AS "of_child!"
           FROM calendar_entries
           WHERE therapist_id = $1 AND occupied && $3 AND (hold_until IS NULL OR hold_until > now())
           UNION ALL
           SELECT session, NULL, true
           FROM calendar_entries
           WHERE child_id = $2 AND session && $3 AND (hold_until IS NULL OR hold_until > now())"#,
        therapist_id,
        child_id,
        PgRange::from(time.from..time.to),
    )
    .fetch_all(conn)
    .await?;
    let mut taken = Taken::default();
    for row in rows {
        let span = span(&row.span);
        if row.of_child { &mut taken.child } else { &mut taken.occupied }.push(span);
        taken.booked.extend(row.begins_at);
    }
    Ok(taken)
}

/// Every range of the calendar has both ends, the first of them part of it.
fn span(range: &PgRange<DateTime<Utc>>) -> Span {
    let end = |bound, open| match bound {
        Bound::Included(moment) | Bound::Excluded(moment) => moment,
        Bound::Unbounded => open,
    };
    Span { from: end(range.start, DateTime::<Utc>::MIN_UTC), to: end(range.end, DateTime::<Utc>::MAX_UTC) }
}
