//! Wishes to hold a session at another time: either side asks, the other answers.

mod grpc;
mod store;

use aipoten_events::{Context, publish};
use aipoten_kit::{Caller, Error, Result};
use aipoten_proto::matching::v1 as proto;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::consultation::{self, Consultation};
use crate::party::Party;
use crate::{App, clock};

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Status {
    Pending,
    Approved,
    Rejected,
    Cancelled,
}

#[derive(Debug)]
struct ScheduleChange {
    id: Uuid,
    consultation_id: Uuid,
    requester_user_id: Uuid,
    original_start: DateTime<Utc>,
    change_reason: String,
    preferred_dates: Vec<DateTime<Utc>>,
    status: Status,
    response_reason: Option<String>,
    new_start: Option<DateTime<Utc>>,
    responded_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// What is done with a wish.
enum Answer {
    Approve { new_start: DateTime<Utc>, reason: Option<String> },
    Reject { reason: String },
    Cancel,
}

async fn create(
    app: &App,
    caller: &Caller,
    consultation_id: Uuid,
    change_reason: String,
    preferred_dates: Vec<DateTime<Utc>>,
) -> Result<ScheduleChange> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (_, consultation) = consultation::lock(&mut tx, party, consultation_id).await?;
    let original_start = consultation
        .scheduled_at
        .filter(|_| consultation.status == consultation::Status::Scheduled)
        .ok_or_else(|| Error::invalid_state(consultation.status.as_str()))?;
    let change = ScheduleChange {
        id: Uuid::now_v7(),
        consultation_id,
        requester_user_id: party.user_id,
        original_start,
        change_reason,
        preferred_dates,
        status: Status::Pending,
        response_reason: None,
        new_start: None,
        responded_at: None,
        created_at: clock::now(),
    };
    store::insert(&mut tx, &change).await?;
    let event = proto::ScheduleChangeRequested {
        schedule_change_id: change.id.to_string(),
        consultation_id: consultation_id.to_string(),
        therapist_id: consultation.therapist_id.to_string(),
        parent_user_id: consultation.parent_user_id.to_string(),
        requester_user_id: party.user_id.to_string(),
    };
    publish(&mut tx, consultation.aggregate(consultation.version), &event, &caller.into()).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(change)
}

async fn list(app: &App, caller: &Caller, consultation_id: Uuid) -> Result<Vec<ScheduleChange>> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    consultation::store::find(&mut conn, consultation_id, party.user_id).await?.ok_or_else(consultation::not_found)?;
    Ok(store::list(&mut conn, consultation_id).await?)
}

async fn answer(app: &App, caller: &Caller, id: Uuid, answer: Answer) -> Result<ScheduleChange> {
    let party = Party::of(caller)?;
    let context = caller.into();
    let mut tx = app.pool.begin().await?;
    let consultation_id = store::find(&mut tx, id).await?.ok_or_else(not_found)?.consultation_id;
    let locked = consultation::lock(&mut tx, party, consultation_id).await;
    let (package, consultation) = locked.map_err(|error| match error {
        Error::NotFound(_) => not_found(),
        error => error,
    })?;
    // As it is now that nobody else can answer it.
    let change = store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    change.require_answer_of(party, &answer)?;
    match answer {
        Answer::Approve { new_start, reason } => {
            if !change.preferred_dates.contains(&new_start) {
                return Err(Error::invalid("new_start", "not_preferred"));
            }
            consultation::reschedule(&mut tx, &package, &consultation, new_start, &context).await?;
            store::close(&mut tx, id, Status::Approved, Some(new_start), reason.as_deref()).await?;
        }
        Answer::Reject { reason } => store::close(&mut tx, id, Status::Rejected, None, Some(&reason)).await?,
        Answer::Cancel => store::close(&mut tx, id, Status::Cancelled, None, None).await?,
    }
    let change = store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    tell(&mut tx, &consultation, &change, &context).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(change)
}

/// A session that began or was cancelled is not moved any more; under the lock of its package.
pub(crate) async fn overtake(conn: &mut PgConnection, consultation: &Consultation, context: &Context) -> Result<()> {
    let Some(mut change) = store::pending(conn, consultation.id).await? else { return Ok(()) };
    store::close(conn, change.id, Status::Cancelled, None, None).await?;
    change.status = Status::Cancelled;
    tell(conn, consultation, &change, context).await
}

async fn tell(
    conn: &mut PgConnection,
    consultation: &Consultation,
    change: &ScheduleChange,
    context: &Context,
) -> Result<()> {
    let event = proto::ScheduleChangeResolved {
        schedule_change_id: change.id.to_string(),
        consultation_id: consultation.id.to_string(),
        therapist_id: consultation.therapist_id.to_string(),
        parent_user_id: consultation.parent_user_id.to_string(),
        requester_user_id: change.requester_user_id.to_string(),
        status: change.status.as_str().to_owned(),
    };
    publish(conn, consultation.aggregate(consultation.version), &event, context).await?;
    Ok(())
}

impl ScheduleChange {
    /// Who asked may only take it back, who was asked may only answer.
    fn require_answer_of(&self, party: Party, answer: &Answer) -> Result<()> {
        let asked = self.requester_user_id != party.user_id;
        if asked == matches!(answer, Answer::Cancel) {
            return Err(Error::permission_denied());
        }
        if self.status != Status::Pending {
            return Err(Error::invalid_state(self.status.as_str()));
        }
        Ok(())
    }
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
}

fn not_found() -> Error {
    Error::NotFound("schedule_change")
}
