//! Cases over gRPC.

use aipoten_kit::{Caller, Fields, Page, Result};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::case_service_server::CaseService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::{Case, Kind};
use crate::App;

#[tonic::async_trait]
impl CaseService for App {
    async fn list_cases(
        &self,
        request: Request<proto::ListCasesRequest>,
    ) -> Result<Response<proto::ListCasesResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (cases, total) = super::list(self, &caller, request.open_only.unwrap_or(false), page).await?;
        Ok(Response::new(proto::ListCasesResponse {
            cases: cases.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn close_case(
        &self,
        request: Request<proto::CloseCaseRequest>,
    ) -> Result<Response<proto::Case>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("case_id", &request.case_id);
        let resolution = fields.text("resolution", &request.resolution, 1000);
        fields.finish()?;
        Ok(Response::new(super::close(self, &caller, id, &resolution).await?.into()))
    }
}

impl From<Case> for proto::Case {
    fn from(case: Case) -> Self {
        Self {
            id: case.id.to_string(),
            kind: proto::CaseKind::from(case.kind).into(),
            provider: case.provider.as_str().to_owned(),
            payment_id: case.payment_id.map(|id| id.to_string()),
            details: case.details,
            opened_at: Some(timestamp(case.opened_at)),
            closed_at: case.closed_at.map(timestamp),
            resolution: case.resolution,
        }
    }
}

impl From<Kind> for proto::CaseKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::UnknownPayment => Self::UnknownPayment,
            Kind::Amount => Self::Amount,
            Kind::Refund => Self::Refund,
            Kind::UnknownHere => Self::UnknownHere,
            Kind::UnknownThere => Self::UnknownThere,
            Kind::Reversed => Self::Reversed,
        }
    }
}
