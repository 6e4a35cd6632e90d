//! Wishes for another time over gRPC.

use aipoten_kit::{Caller, Error, Fields, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::schedule_change_service_server::ScheduleChangeService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::{Answer, ScheduleChange, Status};
use crate::App;
use crate::begin::begins;

#[tonic::async_trait]
impl ScheduleChangeService for App {
    async fn create_schedule_change(
        &self,
        request: Request<proto::CreateScheduleChangeRequest>,
    ) -> Result<Response<proto::ScheduleChange>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let consultation_id = fields.uuid("consultation_id", &request.consultation_id);
        let reason = fields.text("change_reason", &request.change_reason, 500);
        fields.check(!request.preferred_dates.is_empty(), "preferred_dates", "required");
        let preferred = begins(&mut fields, "preferred_dates", &request.preferred_dates, 3);
        fields.finish()?;
        Ok(Response::new(super::create(self, &caller, consultation_id, reason, preferred).await?.into()))
    }

    async fn list_schedule_changes(
        &self,
        request: Request<proto::ListScheduleChangesRequest>,
    ) -> Result<Response<proto::ListScheduleChangesResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        let changes = super::list(self, &caller, id).await?;
        Ok(Response::new(proto::ListScheduleChangesResponse {
            schedule_changes: changes.into_iter().map(Into::into).collect(),
        }))
    }

    async fn update_schedule_change(
        &self,
        request: Request<proto::UpdateScheduleChangeRequest>,
    ) -> Result<Response<proto::ScheduleChange>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("schedule_change_id", &request.schedule_change_id)?;
        Ok(Response::new(super::answer(self, &caller, id, request.try_into()?).await?.into()))
    }
}

impl TryFrom<proto::UpdateScheduleChangeRequest> for Answer {
    type Error = Error;

    fn try_from(request: proto::UpdateScheduleChangeRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let answer = match request.decision() {
            proto::ScheduleChangeDecision::Approve => Self::Approve {
                new_start: f.moment("new_start", request.new_start),
                reason: f.optional_text("reason", request.reason, 500),
            },
            proto::ScheduleChangeDecision::Reject => {
                f.check(request.new_start.is_none(), "new_start", "only_with_approval");
                Self::Reject { reason: f.text("reason", request.reason.as_deref().unwrap_or_default(), 500) }
            }
            proto::ScheduleChangeDecision::Cancel => {
                f.check(request.new_start.is_none(), "new_start", "only_with_approval");
                Self::Cancel
            }
            proto::ScheduleChangeDecision::Unspecified => {
                f.violate("decision", "required");
                Self::Cancel
            }
        };
        fields.finish()?;
        Ok(answer)
    }
}

impl From<ScheduleChange> for proto::ScheduleChange {
    fn from(change: ScheduleChange) -> Self {
        let status = match change.status {
            Status::Pending => proto::ScheduleChangeStatus::Pending,
            Status::Approved => proto::ScheduleChangeStatus::Approved,
            Status::Rejected => proto::ScheduleChangeStatus::Rejected,
            Status::Cancelled => proto::ScheduleChangeStatus::Cancelled,
        };
        Self {
            id: change.id.to_string(),
            consultation_id: change.consultation_id.to_string(),
            requester_user_id: change.requester_user_id.to_string(),
            original_start: Some(timestamp(change.original_start)),
            change_reason: change.change_reason,
            preferred_dates: change.preferred_dates.into_iter().map(timestamp).collect(),
            status: status.into(),
            response_reason: change.response_reason,
            new_start: change.new_start.map(timestamp),
            responded_at: change.responded_at.map(timestamp),
            created_at: Some(timestamp(change.created_at)),
        }
    }
}
