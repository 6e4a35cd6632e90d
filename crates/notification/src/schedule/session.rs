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
    if !ends(conn, session.id, session.seq).await? {
        return Ok(false);
    }
    let now = clock::now();
    for (template, before) in REMINDERS {
        let due_at = starts_at - before;
        if due_at <= now {
            continue;
        }
        for user_id in session.people {
            let new = New {
                to: To::User(user_id),
                template,
                variables: variables(session.id, starts_at),
                subject_id: Some(session.id),
                due_at,
                dedupe_key: format!("{template}:{}:{}:{user_id}", session.id, session.seq),
            };
            store::insert(conn, &new).await?;
        }
    }
    Ok(true)
}

/// The session has no time any more: nobody is reminded. False as above.
pub(crate) async fn ends(conn: &mut PgConnection, session_id: Uuid, seq: i64) -> sqlx::Result<bool> {
    let newest = store::is_newest(conn, session_id, seq).await?;
    if newest {
        store::cancel(conn, session_id).await?;
    }
    Ok(newest)
}

fn variables(session_id: Uuid, starts_at: DateTime<Utc>) -> Variables {
    let variables = [("consultation_id", json!(session_id)), ("starts_at", json!(starts_at))];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
