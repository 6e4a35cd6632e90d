//! Cancelling a session, and what it pays back.

use aipoten_events::{Context, publish};
use aipoten_kit::{Caller, Error, Result};
use aipoten_proto::matching::v1 as proto;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Consultation, Status, lock, metrics, not_found, show, store};
use crate::App;
use crate::calendar::booking;
use crate::package::{self, Outcome, Package};
use crate::party::{Party, Side};
use crate::refund::{self, CancelledBy, Refund, RefundPolicy, Share};
use crate::schedule_change;
use aipoten_kit::Once;

/// What the parent wants instead of a session.
pub(crate) struct Wish {
    pub(crate) reason: String,
    pub(crate) keep_credit: bool,
}

/// What cancelling comes to.
struct Cancellation {
    by: CancelledBy,
    policy: RefundPolicy,
    refund: Refund,
}

pub(crate) async fn quote(app: &App, caller: &Caller, id: Uuid) -> Result<proto::CancelQuote> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    let consultation = store::find(&mut conn, id, party.user_id).await?.ok_or_else(not_found)?;
    let package =
        package::store::find(&mut conn, consultation.package_id, party.user_id).await?.ok_or_else(not_found)?;
    let cancellation = Cancellation::of(&mut conn, &package, &consultation, party).await?;
    Ok(proto::CancelQuote {
        refund_policy: proto::RefundPolicy::from(cancellation.refund.share).into(),
        refund_amount: cancellation.refund.amount.0,
        can_keep_credit: cancellation.can_keep_credit(party, &consultation),
        policy_text: cancellation.policy.text(caller.locale),
    })
}

pub(crate) async fn cancel(
    app: &App,
    caller: &Caller,
    once: &Once<'_>,
    id: Uuid,
    wish: &Wish,
) -> Result<proto::CancelledConsultation> {
    let party = Party::of(caller)?;
    let context = caller.into();
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = once.answered(&mut tx, &app.cipher).await? {
        return Ok(answer);
    }
    let (package, consultation) = lock(&mut tx, party, id).await?;
    let mut cancellation = Cancellation::of(&mut tx, &package, &consultation, party).await?;
    if wish.keep_credit && !cancellation.can_keep_credit(party, &consultation) {
        return Err(Error::FailedPrecondition("CREDIT_NOT_KEPT".into()));
    }
    booking::lock(&mut tx, package.therapist_id, Some(package.child_id)).await?;
    booking::release(&mut tx, &[id]).await?;
    schedule_change::overtake(&mut tx, &consultation, &context).await?;
    if wish.keep_credit {
        let seq = store::set_time(&mut tx, id, consultation.status.to(Status::Unscheduled)?, None).await?;
        publish(&mut tx, consultation.aggregate(seq), &consultation.unscheduled(), &context).await?;
        cancellation.refund = Refund::NOTHING;
    } else {
        give_up(&mut tx, &consultation, cancellation.by, Some(&wish.reason), cancellation.refund, &context).await?;
        let outcome = if cancellation.refund.share == Share::Full { Outcome::Refunded } else { Outcome::Used };
        package::spend(&mut tx, app.config.care(), &package, outcome, &context).await?;
    }
    let changed = store::find(&mut tx, id, party.user_id).await?.ok_or_else(not_found)?;
    let shown = show(&mut tx, app, caller, party, changed, "CancelConsultation").await?;
    let answer = proto::CancelledConsultation {
        consultation: Some(shown.into()),
        refund_policy: proto::RefundPolicy::from(cancellation.refund.share).into(),
        refund_amount: cancellation.refund.amount.0,
        credit_kept: wish.keep_credit,
    };
    once.keep(&mut tx, &app.cipher, &answer).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(answer)
}

/// Writes and tells that a session will not be held. Its time was given back before.
pub(crate) async fn give_up(
    conn: &mut PgConnection,
    consultation: &Consultation,
    by: CancelledBy,
    reason: Option<&str>,
    refund: Refund,
    context: &Context,
) -> Result<()> {
    consultation.status.to(Status::Cancelled)?;
    let seq = store::cancel(conn, consultation.id, by, reason, refund).await?;
    let now = store::now(conn).await?;
    publish(conn, consultation.aggregate(seq), &consultation.cancelled(by, refund, now), context).await?;
    metrics::came_to(Status::Cancelled);
    Ok(())
}

impl Cancellation {
    async fn of(conn: &mut PgConnection, package: &Package, consultation: &Consultation, party: Party) -> Result<Self> {
        consultation.status.to(Status::Cancelled)?;
        package.require_active()?;
        let now = store::now(conn).await?;
        // From the begin on a parent's cancelling would be a way around not having come.
        if party.side == Side::Parent && consultation.scheduled_at.is_some_and(|starts_at| starts_at <= now) {
            return Err(Error::FailedPrecondition("TOO_LATE".into()));
        }
        let by = package::canceller(conn, package, party).await?;
        let policy = refund::get(conn, package.refund_policy_id).await?;
        let refund = policy.session(consultation.session_fee, consultation.scheduled_at, by, now);
        Ok(Self { by, policy, refund })
    }

    /// Only where all would be paid back, and there is a time to give up.
    fn can_keep_credit(&self, party: Party, consultation: &Consultation) -> bool {
        party.side == Side::Parent && self.refund.share == Share::Full && consultation.status == Status::Scheduled
    }
}
