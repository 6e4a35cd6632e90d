//! Refunds: money that goes back.

mod store;

use aipoten_kit::{Result, Won};
use sqlx::PgConnection;

use crate::case::{self, Finding};
use crate::payment::Payment;
use crate::provider::Charge;

/// Compares what a provider has paid back of a payment with what we asked for. What is not ours is a case.
pub(crate) async fn observe(conn: &mut PgConnection, payment: &Payment, charge: &Charge) -> Result<()> {
    let paid_back = charge.paid_back();
    if !payment.is_captured() || paid_back == Won(0) || paid_back <= store::asked(conn, payment.id).await? {
        return Ok(());
    }
    let subject = format!("{}:{}", payment.id, paid_back.0);
    let details = format!("The provider has paid back {} won, more than it was asked for.", paid_back.0);
    let (kind, provider, payment_id) = (case::Kind::Refund, payment.provider, Some(payment.id));
    case::open(conn, &Finding { kind, provider, payment_id, subject: &subject, details: &details }).await
}
