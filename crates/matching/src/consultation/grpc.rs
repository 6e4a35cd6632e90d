//! Sessions over gRPC.

use aipoten_kit::{Caller, Error, Fields, Mask, Page, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::consultation_service_server::ConsultationService;
use aipoten_proto::timestamp;
use chrono::NaiveDate;
use tonic::{Request, Response};

use super::{Consultation, Filter, Patch, Shown, Status, Wish};
use crate::App;
use crate::begin::begin;
use crate::refund::CancelledBy;
use aipoten_kit::Once;

#[tonic::async_trait]
impl ConsultationService for App {
    async fn list_consultations(
        &self,
        request: Request<proto::ListConsultationsRequest>,
    ) -> Result<Response<proto::ListConsultationsResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let filter = Filter::parse(&mut fields, &request);
        fields.finish()?;
        let (consultations, total) = super::list(self, &caller, &filter, page).await?;
        Ok(Response::new(proto::ListConsultationsResponse {
            consultations: consultations.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_consultation(
        &self,
        request: Request<proto::GetConsultationRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into()))
    }

    async fn update_consultation(
        &self,
        request: Request<proto::UpdateConsultationRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("consultation_id", &request.consultation_id)?;
        Ok(Response::new(super::update(self, &caller, id, request.try_into()?).await?.into()))
    }

    async fn schedule_consultation(
        &self,
        request: Request<proto::ScheduleConsultationRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let once = Once::of(&caller, "ScheduleConsultation", &request);
        let mut fields = Fields::new();
        let id = fields.uuid("consultation_id", &request.consultation_id);
        let starts_at = begin(&mut fields, "starts_at", request.starts_at);
        fields.finish()?;
        Ok(Response::new(super::schedule(self, &caller, &once, id, starts_at).await?))
    }

    async fn start_consultation(
        &self,
        request: Request<proto::StartConsultationRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        Ok(Response::new(super::start(self, &caller, id).await?.into()))
    }

    async fn complete_consultation(
        &self,
        request: Request<proto::CompleteConsultationRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        Ok(Response::new(super::complete(self, &caller, id).await?.into()))
    }

    async fn mark_no_show(
        &self,
        request: Request<proto::MarkNoShowRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        Ok(Response::new(super::mark_no_show(self, &caller, id).await?.into()))
    }

    async fn get_cancel_quote(
        &self,
        request: Request<proto::GetCancelQuoteRequest>,
    ) -> Result<Response<proto::CancelQuote>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        Ok(Response::new(super::quote(self, &caller, id).await?))
    }

    async fn cancel_consultation(
        &self,
        request: Request<proto::CancelConsultationRequest>,
    ) -> Result<Response<proto::CancelledConsultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let once = Once::of(&caller, "CancelConsultation", &request);
        let mut fields = Fields::new();
        let id = fields.uuid("consultation_id", &request.consultation_id);
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        let wish = Wish { reason, keep_credit: request.keep_credit.unwrap_or(false) };
        Ok(Response::new(super::cancel(self, &caller, &once, id, &wish).await?))
    }

    async fn dispute_consultation(
        &self,
        request: Request<proto::DisputeConsultationRequest>,
    ) -> Result<Response<proto::Consultation>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("consultation_id", &request.consultation_id);
        let reason = fields.text("reason", &request.reason, 1000);
        fields.finish()?;
        Ok(Response::new(super::dispute(self, &caller, id, &reason).await?.into()))
    }

    async fn get_consultation_room(
        &self,
        request: Request<proto::GetConsultationRoomRequest>,
    ) -> Result<Response<proto::ConsultationRoom>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        let open_until = super::room(self, &caller, id).await?;
        Ok(Response::new(proto::ConsultationRoom {
            consultation_id: id.to_string(),
            open_until: Some(timestamp(open_until)),
        }))
    }
}

impl Filter {
    fn parse(fields: &mut Fields, request: &proto::ListConsultationsRequest) -> Self {
        let status = request.status.is_some().then(|| {
            Status::parse(request.status()).unwrap_or_else(|| {
                fields.violate("status", "required");
                Status::Scheduled
            })
        });
        let from: Option<NaiveDate> = request.from.as_deref().map(|it| fields.date("from", it));
        let to = request.to.as_deref().map(|it| fields.date("to", it));
        fields.check(from.is_none_or(|from| to.is_none_or(|to| from <= to)), "to", "before_from");
        Self {
            status,
            from,
            to,
            child_id: request.child_id.as_deref().map(|it| fields.uuid("child_id", it)),
            therapist_id: request.therapist_id.as_deref().map(|it| fields.uuid("therapist_id", it)),
        }
    }
}

impl TryFrom<proto::UpdateConsultationRequest> for Patch {
    type Error = Error;

    fn try_from(request: proto::UpdateConsultationRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let mask = Mask::parse(f, request.update_mask, &["visit_address", "notes"]);
        let patch = Self {
            visit_address: mask
                .kept(f, "visit_address", request.visit_address)
                .map(|it| crate::request::address(f, "visit_address", &it)),
            notes: mask.clearable("notes", request.notes).map(|it| f.optional_text("notes", it, 4000)),
            expected_version: request.expected_version,
        };
        fields.finish()?;
        Ok(patch)
    }
}

impl From<Consultation> for proto::Consultation {
    /// As in lists: without the texts.
    fn from(consultation: Consultation) -> Self {
        let cancelled_by = consultation.cancelled_by.map(|by| match by {
            CancelledBy::Parent => proto::CancelledBy::Parent,
            CancelledBy::Therapist => proto::CancelledBy::Therapist,
            CancelledBy::Platform => proto::CancelledBy::Platform,
        });
        Self {
            id: consultation.id.to_string(),
            package_id: consultation.package_id.to_string(),
            session_number: consultation.session_number.into(),
            therapist_id: consultation.therapist_id.to_string(),
            parent_user_id: consultation.parent_user_id.to_string(),
            child_id: consultation.child_id.to_string(),
            kind: proto::ConsultationKind::from(consultation.kind).into(),
            scheduled_at: consultation.scheduled_at.map(timestamp),
            ends_at: consultation.ends_at.map(timestamp),
            session_fee: consultation.session_fee.0,
            status: proto::ConsultationStatus::from(consultation.status).into(),
            visit_address: None,
            notes: None,
            cancellation_reason: consultation.cancellation_reason,
            cancelled_by: cancelled_by.map(Into::into),
            cancelled_at: consultation.cancelled_at.map(timestamp),
            started_at: consultation.started_at.map(timestamp),
            completed_at: consultation.completed_at.map(timestamp),
            report_submitted_at: consultation.report_submitted_at.map(timestamp),
            disputed_at: consultation.disputed_at.map(timestamp),
            version: consultation.version,
            refund_policy: consultation.refund_policy.map(|share| proto::RefundPolicy::from(share).into()),
            refund_amount: consultation.refund_amount.map(|amount| amount.0),
        }
    }
}

impl From<Shown> for proto::Consultation {
    fn from(shown: Shown) -> Self {
        Self { visit_address: shown.visit_address, notes: shown.notes, ..shown.consultation.into() }
    }
}
