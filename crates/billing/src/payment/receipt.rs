//! Receipts: what was paid, for which sessions, and what was paid back.

use aipoten_kit::{Caller, Error, Result, Role, Won};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::timestamp;
use uuid::Uuid;

use super::{Payment, find};
use crate::App;
use crate::order;
use crate::order::store::Line;

/// Fails with `INVALID_STATE` before it was paid, and while its deposit is taken back.
pub(super) async fn get(app: &App, caller: &Caller, payment_id: Uuid) -> Result<proto::Receipt> {
    let parent = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let payment = find(&mut conn, payment_id, parent.id).await?;
    let (Some(paid_at), Some(provider_key)) = (payment.paid_at, payment.transaction_id.clone()) else {
        return Err(not_paid(&payment));
    };
    if !payment.is_captured() {
        return Err(not_paid(&payment));
    }
    let lines = order::store::lines(&mut conn, payment.package_id).await?;
    Ok(proto::Receipt {
        order_name: payment.order_name(caller.locale),
        order_id: payment.order_id,
        payment_id: payment.id.to_string(),
        original_amount: payment.original_amount.0,
        discount_amount: payment.discount_amount.0,
        total_amount: payment.total_amount.0,
        refunded_amount: payment.refunded_amount.0,
        payment_method: payment.payment_method.map(|method| proto::PaymentMethod::from(method).into()),
        provider: proto::PaymentProvider::from(payment.provider).into(),
        provider_key,
        paid_at: Some(timestamp(paid_at)),
        lines: lines.into_iter().map(Into::into).collect(),
    })
}

fn not_paid(payment: &Payment) -> Error {
    Error::invalid_state(payment.payment_status.as_str())
}

impl From<Line> for proto::ReceiptLine {
    fn from(line: Line) -> Self {
        let Line { session_number, session_fee: Won(session_fee), refunded_amount: Won(refunded_amount) } = line;
        Self { session_number: session_number.into(), session_fee, refunded_amount }
    }
}

/// One page to print.
pub(super) async fn pdf(app: &App, caller: &Caller, payment_id: Uuid) -> Result<proto::BillingFile> {
    let _receipt = get(app, caller, payment_id).await?;
    Err(Error::unavailable())
}
