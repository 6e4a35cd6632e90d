//! What a provider shows of refunds when a payment is read from it.

use aipoten_events::Context;
use aipoten_kit::Result;
use sqlx::PgConnection;

use super::ask::open_differing;
use super::explain::explain;
use super::finish::{self, Payer};
use super::{Refund, Status, store};
use crate::case::{self, Finding};
use crate::payment::Payment;
use crate::provider::{Cancel, Charge};

/// Ends the refunds that the provider shows done; what none of ours explains opens a case. Under the payment's lock. What was never
/// here is not paid back either.
pub(crate) async fn observe(conn: &mut PgConnection, payment: &Payment, charge: &Charge) -> Result<()> {
    if !payment.is_captured() || charge.balance == charge.total {
        return Ok(());
    }
    let refunds = store::of_payment(conn, payment.id).await?;
    for (cancel, ours) in explain(&charge.cancels, &refunds) {
        match refunds.iter().find(|refund| Some(refund.id) == ours) {
            Some(refund) if refund.refund_status != Status::Completed => see(conn, payment, refund, cancel).await?,
            Some(_) => {}
            None => open_unexplained(conn, payment, cancel).await?,
        }
    }
    Ok(())
}

async fn see(conn: &mut PgConnection, payment: &Payment, refund: &Refund, cancel: &Cancel) -> Result<()> {
    if cancel.amount != refund.refund_amount {
        return open_differing(conn, payment, refund, cancel).await;
    }
    if cancel.done {
        finish::complete(conn, payment, refund, Payer::Provider(&cancel.id), &Context::default()).await?;
    }
    Ok(())
}

async fn open_unexplained(conn: &mut PgConnection, payment: &Payment, cancel: &Cancel) -> Result<()> {
    let details = format!("{} paid back {} won that no refund of ours asked for", cancel.id, cancel.amount.0);
    let finding = Finding {
        kind: case::Kind::Refund,
        provider: payment.provider,
        payment_id: Some(payment.id),
        subject: &cancel.id,
        details: &details,
    };
    case::open_once(conn, &finding).await
}
