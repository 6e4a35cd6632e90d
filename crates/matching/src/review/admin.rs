//! Administrators hide what should not be read by everyone.

use aipoten_events::{Aggregate, publish};
use aipoten_kit::{Caller, Error, Result, Role};
use aipoten_proto::common::v1::AdminActed;
use uuid::Uuid;

use super::{Change, Review, not_found, rate, store};
use crate::App;

/// Whether a review shall be hidden, and why.
pub(crate) struct Decision {
    pub(crate) is_hidden: bool,
    pub(crate) reason: String,
    pub(crate) expected_version: Option<i64>,
}

/// A hidden review does not count. Deciding the same again changes nothing.
pub(crate) async fn decide(app: &App, caller: &Caller, id: Uuid, decision: &Decision) -> Result<Review> {
    let admin = caller.with_role(Role::Admin)?;
    let context = caller.into();
    let mut tx = app.pool.begin().await?;
    let review = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    Error::unless_version(decision.expected_version, review.version)?;
    if review.hidden_at.is_some() == decision.is_hidden {
        return Ok(review);
    }
    let review = store::decide(&mut tx, id, decision).await?;
    let acted = AdminActed {
        actor_id: admin.id.to_string(),
        action: if decision.is_hidden { "review.hidden" } else { "review.shown" }.to_owned(),
        resource: "review".to_owned(),
        resource_id: id.to_string(),
    };
    publish(&mut tx, Aggregate { kind: "review", id, seq: review.version }, &acted, &context).await?;
    let shown = Change { sum: review.rating, count: 1 };
    let change = if decision.is_hidden { Change { sum: -shown.sum, count: -1 } } else { shown };
    rate(&mut tx, review.therapist_id, change, &context).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(review)
}
