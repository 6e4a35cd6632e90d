//! Settlements over gRPC.

use aipoten_kit::{Caller, Error, Fields, Page, Result};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::settlement_service_server::SettlementService;
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status as Refusal};

use super::period::Period;
use super::{Filter, Line, LineKind, LineStatus, Shown, Status, pay, payout, run, statement};
use crate::App;

#[tonic::async_trait]
impl SettlementService for App {
    async fn list_settlements(
        &self,
        request: Request<proto::ListSettlementsRequest>,
    ) -> Result<Response<proto::ListSettlementsResponse>, Refusal> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (settlements, total) = super::list(self, &caller, page).await?;
        Ok(Response::new(list(settlements, page, total)))
    }

    async fn get_settlement(
        &self,
        request: Request<proto::GetSettlementRequest>,
    ) -> Result<Response<proto::Settlement>, Refusal> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("settlement_id", &request.into_inner().settlement_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into()))
    }

    async fn get_statement(
        &self,
        request: Request<proto::GetStatementRequest>,
    ) -> Result<Response<proto::BillingFile>, Refusal> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("settlement_id", &request.settlement_id);
        let format = match request.format() {
            proto::StatementFormat::Unspecified => fields.required("format", None),
            proto::StatementFormat::Csv => statement::Format::Csv,
            proto::StatementFormat::Pdf => statement::Format::Pdf,
        };
        fields.finish()?;
        let (name, content) = statement::make(self, &caller, id, format).await?;
        Ok(Response::new(proto::BillingFile { name, content }))
    }

    async fn search_settlements(
        &self,
        request: Request<proto::SearchSettlementsRequest>,
    ) -> Result<Response<proto::ListSettlementsResponse>, Refusal> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let month = request.period.as_deref();
        let period = month.and_then(Period::parse);
        fields.check(month.is_none() || period.is_some(), "period", not_a_month(month.unwrap_or_default()));
        let filter = Filter {
            period: period.map(|period| period.first_day),
            status: request.status.and_then(|_| status(&mut fields, request.status())),
            therapist_id: request.therapist_id.as_ref().map(|id| fields.uuid("therapist_id", id)),
        };
        fields.finish()?;
        let (settlements, total) = super::search(self, &caller, &filter, page).await?;
        Ok(Response::new(list(settlements, page, total)))
    }

    async fn run_settlements(
        &self,
        request: Request<proto::RunSettlementsRequest>,
    ) -> Result<Response<proto::RunSettlementsResponse>, Refusal> {
        let caller = Caller::of(&request);
        let period = period(&request.into_inner().period)?;
        let run = run::run(self, &caller, period).await?;
        Ok(Response::new(proto::RunSettlementsResponse {
            period: period.to_string(),
            settlements: run.settlements,
            created: run.created,
            final_amount: run.final_amount.0,
            remaining: run.remaining.try_into().unwrap_or(i32::MAX),
        }))
    }

    async fn confirm_settlement(
        &self,
        request: Request<proto::ConfirmSettlementRequest>,
    ) -> Result<Response<proto::Settlement>, Refusal> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("settlement_id", &request.settlement_id)?;
        Ok(Response::new(pay::confirm(self, &caller, id, request.expected_version).await?.into()))
    }

    async fn mark_settlement_paid(
        &self,
        request: Request<proto::MarkSettlementPaidRequest>,
    ) -> Result<Response<proto::Settlement>, Refusal> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("settlement_id", &request.settlement_id)?;
        Ok(Response::new(pay::mark_paid(self, &caller, id, request.expected_version).await?.into()))
    }

    async fn get_payout_file(
        &self,
        request: Request<proto::GetPayoutFileRequest>,
    ) -> Result<Response<proto::BillingFile>, Refusal> {
        let caller = Caller::of(&request);
        let period = period(&request.into_inner().period)?;
        let content = payout::file(self, &caller, period).await?;
        Ok(Response::new(proto::BillingFile { name: format!("payout-{period}.csv"), content }))
    }
}

fn list(settlements: Vec<Shown>, page: Page, total: i64) -> proto::ListSettlementsResponse {
    proto::ListSettlementsResponse {
        settlements: settlements.into_iter().map(Into::into).collect(),
        page_info: Some(page.info(total)),
    }
}

fn period(text: &str) -> Result<Period> {
    Period::parse(text).ok_or_else(|| Error::invalid("period", not_a_month(text)))
}

fn not_a_month(text: &str) -> &'static str {
    if text.is_empty() { "required" } else { "not_a_month" }
}

fn status(fields: &mut Fields, status: proto::SettlementStatus) -> Option<Status> {
    match status {
        proto::SettlementStatus::Pending => Some(Status::Pending),
        proto::SettlementStatus::Confirmed => Some(Status::Confirmed),
        proto::SettlementStatus::Paid => Some(Status::Paid),
        proto::SettlementStatus::Unspecified => {
            fields.violate("status", "required");
            None
        }
    }
}

impl From<Status> for proto::SettlementStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Confirmed => Self::Confirmed,
            Status::Paid => Self::Paid,
        }
    }
}

impl From<LineStatus> for proto::SettlementLineStatus {
    fn from(status: LineStatus) -> Self {
        match status {
            LineStatus::Settled => Self::Settled,
            LineStatus::PendingReport => Self::PendingReport,
        }
    }
}

impl From<LineKind> for proto::SettlementLineKind {
    fn from(kind: LineKind) -> Self {
        match kind {
            LineKind::Session => Self::Session,
            LineKind::NoShow => Self::NoShow,
            LineKind::LateCancel => Self::LateCancel,
        }
    }
}

impl From<Line> for proto::SettlementLine {
    fn from(line: Line) -> Self {
        Self {
            consultation_id: line.consultation_id.to_string(),
            session_number: line.session_number.into(),
            kind: proto::SettlementLineKind::from(line.kind).into(),
            occurred_at: Some(timestamp(line.occurred_at)),
            session_fee: line.session_fee.0,
            platform_fee: line.platform_fee.0,
            net_amount: line.net_amount.0,
            report_submitted_at: line.report_submitted_at.map(timestamp),
            settlement_status: proto::SettlementLineStatus::from(line.settlement_status).into(),
        }
    }
}

impl From<Shown> for proto::Settlement {
    fn from(shown: Shown) -> Self {
        let (bank_account, input_hash) = (shown.masked_account(), shown.settlement.hash());
        let settlement = shown.settlement;
        Self {
            id: settlement.id.to_string(),
            therapist_id: settlement.therapist_id.to_string(),
            settlement_period_start: settlement.settlement_period_start.to_string(),
            settlement_period_end: settlement.settlement_period_end.to_string(),
            total_sessions: settlement.total_sessions,
            settled_sessions: settlement.settled_sessions,
            pending_sessions: settlement.pending_sessions,
            total_session_fee: settlement.total_session_fee.0,
            total_platform_fee: settlement.total_platform_fee.0,
            settlement_amount: settlement.settlement_amount.0,
            carried_debt: settlement.carried_debt.0,
            income_tax: settlement.income_tax.0,
            local_tax: settlement.local_tax.0,
            withholding_tax: (settlement.income_tax + settlement.local_tax).0,
            final_amount: settlement.final_amount.0,
            bank_account,
            status: proto::SettlementStatus::from(settlement.status).into(),
            input_hash,
            confirmed_at: settlement.confirmed_at.map(timestamp),
            paid_at: settlement.paid_at.map(timestamp),
            lines: shown.lines.into_iter().map(Into::into).collect(),
            created_at: Some(timestamp(settlement.created_at)),
            version: settlement.version,
        }
    }
}
