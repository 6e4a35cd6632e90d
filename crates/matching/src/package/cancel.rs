//! Ending a package before its time.

use aipoten_events::{Context, publish};
use aipoten_kit::{Caller, Result};
use aipoten_proto::matching::v1::{CancelQuote, PackageCancelled};
use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Outcome, Package, Status, lock, not_found, store};
use crate::App;
use crate::calendar::booking;
use crate::consultation::{self, Consultation};
use crate::party::{Party, Side};
use crate::refund::{self, CancelledBy, Refund, Share};
use crate::schedule_change;
use aipoten_kit::Once;
use aipoten_kit::Won;

/// What ending it now would pay back.
pub(crate) async fn quote(app: &App, caller: &Caller, id: Uuid) -> Result<CancelQuote> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    let package = store::find(&mut conn, id, party.user_id).await?.ok_or_else(not_found)?;
    package.require_unfrozen()?;
    let by = canceller(&mut conn, &package, party).await?;
    let ending = Ending::of(&mut conn, package, by).await?;
    Ok(ending.quote(caller))
}

/// Ends it; answers what is paid back.
pub(crate) async fn cancel(app: &App, caller: &Caller, once: &Once<'_>, id: Uuid, reason: &str) -> Result<CancelQuote> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = once.answered(&mut tx, &app.cipher).await? {
        return Ok(answer);
    }
    let package = lock(&mut tx, id, party).await?;
    package.require_unfrozen()?;
    let by = canceller(&mut tx, &package, party).await?;
    let ending = Ending::of(&mut tx, package, by).await?;
    ending.carry_out(&mut tx, app.config.care(), Some(reason), &caller.into()).await?;
    let answer = ending.quote(caller);
    once.keep(&mut tx, &app.cipher, &answer).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(answer)
}

/// The child or an account is erased: what still runs is ended as that party would end it, and the therapist sees the child
/// no longer. A session that has begun counts as held.
pub(crate) async fn end_for_erasure(conn: &mut PgConnection, id: Uuid, party: Party, context: &Context) -> Result<()> {
    let package = store::lock(conn, id).await?.ok_or_else(not_found)?;
    for session in consultation::store::of_package(conn, id).await? {
        if session.status == consultation::Status::InProgress {
            consultation::hold(conn, TimeDelta::zero(), &package, &session, context).await?;
        }
    }
    // The last session may have completed it.
    let package = store::lock(conn, id).await?.ok_or_else(not_found)?;
    if matches!(package.status, Status::PendingPayment | Status::Active) {
        let by = canceller(conn, &package, party).await?;
        Ending::of(conn, package, by).await?.carry_out(conn, TimeDelta::zero(), None, context).await?;
    }
    Ok(())
}

/// A parent whose therapist was suspended does not pay for that.
pub(crate) async fn canceller(conn: &mut PgConnection, package: &Package, party: Party) -> Result<CancelledBy> {
    Ok(match party.side {
        Side::Therapist => CancelledBy::Therapist,
        Side::Parent if store::is_suspended(conn, package.therapist_id).await? => CancelledBy::Platform,
        Side::Parent => CancelledBy::Parent,
    })
}

/// What an end comes to: the sessions that it cancels, and what each pays back.
struct Ending {
    package: Package,
    by: CancelledBy,
    policy: refund::RefundPolicy,
    sessions: Vec<(Consultation, Refund)>,
}

impl Ending {
    async fn of(conn: &mut PgConnection, package: Package, by: CancelledBy) -> Result<Self> {
        package.status.to(Status::Cancelled)?;
        let policy = refund::get(conn, package.refund_policy_id).await?;
        let now = consultation::store::now(conn).await?;
        let mut open = Vec::new();
        for session in consultation::store::of_package(conn, package.id).await? {
            match session.status {
                consultation::Status::Completed | consultation::Status::Cancelled | consultation::Status::NoShow => {}
                status => {
                    status.to(consultation::Status::Cancelled)?;
                    open.push(session);
                }
            }
        }
        let refunds = if package.is_paid() {
            let each = open.iter().map(|it| policy.session(it.session_fee, it.scheduled_at, by, now)).collect();
            policy.package_end(each, package.discounted_price, by)
        } else {
            vec![Refund::NOTHING; open.len()]
        };
        Ok(Self { package, by, policy, sessions: open.into_iter().zip(refunds).collect() })
    }

    fn amount(&self) -> Won {
        self.sessions.iter().map(|(_, refund)| refund.amount).sum()
    }

    fn quote(&self, caller: &Caller) -> CancelQuote {
        CancelQuote {
            refund_policy: aipoten_proto::matching::v1::RefundPolicy::PackageEnd.into(),
            refund_amount: self.amount().0,
            can_keep_credit: false,
            policy_text: self.policy.text(caller.locale),
        }
    }

    /// The therapist may see the child for `care` longer.
    async fn carry_out(
        &self,
        conn: &mut PgConnection,
        care: TimeDelta,
        reason: Option<&str>,
        context: &Context,
    ) -> Result<()> {
        let package = &self.package;
        let ids: Vec<Uuid> = self.sessions.iter().map(|(session, _)| session.id).collect();
        booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
        booking::release(conn, &ids).await?;
        for (session, refund) in &self.sessions {
            consultation::give_up(conn, session, self.by, reason, *refund, context).await?;
            schedule_change::overtake(conn, session, context).await?;
            // Late ones are used up, as when they are cancelled one by one; unpaid ones never were anything.
            let outcome = if refund.share == Share::Partial { Outcome::Used } else { Outcome::Refunded };
            store::spend(conn, package.id, outcome).await?;
        }
        let seq = store::set_status(conn, package.id, Status::Cancelled).await?;
        let cancelled = PackageCancelled {
            package_id: package.id.to_string(),
            therapist_id: package.therapist_id.to_string(),
            parent_user_id: package.parent_user_id.to_string(),
            cancelled_by: self.by.as_str().to_owned(),
            refund_amount: self.amount().0,
        };
        publish(conn, package.aggregate(seq), &cancelled, context).await?;
        if package.status == Status::Active {
            super::end_care(conn, care, package, seq, context).await?;
        }
        Ok(())
    }
}
