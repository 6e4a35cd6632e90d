//! Sessions of orders: what became of each, as matching tells it. Its events come in any order.

pub(crate) mod store;

use aipoten_events::Failure;
use aipoten_kit::Won;
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Outcome {
    Completed,
    NoShow,
    Cancelled,
}

/// A row of `sessions`.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) consultation_id: Uuid,
    pub(crate) package_id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) session_fee: Won,
    pub(crate) platform_fee: Won,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) disputed_at: Option<DateTime<Utc>>,
    pub(crate) refunded_amount: Won,
    pub(crate) cancellation_fee: Won,
}

/// A session that took its time, as matching tells it.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) consultation_id: Uuid,
    pub(crate) outcome: Outcome,
    pub(crate) session_fee: Won,
    pub(crate) platform_fee: Won,
    pub(crate) occurred_at: DateTime<Utc>,
}

/// It was held, or the family did not come.
pub(crate) async fn passed(conn: &mut PgConnection, past: &Past) -> Result<(), Failure> {
    let session = lock(conn, past.consultation_id).await?;
    if (past.session_fee, past.platform_fee) != (session.session_fee, session.platform_fee) {
        let (told, ordered) = (past.session_fee.0, session.session_fee.0);
        return Err(anyhow!("a session of {told} won is told, and {ordered} won were ordered").into());
    }
    if session.becomes(past.outcome)? {
        store::set_outcome(conn, past.consultation_id, past.outcome, past.occurred_at).await?;
    }
    Ok(())
}

/// Its report was handed in. Amended ones change nothing.
pub(crate) async fn reported(conn: &mut PgConnection, id: Uuid, submitted_at: DateTime<Utc>) -> Result<(), Failure> {
    lock(conn, id).await?;
    Ok(store::set_reported(conn, id, submitted_at).await?)
}

/// With its row locked, after that of its payment. Whatever is told of a session has been ordered before.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Session, Failure> {
    store::lock(conn, id).await?.ok_or(Failure::NotYet)
}

impl Session {
    /// Whether that is new; fails where something else became of it.
    pub(crate) fn becomes(&self, outcome: Outcome) -> Result<bool, Failure> {
        match self.outcome {
            None => Ok(true),
            Some(known) if known == outcome => Ok(false),
            Some(known) => Err(anyhow!("a session is told to be {outcome:?} that was {known:?}").into()),
        }
    }

    /// What of its price neither goes back nor is kept as a penalty.
    pub(crate) fn left(&self) -> Won {
        self.session_fee - self.refunded_amount - self.cancellation_fee
    }
}
