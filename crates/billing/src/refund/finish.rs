//! How refunds end. Under the locks of payment and refund.

use aipoten_events::{Context, publish};
use aipoten_kit::Result;
use aipoten_proto::billing::v1::{RefundCompleted, RefundFailed};
use chrono::Utc;
use sqlx::PgConnection;

use super::{Refund, Status, booking, metrics, store};
use crate::case::{self, Finding};
use crate::ledger;
use crate::payment::Payment;

/// A deposit does not go back the way it came, and the parent has not said where to.
pub(super) const NO_REFUND_ACCOUNT: &str = "NO_REFUND_ACCOUNT";

/// Who paid back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Payer<'a> {
    /// The provider, under its number of it.
    Provider(&'a str),
    /// A person, by a transfer from our account.
    Hand,
}

/// The money has gone back.
pub(super) async fn complete(
    conn: &mut PgConnection,
    payment: &Payment,
    refund: &Refund,
    payer: Payer<'_>,
    context: &Context,
) -> Result<()> {
    let (number, by_hand) = match payer {
        Payer::Provider(number) => (Some(number), false),
        Payer::Hand => (None, true),
    };
    let seq = store::complete(conn, refund.id, number, by_hand).await?;
    ledger::post(conn, &booking::done(refund, payment, by_hand, Utc::now())).await?;
    store::count_paid_back(conn, payment.id, refund.refund_amount).await?;
    let completed = RefundCompleted {
        refund_id: refund.id.to_string(),
        payment_id: payment.id.to_string(),
        package_id: payment.package_id.to_string(),
        user_id: payment.user_id.to_string(),
        consultation_id: refund.consultation_id.map(|id| id.to_string()).unwrap_or_default(),
        refund_amount: refund.refund_amount.0,
    };
    publish(conn, refund.aggregate(seq), &completed, context).await?;
    metrics::completed(payment.provider, refund.refund_amount);
    Ok(())
}

/// The provider refuses, or where to is not known: a person has to see to it. Where the parent's account is all that is missing, the
/// parent is that person, and no case is opened.
pub(super) async fn fail(conn: &mut PgConnection, payment: &Payment, refund: &Refund, code: &str) -> Result<()> {
    let seq = store::fail(conn, refund.id, code).await?;
    let failed = RefundFailed {
        refund_id: refund.id.to_string(),
        payment_id: payment.id.to_string(),
        package_id: payment.package_id.to_string(),
        user_id: payment.user_id.to_string(),
        refund_amount: refund.refund_amount.0,
    };
    publish(conn, refund.aggregate(seq), &failed, &Context::default()).await?;
    metrics::came_to(payment.provider, Status::Failed);
    if code != NO_REFUND_ACCOUNT {
        open_case(conn, payment, refund, &format!("the provider refuses to pay back: {code}")).await?;
    }
    Ok(())
}

/// Somebody has to look at this refund.
pub(super) async fn open_case(conn: &mut PgConnection, payment: &Payment, refund: &Refund, what: &str) -> Result<()> {
    let details = format!("refund {} of {} won: {what}", refund.id, refund.refund_amount.0);
    let finding = Finding {
        kind: case::Kind::Refund,
        provider: payment.provider,
        payment_id: Some(payment.id),
        subject: &refund.id.to_string(),
        details: &details,
    };
    case::open(conn, &finding).await
}
