//! Matching requests over gRPC.

use aipoten_kit::{Caller, Error, Fields, Page, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::matching_request_service_server::MatchingRequestService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::{Answer, New, Shown, Status, address};
use crate::App;
use crate::begin::begins;
use crate::kind::Kind;
use crate::price::SIZES;
use aipoten_kit::Once;

#[tonic::async_trait]
impl MatchingRequestService for App {
    async fn create_matching_request(
        &self,
        request: Request<proto::CreateMatchingRequestRequest>,
    ) -> Result<Response<proto::MatchingRequest>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let once = Once::of(&caller, "CreateMatchingRequest", &request);
        Ok(Response::new(super::create(self, &caller, &once, request.try_into()?).await?))
    }

    async fn list_matching_requests(
        &self,
        request: Request<proto::ListMatchingRequestsRequest>,
    ) -> Result<Response<proto::ListMatchingRequestsResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let status = request.status.is_some().then(|| parse_status(&mut fields, request.status()));
        fields.finish()?;
        let (requests, total) = super::list(self, &caller, status, page).await?;
        Ok(Response::new(proto::ListMatchingRequestsResponse {
            requests: requests.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_matching_request(
        &self,
        request: Request<proto::GetMatchingRequestRequest>,
    ) -> Result<Response<proto::MatchingRequest>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("request_id", &request.into_inner().request_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into()))
    }

    async fn update_matching_request(
        &self,
        request: Request<proto::UpdateMatchingRequestRequest>,
    ) -> Result<Response<proto::MatchingRequest>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("request_id", &request.request_id)?;
        let expected_version = request.expected_version;
        let answered = super::answer(self, &caller, id, request.try_into()?, expected_version).await?;
        Ok(Response::new(answered.into()))
    }

    async fn cancel_matching_request(
        &self,
        request: Request<proto::CancelMatchingRequestRequest>,
    ) -> Result<Response<proto::MatchingRequest>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("request_id", &request.into_inner().request_id)?;
        Ok(Response::new(super::cancel(self, &caller, id).await?.into()))
    }
}

impl TryFrom<proto::CreateMatchingRequestRequest> for New {
    type Error = Error;

    fn try_from(request: proto::CreateMatchingRequestRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        f.check(request.share_child, "share_child", "must_be_true");
        let kind = Kind::parse(f, "kind", request.kind());
        let total_sessions = i16::try_from(request.total_sessions).unwrap_or_default();
        f.check(SIZES.contains(&total_sessions), "total_sessions", "not_a_package_size");
        let visit_address = request.visit_address.as_deref().map(|it| address(f, "visit_address", it));
        match (kind, &visit_address) {
            (Kind::HomeVisit, None) => f.violate("visit_address", "required"),
            (Kind::Online | Kind::InPerson, Some(_)) => f.violate("visit_address", "only_for_home_visits"),
            _ => {}
        }
        let new = Self {
            therapist_id: f.uuid("therapist_id", &request.therapist_id),
            child_id: f.uuid("child_id", &request.child_id),
            kind,
            total_sessions,
            preferred_dates: begins(f, "preferred_dates", &request.preferred_dates, 3),
            notes: f.optional_text("notes", request.notes, 2000),
            visit_address,
        };
        fields.finish()?;
        Ok(new)
    }
}

impl TryFrom<proto::UpdateMatchingRequestRequest> for Answer {
    type Error = Error;

    fn try_from(request: proto::UpdateMatchingRequestRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let answer = match request.decision() {
            proto::MatchingDecision::Approve => {
                f.check(!request.session_times.is_empty(), "session_times", "required");
                Self::Approve {
                    session_times: begins(f, "session_times", &request.session_times, 12),
                    reason: f.optional_text("reason", request.reason, 500),
                }
            }
            proto::MatchingDecision::Reject => {
                f.check(request.session_times.is_empty(), "session_times", "only_with_approval");
                Self::Reject { reason: f.text("reason", request.reason.as_deref().unwrap_or_default(), 500) }
            }
            proto::MatchingDecision::Unspecified => {
                f.violate("decision", "required");
                Self::Reject { reason: String::new() }
            }
        };
        fields.finish()?;
        Ok(answer)
    }
}

fn parse_status(fields: &mut Fields, status: proto::MatchingRequestStatus) -> Status {
    match status {
        proto::MatchingRequestStatus::Pending => Status::Pending,
        proto::MatchingRequestStatus::Approved => Status::Approved,
        proto::MatchingRequestStatus::Rejected => Status::Rejected,
        proto::MatchingRequestStatus::Cancelled => Status::Cancelled,
        proto::MatchingRequestStatus::Expired => Status::Expired,
        proto::MatchingRequestStatus::Unspecified => {
            fields.violate("status", "required");
            Status::Pending
        }
    }
}

impl From<Status> for proto::MatchingRequestStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Approved => Self::Approved,
            Status::Rejected => Self::Rejected,
            Status::Cancelled => Self::Cancelled,
            Status::Expired => Self::Expired,
        }
    }
}

impl From<Shown> for proto::MatchingRequest {
    fn from(shown: Shown) -> Self {
        let request = shown.request;
        Self {
            id: request.id.to_string(),
            therapist_id: request.therapist_id.to_string(),
            parent_user_id: request.parent_user_id.to_string(),
            child_id: request.child_id.to_string(),
            kind: proto::ConsultationKind::from(request.kind).into(),
            total_sessions: request.total_sessions.into(),
            discounted_price: request.discounted_price.0,
            preferred_dates: request.preferred_dates.into_iter().map(timestamp).collect(),
            notes: shown.notes,
            status: proto::MatchingRequestStatus::from(request.status).into(),
            response_reason: request.response_reason,
            responded_at: request.responded_at.map(timestamp),
            expires_at: Some(timestamp(request.expires_at)),
            package_id: request.package_id.map(|id| id.to_string()),
            created_at: Some(timestamp(request.created_at)),
            version: request.version,
        }
    }
}
