//! Reports over gRPC.

use std::collections::HashSet;

use aipoten_kit::{Caller, Fields, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::report_service_server::ReportService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};
use uuid::Uuid;

use super::{Shown, Status, Texts, Wanted};
use crate::App;

/// How many videos a report recommends at most.
const VIDEOS: usize = 10;

#[tonic::async_trait]
impl ReportService for App {
    async fn put_report(
        &self,
        request: Request<proto::PutReportRequest>,
    ) -> Result<Response<proto::Report>, tonic::Status> {
        let caller = Caller::of(&request);
        let (id, wanted) = parse(request.into_inner())?;
        Ok(Response::new(super::put(self, &caller, id, wanted).await?.into()))
    }

    async fn get_report(
        &self,
        request: Request<proto::GetReportRequest>,
    ) -> Result<Response<proto::Report>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("consultation_id", &request.into_inner().consultation_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into()))
    }
}

fn parse(request: proto::PutReportRequest) -> Result<(Uuid, Wanted)> {
    let mut fields = Fields::new();
    let f = &mut fields;
    let id = f.uuid("consultation_id", &request.consultation_id);
    let status = Status::parse(request.status());
    let status = status.unwrap_or_else(|| {
        f.violate("status", "required");
        Status::Draft
    });
    let wanted = Wanted {
        status,
        texts: Texts {
            child_assessment: f.text("child_assessment", &request.child_assessment, 4000),
            session_content: f.text("session_content", &request.session_content, 4000),
            home_activities: f.text("home_activities", &request.home_activities, 4000),
            next_session_goal: f.optional_text("next_session_goal", request.next_session_goal, 1000),
            next_session_suggestions: f.optional_text(
                "next_session_suggestions",
                request.next_session_suggestions,
                2000,
            ),
        },
        recommended_video_ids: videos(f, &request.recommended_video_ids),
        expected_version: request.expected_version,
    };
    fields.finish().map(|()| (id, wanted))
}

/// Whether there are such videos is content's to know: those it does not show it leaves out.
fn videos(fields: &mut Fields, ids: &[String]) -> Vec<Uuid> {
    fields.check(ids.len() <= VIDEOS, "recommended_video_ids", &format!("too_many max={VIDEOS}"));
    let mut seen = HashSet::new();
    let mut videos = Vec::new();
    for (index, id) in ids.iter().take(VIDEOS).enumerate() {
        let field = format!("recommended_video_ids[{index}]");
        let id = fields.uuid(&field, id);
        fields.check(id.is_nil() || seen.insert(id), &field, "duplicate");
        videos.push(id);
    }
    videos
}

impl Status {
    fn parse(status: proto::ReportStatus) -> Option<Self> {
        match status {
            proto::ReportStatus::Unspecified => None,
            proto::ReportStatus::Draft => Some(Self::Draft),
            proto::ReportStatus::Submitted => Some(Self::Submitted),
        }
    }
}

impl From<Status> for proto::ReportStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Draft => Self::Draft,
            Status::Submitted => Self::Submitted,
        }
    }
}

impl From<Shown> for proto::Report {
    fn from(Shown { report, texts }: Shown) -> Self {
        Self {
            id: report.id.to_string(),
            consultation_id: report.consultation_id.to_string(),
            child_assessment: texts.child_assessment,
            session_content: texts.session_content,
            home_activities: texts.home_activities,
            next_session_goal: texts.next_session_goal,
            next_session_suggestions: texts.next_session_suggestions,
            recommended_video_ids: report.recommended_video_ids.iter().map(Uuid::to_string).collect(),
            status: proto::ReportStatus::from(report.status).into(),
            submitted_at: report.submitted_at.map(timestamp),
            amended_at: report.amended_at.map(timestamp),
            created_at: Some(timestamp(report.created_at)),
            version: report.version,
        }
    }
}
