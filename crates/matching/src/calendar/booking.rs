//! Taking and giving back time. Every write to the calendar goes through here: first the advisory locks of therapist, then
//! child, then the rows, so that no two bookings wait for each other crosswise; the exclusion constraints have the last word.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use uuid::Uuid;

use crate::kind::Kind;

/// Whose time is taken, and what each session takes of it besides itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Diary {
    pub(crate) therapist_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) session_minutes: i16,
    pub(crate) buffer_minutes: i16,
    pub(crate) travel_minutes: i16,
}

/// A session and when it shall begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Booking {
    pub(crate) consultation_id: Uuid,
    pub(crate) starts_at: DateTime<Utc>,
}

/// How long a session takes, and what it needs around itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    session: TimeDelta,
    before: TimeDelta,
    after: TimeDelta,
}

impl Visit {
    /// The session, the buffer after it, and for home visits the way there and back.
    pub(crate) fn new(kind: Kind, session_minutes: i16, buffer_minutes: i16, travel_minutes: i16) -> Self {
        let minutes = |minutes: i16| TimeDelta::minutes(minutes.into());
        let travel = if kind == Kind::HomeVisit { minutes(travel_minutes) } else { TimeDelta::zero() };
        Self { session: minutes(session_minutes), before: travel, after: minutes(buffer_minutes) + travel }
    }

    pub(crate) fn ends_at(&self, starts_at: DateTime<Utc>) -> DateTime<Utc> {
        starts_at + self.session
    }

    pub(crate) fn occupied(&self, starts_at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        (starts_at - self.before, self.ends_at(starts_at) + self.after)
    }
}

impl Diary {
    pub(crate) fn visit(&self) -> Visit {
        Visit::new(self.kind, self.session_minutes, self.buffer_minutes, self.travel_minutes)
    }

    pub(crate) fn ends_at(&self, starts_at: DateTime<Utc>) -> DateTime<Utc> {
        self.visit().ends_at(starts_at)
    }

    /// The time that a session takes out of the therapist's day.
    pub(crate) fn occupied(&self, starts_at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        self.visit().occupied(starts_at)
    }
}

/// Nobody else books for this therapist or child before the transaction ends. Holds that have run out are gone after it, and are
/// taken in one order by all: two of them may be the child's and the therapist's to one, the other way round to another.
pub(crate) async fn lock(conn: &mut PgConnection, therapist_id: Uuid, child_id: Option<Uuid>) -> sqlx::Result<()> {
    for (name, id) in [("therapist", Some(therapist_id)), ("child", child_id)] {
        if let Some(id) = id {
            sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", format!("{name}/{id}"))
                .execute(&mut *conn)
                .await?;
        }
    }
    sqlx::query!(
        "DELETE FROM calendar_entries WHERE id IN (
             SELECT id FROM calendar_entries
             WHERE kind = 'hold' AND hold_until <= now() AND (therapist_id = $1 OR child_id = $2)
             ORDER BY id FOR UPDATE)",
        therapist_id,
        child_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds the times until then, under [`lock`], and says which are taken: then the transaction has to be given up.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    diary: &Diary,
    bookings: &[Booking],
    until: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    let mut taken = Vec::new();
    for booking in bookings {
        if !insert(conn, diary, *booking, until).await? {
            taken.push(booking.starts_at);
        }
    }
    Ok(taken)
}

/// Takes the time of one session if it is free, under [`lock`].
pub(crate) async fn try_take(conn: &mut PgConnection, diary: &Diary, booking: Booking) -> sqlx::Result<bool> {
    insert(conn, diary, booking, None).await
}

async fn insert(
    conn: &mut PgConnection,
    diary: &Diary,
    booking: Booking,
    hold_until: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let (from, to) = diary.occupied(booking.starts_at);
    let inserted = sqlx::query!(
        "INSERT INTO calendar_entries (id, therapist_id, child_id, occupied, session, kind, consultation_id, hold_until)
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $7::timestamptz IS NULL THEN 'session' ELSE 'hold' END, $6, $7)
         ON CONFLICT DO NOTHING",
        Uuid::now_v7(),
        diary.therapist_id,
        diary.child_id,
        PgRange::from(from..to),
        PgRange::from(booking.starts_at..diary.ends_at(booking.starts_at)),
        booking.consultation_id,
        hold_until,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Gives the times of sessions back.
pub(crate) async fn release(conn: &mut PgConnection, consultation_ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM calendar_entries WHERE consultation_id = ANY ($1)", consultation_ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Held times that are still held stay so until then.
pub(crate) async fn extend(
    conn: &mut PgConnection,
    consultation_ids: &[Uuid],
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE calendar_entries SET hold_until = $2 WHERE consultation_id = ANY ($1) AND kind = 'hold' AND hold_until > now()",
        consultation_ids,
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes sessions of the holds that are left, under [`lock`], and says of which.
pub(crate) async fn confirm(conn: &mut PgConnection, consultation_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"UPDATE calendar_entries SET kind = 'session', hold_until = NULL
           WHERE consultation_id = ANY ($1) RETURNING consultation_id AS "id!""#,
        consultation_ids,
    )
    .fetch_all(conn)
    .await
}
