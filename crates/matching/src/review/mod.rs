//! Reviews: what parents say of therapists to everyone. A therapist's rating changes in the transaction of the review, under
//! the lock of the profile's row, so that it always is the sum of what is shown.

mod admin;
mod feedback;
mod grpc;
mod store;

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Error, Page, Result, Role};
use aipoten_proto::matching::v1::ReviewPosted;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::party::Party;
use crate::{App, consultation, therapist};

pub(crate) use admin::{Decision, decide};
pub(crate) use feedback::{Feedback, NewFeedback, create_feedback};

/// How long a review can be changed.
const CHANGEABLE: TimeDelta = TimeDelta::days(14);

#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) rating: i16,
    pub(crate) review_text: Option<String>,
    pub(crate) reply_text: Option<String>,
    pub(crate) replied_at: Option<DateTime<Utc>>,
    pub(crate) hidden_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// What a parent says.
#[derive(Debug)]
pub(crate) struct Opinion {
    /// 1 to 5.
    pub(crate) rating: i16,
    pub(crate) review_text: Option<String>,
}

/// A change of it: `None` leaves a field, `Some(None)` clears it.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) rating: Option<i16>,
    pub(crate) review_text: Option<Option<String>>,
    pub(crate) expected_version: Option<i64>,
}

/// By how much a therapist's rating changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) sum: i16,
    pub(crate) count: i16,
}

pub(crate) async fn create(app: &App, caller: &Caller, consultation_id: Uuid, opinion: Opinion) -> Result<Review> {
    let parent = caller.with_role(Role::Parent)?;
    let context = caller.into();
    let mut tx = app.pool.begin().await?;
    let (_, consultation) = consultation::lock(&mut tx, Party::of(caller)?, consultation_id).await?;
    consultation.require_held()?;
    let review = store::insert(&mut tx, Uuid::now_v7(), &consultation, parent.id, &opinion).await?;
    let event = ReviewPosted {
        review_id: review.id.to_string(),
        consultation_id: consultation_id.to_string(),
        therapist_id: review.therapist_id.to_string(),
    };
    publish(&mut tx, Aggregate { kind: "review", id: review.id, seq: review.version }, &event, &context).await?;
    rate(&mut tx, review.therapist_id, Change { sum: review.rating, count: 1 }, &context).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(review)
}

/// A hidden review can be changed as well; it counts when it is shown again.
pub(crate) async fn update(app: &App, caller: &Caller, consultation_id: Uuid, patch: Patch) -> Result<Review> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let earlier = store::lock_own(&mut tx, consultation_id, parent.id).await?.ok_or_else(not_found)?;
    Error::unless_version(patch.expected_version, earlier.version)?;
    if consultation::store::now(&mut tx).await? > earlier.created_at + CHANGEABLE {
        return Err(Error::FailedPrecondition("TOO_LATE".into()));
    }
    let opinion = Opinion {
        rating: patch.rating.unwrap_or(earlier.rating),
        review_text: patch.review_text.unwrap_or(earlier.review_text),
    };
    let review = store::update(&mut tx, earlier.id, &opinion).await?;
    if review.hidden_at.is_none() {
        let change = Change { sum: review.rating - earlier.rating, count: 0 };
        rate(&mut tx, review.therapist_id, change, &caller.into()).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    Ok(review)
}

/// For everyone; not found unless the therapist is listed.
pub(crate) async fn list(app: &App, therapist_id: Uuid, page: Page) -> Result<(Vec<Review>, i64)> {
    therapist::get(app, therapist_id).await?;
    let mut conn = app.pool.acquire().await?;
    let reviews = store::page(&mut conn, therapist_id, page).await?;
    let total = store::count(&mut conn, therapist_id).await?;
    Ok((reviews, total))
}

pub(crate) async fn reply(app: &App, caller: &Caller, id: Uuid, text: &str) -> Result<Review> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut conn = app.pool.acquire().await?;
    store::reply(&mut conn, id, therapist.id, text).await?.ok_or_else(not_found)
}

/// Changes what everyone sees of the therapist, last in the transaction, as others wait for the row.
async fn rate(conn: &mut PgConnection, therapist_id: Uuid, change: Change, context: &Context) -> Result<()> {
    let version = store::rate(conn, therapist_id, change).await?;
    Ok(therapist::announce_change(conn, therapist_id, version, context).await?)
}

fn not_found() -> Error {
    Error::NotFound("review")
}
