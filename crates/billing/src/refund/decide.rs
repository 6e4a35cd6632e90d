//! What administrators decide about refunds.

use aipoten_events::Context;
use aipoten_kit::{Caller, Error, Reason as Why, Result, Role, Won};
use chrono::Utc;
use sqlx::PgConnection;
use uuid::Uuid;

use super::finish::{self, NO_REFUND_ACCOUNT, Payer};
use super::{Policy, Refund, Status, booking, lock, metrics, not_found, store};
use crate::App;
use crate::acted::acted;
use crate::ledger;
use crate::payment::Payment;
use crate::session;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A disputed session is paid back: all that is asked for, or so much.
    Approve(Option<Won>),
    Reject,
    Retry,
    Transferred,
}

/// A decision and why.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    pub(super) expected_version: Option<i64>,
}

pub(super) async fn decide(app: &App, caller: &Caller, id: Uuid, decision: &Decision) -> Result<Refund> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let (payment, refund) = lock(&mut tx, id).await?;
    Error::unless_version(decision.expected_version, refund.version)?;
    store::note_decision(&mut tx, id, admin.id, &decision.reason).await?;
    match decision.verdict {
        Verdict::Approve(amount) => approve(&mut tx, &payment, &refund, amount).await?,
        Verdict::Reject => reject(&mut tx, &payment, &refund).await?,
        Verdict::Retry => retry(&mut tx, &payment, &refund).await?,
        Verdict::Transferred => transferred(&mut tx, &payment, &refund, &caller.into()).await?,
    }
    let refund = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    acted(&mut tx, caller, admin, refund.aggregate(refund.version), decision.verdict.act()).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(refund)
}

/// Of a session that is not settled it comes out of what the parent has paid ahead, of a settled one from its therapist and us.
async fn approve(conn: &mut PgConnection, payment: &Payment, refund: &Refund, amount: Option<Won>) -> Result<()> {
    refund.refund_status.require(Status::Requested)?;
    if !payment.is_captured() {
        return Err(Error::invalid_state("reversed"));
    }
    let asked = refund.refund_amount;
    let amount = amount.unwrap_or(asked);
    if amount > asked {
        return Err(Error::FailedPrecondition(Why::from("TOO_MUCH").with("max", asked.0.to_string())));
    }
    let policy = if amount == asked { Policy::Full } else { Policy::Partial };
    let decided = Refund { refund_amount: amount, refund_policy: policy, ..refund.clone() };
    let consultation_id = refund.consultation_id.ok_or_else(not_found)?;
    let session = session::store::lock(conn, consultation_id).await?.ok_or_else(not_found)?;
    let now = Utc::now();
    let journal = match ledger::earned(conn, consultation_id).await? {
        Some(earned) => booking::taken_back(&decided, &session, earned, now)?,
        None => booking::decided(&decided, payment.package_id, now),
    };
    ledger::post(conn, &journal).await?;
    session::store::give_back(conn, consultation_id, amount, Won(0)).await?;
    session::store::set_dispute_decided(conn, consultation_id).await?;
    metrics::came_to(payment.provider, Status::Processing);
    Ok(store::process(conn, &decided).await?)
}

async fn reject(conn: &mut PgConnection, payment: &Payment, refund: &Refund) -> Result<()> {
    refund.refund_status.require(Status::Requested)?;
    let consultation_id = refund.consultation_id.ok_or_else(not_found)?;
    session::store::lock(conn, consultation_id).await?.ok_or_else(not_found)?;
    session::store::set_dispute_decided(conn, consultation_id).await?;
    metrics::came_to(payment.provider, Status::Rejected);
    Ok(store::reject(conn, refund.id).await?)
}

async fn retry(conn: &mut PgConnection, payment: &Payment, refund: &Refund) -> Result<()> {
    refund.refund_status.require(Status::Failed)?;
    metrics::came_to(payment.provider, Status::Processing);
    Ok(store::process(conn, &Refund { round: refund.round + 1, ..refund.clone() }).await?)
}

async fn transferred(conn: &mut PgConnection, payment: &Payment, refund: &Refund, context: &Context) -> Result<()> {
    refund.refund_status.require(Status::Failed)?;
    if payment.refund_account.is_none() {
        return Err(Error::FailedPrecondition(NO_REFUND_ACCOUNT.into()));
    }
    finish::complete(conn, payment, refund, Payer::Hand, context).await
}

impl Verdict {
    fn act(self) -> &'static str {
        match self {
            Self::Approve(_) => "refund.approved",
            Self::Reject => "refund.rejected",
            Self::Retry => "refund.retried",
            Self::Transferred => "refund.transferred",
        }
    }
}
