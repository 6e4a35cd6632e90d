//! What matching tells that money goes back for. It has decided how much; here it is checked against what was captured.

use aipoten_events::Failure;
use aipoten_kit::Won;
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, NewRefund};
use super::{Policy, Reason, Refund, Status, booking, metrics};
use crate::ledger;
use crate::payment::{self, Payment};
use crate::session::{self, Outcome, Session};

/// A session that will not be held, and where its price goes.
#[derive(Debug)]
pub(crate) struct Cancelled {
    pub(crate) event_id: Uuid,
    pub(crate) consultation_id: Uuid,
    pub(crate) package_id: Uuid,
    pub(crate) reason: Reason,
    pub(crate) policy: Policy,
    /// Back to the parent.
    pub(crate) refund: Won,
    /// To the therapist, with our fee inside; settled later.
    pub(crate) settled: Won,
    /// To us, for ending the package.
    pub(crate) penalty: Won,
    pub(crate) at: DateTime<Utc>,
}

/// Of a session that was not paid nothing goes anywhere. What goes back of a deposit that was taken back meanwhile is decided all the
/// same, and rests until the deposit comes again.
pub(crate) async fn cancelled(conn: &mut PgConnection, told: &Cancelled) -> Result<(), Failure> {
    if [told.refund, told.settled, told.penalty] == [Won(0); 3] {
        return Ok(());
    }
    let payment = paying(conn, told.package_id).await?;
    let session = session::lock(conn, told.consultation_id).await?;
    if !session.becomes(Outcome::Cancelled)? {
        return Ok(());
    }
    told.check(&session)?;
    session::store::set_outcome(conn, session.consultation_id, Outcome::Cancelled, told.at).await?;
    session::store::give_back(conn, session.consultation_id, told.refund, told.penalty).await?;
    if told.penalty > Won(0) {
        ledger::post(conn, &booking::penalty(&session, told.penalty, told.at)).await?;
    }
    if told.refund > Won(0) {
        let new = NewRefund {
            consultation_id: Some(session.consultation_id),
            refund_amount: told.refund,
            refund_reason: told.reason,
            refund_policy: told.policy,
            refund_status: Status::Processing,
            source_event: told.event_id,
        };
        let refund = begin(conn, &payment, &new).await?;
        ledger::post(conn, &booking::decided(&refund, payment.package_id, told.at)).await?;
    }
    Ok(())
}

impl Cancelled {
    /// All of the price goes somewhere, and none of it twice.
    fn check(&self, session: &Session) -> Result<(), Failure> {
        let parts = [self.refund, self.settled, self.penalty];
        let sum: Won = parts.into_iter().sum();
        if parts.iter().any(|part| *part < Won(0)) || sum != session.left() {
            let [refund, settled, penalty] = parts.map(|part| part.0);
            let left = session.left().0;
            return Err(anyhow!(
                "{refund} won back, {settled} settled and {penalty} kept are told of a session of which {left} won are left"
            )
            .into());
        }
        Ok(())
    }
}

/// The parent disagrees with a session: an administrator decides what of it goes back. It is not settled before.
pub(crate) async fn disputed(
    conn: &mut PgConnection,
    event_id: Uuid,
    package_id: Uuid,
    consultation_id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    let payment = paying(conn, package_id).await?;
    let session = session::lock(conn, consultation_id).await?;
    if session.disputed_at.is_some() {
        return Ok(());
    }
    session::store::set_disputed(conn, consultation_id, at).await?;
    if session.left() == Won(0) {
        // Nothing hangs on it.
        return Ok(session::store::set_dispute_decided(conn, consultation_id).await?);
    }
    let new = NewRefund {
        consultation_id: Some(consultation_id),
        refund_amount: session.left(),
        refund_reason: Reason::Dispute,
        refund_policy: Policy::Full,
        refund_status: Status::Requested,
        source_event: event_id,
    };
    begin(conn, &payment, &new).await?;
    Ok(())
}

/// A payment came for a package that cannot take it: all of it goes back. Where it came once more, after a deposit was taken back, what the
/// sessions that took place before are worth stays.
pub(crate) async fn payment_refused(
    conn: &mut PgConnection,
    event_id: Uuid,
    payment_id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    let payment =
        payment::store::lock(conn, payment_id).await?.filter(|it| it.paid_at.is_some()).ok_or(Failure::NotYet)?;
    let running = store::paying(conn, payment.package_id).await?;
    if !running.contains(&payment_id) {
        // It goes back already.
        return Ok(());
    }
    let left = payment.total_amount - store::decided(conn, payment_id).await?;
    let left =
        if running.len() == 1 { left.min(session::store::to_come(conn, payment.package_id).await?) } else { left };
    if left == Won(0) {
        return Ok(());
    }
    let new = NewRefund {
        consultation_id: None,
        refund_amount: left,
        refund_reason: Reason::Platform,
        refund_policy: Policy::Full,
        refund_status: Status::Processing,
        source_event: event_id,
    };
    let refund = begin(conn, &payment, &new).await?;
    ledger::post(conn, &booking::decided(&refund, payment.package_id, at)).await?;
    Ok(())
}

/// The payment that a package runs on, locked. Where two came, matching refuses one of them: that is waited for.
async fn paying(conn: &mut PgConnection, package_id: Uuid) -> Result<Payment, Failure> {
    let [id] = store::paying(conn, package_id).await?[..] else { return Err(Failure::NotYet) };
    payment::store::lock(conn, id).await?.ok_or(Failure::NotYet)
}

/// Never more than was captured.
async fn begin(conn: &mut PgConnection, payment: &Payment, new: &NewRefund) -> Result<Refund, Failure> {
    let decided = store::decided(conn, payment.id).await?;
    if decided + new.refund_amount > payment.total_amount {
        let (amount, captured) = (new.refund_amount.0, payment.total_amount.0);
        return Err(anyhow!(
            "{amount} won are to go back of a payment of {captured}, of which {} go back already",
            decided.0
        )
        .into());
    }
    metrics::came_to(payment.provider, new.refund_status);
    Ok(store::insert(conn, payment.id, new).await?)
}
