//! Reminders of a session, for both sides: a day and an hour before. They follow its newest version.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{New, To, store};
use crate::clock;
use crate::template::Variables;

const REMINDERS: [(&str, TimeDelta); 2] =
    [("reminder_day", TimeDelta::hours(24)), ("reminder_hour", TimeDelta::hours(1))];

/// A version of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) seq: i64,
    pub(crate) people: [Uuid; 2],
}

/// The session begins then. False when a newer version was heard of before: it has no effect.
pub(crate) async fn begins(conn: &mut PgConnection, session: Session, starts_at: DateTime<Utc>) -> sqlx::Result<bool> {
    if !replace(conn, session.id, session.seq, Some(starts_at)).await? {
        return Ok(false);
    }
    let now = clock::now();
    for (template, before) in REMINDERS.into_iter().filter(|(_, before)| starts_at - *before > now) {
        for user_id in session.people {
            let new = New {
                to: To::User(user_id),
                template,
                variables: variables(session.id, starts_at),
                subject_id: Some(session.id),
                due_at: starts_at - before,
                dedupe_key: format!("{template}:{}:{}:{user_id}", session.id, session.seq),
            };
            store::insert(conn, &new).await?;
        }
    }
    Ok(true)
}

/// The session has no time any more: nobody is reminded. False as above.
pub(crate) async fn ends(conn: &mut PgConnection, session_id: Uuid, seq: i64) -> sqlx::Result<bool> {
    replace(conn, session_id, seq, None).await
}

/// What was planned for an older version is not told.
async fn replace(
    conn: &mut PgConnection,
    session_id: Uuid,
    seq: i64,
    starts_at: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let newest = store::is_newest(conn, session_id, seq, starts_at).await?;
    if newest {
        store::cancel(conn, session_id).await?;
    }
    Ok(newest)
}

/// Whether the session is today, as far as events have told.
pub(crate) async fn is_today(conn: &mut PgConnection, session_id: Uuid) -> sqlx::Result<bool> {
    let starts_at = store::starts_at(conn, session_id).await?;
    Ok(starts_at.is_some_and(|at| clock::day_of(at) == clock::today()))
}

/// Whether an event has told of another time than this, or of none.
pub(crate) async fn has_moved(
    conn: &mut PgConnection,
    session_id: Uuid,
    starts_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    store::starts_otherwise(conn, session_id, starts_at).await
}

fn variables(session_id: Uuid, starts_at: DateTime<Utc>) -> Variables {
    let variables = [("consultation_id", json!(session_id)), ("starts_at", json!(starts_at))];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
