//! Receipts: what was paid, for which sessions, and what was paid back.

mod sheet;

use aipoten_kit::{Caller, Error, Result, Role, Won};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::timestamp;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Payment, find};
use crate::App;
use crate::order;
use crate::order::store::Line;
use sheet::Sheet;

/// A payment that was made.
pub(super) struct Receipt {
    payment: Payment,
    order_name: String,
    provider_key: String,
    paid_at: DateTime<Utc>,
    lines: Vec<Line>,
}

/// Fails with `INVALID_STATE` before it was paid, and while its deposit is taken back.
pub(super) async fn get(app: &App, caller: &Caller, payment_id: Uuid) -> Result<Receipt> {
    let parent = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let payment = find(&mut conn, payment_id, parent.id).await?;
    let paid = payment.paid_at.zip(payment.transaction_id.clone()).filter(|_| payment.is_captured());
    let (paid_at, provider_key) = paid.ok_or_else(|| Error::invalid_state(payment.payment_status.as_str()))?;
    let lines = order::store::lines(&mut conn, payment.package_id).await?;
    Ok(Receipt { order_name: payment.order_name(caller.locale), payment, provider_key, paid_at, lines })
}

/// One page to print.
pub(super) async fn pdf(app: &App, caller: &Caller, payment_id: Uuid) -> Result<proto::BillingFile> {
    let receipt = get(app, caller, payment_id).await?;
    let name = format!("receipt-{}.pdf", receipt.payment.order_id);
    let sheet = Sheet { receipt, locale: caller.locale };
    // Cutting the fonts down takes milliseconds of a processor.
    let pdf = tokio::task::spawn_blocking(move || sheet.pdf()).await.context("a receipt").and_then(|pdf| pdf);
    Ok(proto::BillingFile { name, content: pdf.map_err(Error::Internal)? })
}

impl From<Receipt> for proto::Receipt {
    fn from(receipt: Receipt) -> Self {
        let Receipt { payment, order_name, provider_key, paid_at, lines } = receipt;
        Self {
            order_id: payment.order_id,
            payment_id: payment.id.to_string(),
            order_name,
            original_amount: payment.original_amount.0,
            discount_amount: payment.discount_amount.0,
            total_amount: payment.total_amount.0,
            refunded_amount: payment.refunded_amount.0,
            payment_method: payment.payment_method.map(|method| proto::PaymentMethod::from(method).into()),
            provider: proto::PaymentProvider::from(payment.provider).into(),
            provider_key,
            paid_at: Some(timestamp(paid_at)),
            lines: lines.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Line> for proto::ReceiptLine {
    fn from(line: Line) -> Self {
        let Line { session_number, session_fee: Won(session_fee), refunded_amount: Won(refunded_amount) } = line;
        Self { session_number: session_number.into(), session_fee, refunded_amount }
    }
}
