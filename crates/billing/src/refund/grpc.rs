//! Refunds over gRPC.

use aipoten_kit::{Caller, Error, Fields, Page, Result, Won};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::refund_service_server::RefundService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::decide::{self, Decision, Verdict};
use super::{Filter, Policy, Reason, Refund, Status, account};
use crate::provider::BankAccount;
use crate::{App, bank_account};

#[tonic::async_trait]
impl RefundService for App {
    async fn list_refunds(
        &self,
        request: Request<proto::ListRefundsRequest>,
    ) -> Result<Response<proto::ListRefundsResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let filter = Filter::parse(&mut fields, &request);
        fields.finish()?;
        let (refunds, total) = super::list(self, &caller, &filter, page).await?;
        Ok(Response::new(proto::ListRefundsResponse {
            refunds: refunds.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn decide_refund(
        &self,
        request: Request<proto::DecideRefundRequest>,
    ) -> Result<Response<proto::Refund>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("refund_id", &request.refund_id)?;
        Ok(Response::new(decide::decide(self, &caller, id, &request.try_into()?).await?.into()))
    }

    async fn reveal_refund_account(
        &self,
        request: Request<proto::RevealRefundAccountRequest>,
    ) -> Result<Response<proto::RefundAccount>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("refund_id", &request.refund_id);
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        Ok(Response::new(account::reveal(self, &caller, id, &reason).await?.into()))
    }

    async fn name_refund_account(
        &self,
        request: Request<proto::NameRefundAccountRequest>,
    ) -> Result<Response<proto::Refund>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("refund_id", &request.refund_id);
        let (bank, number, holder) = (&request.bank_code, &request.account_number, &request.account_holder);
        let named = bank_account::parse(&mut fields, bank, number, holder);
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        Ok(Response::new(account::name(self, &caller, id, &named, &reason).await?.into()))
    }
}

impl Filter {
    fn parse(fields: &mut Fields, request: &proto::ListRefundsRequest) -> Self {
        let status = request.refund_status.is_some().then(|| {
            Status::parse(request.refund_status()).unwrap_or_else(|| {
                fields.violate("refund_status", "required");
                Status::Requested
            })
        });
        Self { status, payment_id: request.payment_id.as_deref().map(|it| fields.uuid("payment_id", it)) }
    }
}

impl TryFrom<proto::DecideRefundRequest> for Decision {
    type Error = Error;

    fn try_from(request: proto::DecideRefundRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let amount = fields.optional_number("refund_amount", request.refund_amount, 1..=i64::MAX).map(Won);
        let verdict = match request.decision() {
            proto::RefundDecision::Unspecified => None,
            proto::RefundDecision::Approve => Some(Verdict::Approve(amount)),
            proto::RefundDecision::Reject => Some(Verdict::Reject),
            proto::RefundDecision::Retry => Some(Verdict::Retry),
            proto::RefundDecision::Transferred => Some(Verdict::Transferred),
        };
        let meant = amount.is_none() || matches!(verdict, None | Some(Verdict::Approve(_)));
        fields.check(meant, "refund_amount", "invalid");
        fields.check(verdict.is_some(), "decision", "required");
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        let verdict = verdict.unwrap_or(Verdict::Reject);
        Ok(Self { verdict, reason, expected_version: request.expected_version })
    }
}

impl From<BankAccount> for proto::RefundAccount {
    fn from(account: BankAccount) -> Self {
        let BankAccount { bank_code, account_number, account_holder } = account;
        Self { bank_code, account_number, account_holder }
    }
}

/// As administrators see it, and the parent within the payment.
impl From<Refund> for proto::Refund {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            payment_id: refund.payment_id.to_string(),
            consultation_id: refund.consultation_id.map(|id| id.to_string()),
            refund_amount: refund.refund_amount.0,
            refund_reason: proto::RefundReason::from(refund.refund_reason).into(),
            refund_policy: proto::RefundPolicyApplied::from(refund.refund_policy).into(),
            refund_status: proto::RefundStatus::from(refund.refund_status).into(),
            is_by_hand: refund.is_by_hand,
            failure_code: refund.failure_code,
            requested_at: Some(timestamp(refund.requested_at)),
            processed_at: refund.processed_at.map(timestamp),
            version: refund.version,
        }
    }
}

impl Status {
    fn parse(status: proto::RefundStatus) -> Option<Self> {
        Some(match status {
            proto::RefundStatus::Unspecified => return None,
            proto::RefundStatus::Requested => Self::Requested,
            proto::RefundStatus::Processing => Self::Processing,
            proto::RefundStatus::Completed => Self::Completed,
            proto::RefundStatus::Failed => Self::Failed,
            proto::RefundStatus::Rejected => Self::Rejected,
        })
    }
}

impl From<Status> for proto::RefundStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Requested => Self::Requested,
            Status::Processing => Self::Processing,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Rejected => Self::Rejected,
        }
    }
}

impl From<Reason> for proto::RefundReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::CustomerRequest => Self::CustomerRequest,
            Reason::TherapistCancel => Self::TherapistCancel,
            Reason::NoShow => Self::NoShow,
            Reason::Dispute => Self::Dispute,
            Reason::Platform => Self::Platform,
        }
    }
}

impl From<Policy> for proto::RefundPolicyApplied {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Full => Self::Full,
            Policy::Partial => Self::Partial,
            Policy::None => Self::None,
            Policy::PackageEnd => Self::PackageEnd,
        }
    }
}
