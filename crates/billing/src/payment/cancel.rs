//! Asking for money back. Matching decides what goes back, and tells it in its events.

use std::time::Duration;

use aipoten_kit::{Caller, Error, Result, Role};
use aipoten_proto::billing::v1::{RefundPaymentResponse, RefundPolicyApplied};
use aipoten_proto::matching::v1::{CancelConsultationRequest, CancelPackageRequest, RefundPolicy};
use tonic::Request;
use uuid::Uuid;

use super::find;
use crate::{App, order};

const MATCHING_TIMEOUT: Duration = Duration::from_secs(10);

/// What the parent gives up: a session, or the package.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) payment_id: Uuid,
    pub(super) consultation_id: Option<Uuid>,
    pub(super) reason: String,
}

/// Matching answers the same under the same Idempotency-Key.
pub(super) async fn cancel(app: &App, caller: &Caller, wish: &Wish) -> Result<RefundPaymentResponse> {
    let parent = caller.with_role(Role::Parent)?;
    caller.require_idempotency_key()?;
    let mut conn = app.pool.acquire().await?;
    let payment = find(&mut conn, wish.payment_id, parent.id).await?;
    if !payment.is_captured() {
        return Err(Error::invalid_state(payment.payment_status.as_str()));
    }
    let reason = wish.reason.clone();
    let Some(consultation_id) = wish.consultation_id else {
        drop(conn);
        let ask = CancelPackageRequest { package_id: payment.package_id.to_string(), reason };
        let quote = app.packages.clone().cancel_package(in_time(caller.forward(ask))).await?.into_inner();
        return Ok(answer(quote.refund_amount, quote.refund_policy()));
    };
    if !order::store::has_session(&mut conn, payment.package_id, consultation_id).await? {
        return Err(Error::NotFound("consultation"));
    }
    drop(conn);
    let consultation_id = consultation_id.to_string();
    let ask = CancelConsultationRequest { consultation_id, reason, keep_credit: None };
    let done = app.consultations.clone().cancel_consultation(in_time(caller.forward(ask))).await?.into_inner();
    Ok(answer(done.refund_amount, done.refund_policy()))
}

fn in_time<T>(mut request: Request<T>) -> Request<T> {
    request.set_timeout(MATCHING_TIMEOUT);
    request
}

fn answer(refund_amount: i64, policy: RefundPolicy) -> RefundPaymentResponse {
    let policy = match policy {
        RefundPolicy::Full => RefundPolicyApplied::Full,
        RefundPolicy::Partial => RefundPolicyApplied::Partial,
        RefundPolicy::None => RefundPolicyApplied::None,
        RefundPolicy::PackageEnd => RefundPolicyApplied::PackageEnd,
        RefundPolicy::Unspecified => RefundPolicyApplied::Unspecified,
    };
    RefundPaymentResponse { refund_amount, refund_policy: policy.into() }
}
