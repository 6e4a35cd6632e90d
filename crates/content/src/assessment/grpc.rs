//! Checks over gRPC.

use aipoten_kit::{Caller, Fields, Locale, Mask, Page, Result};
use aipoten_proto::content::v1 as proto;
use aipoten_proto::content::v1::assessment_service_server::AssessmentService;
use aipoten_proto::timestamp;
use tonic::{Request, Response as Reply, Status as Refusal};
use uuid::Uuid;

use super::answer::Saved;
use super::asked::Asked;
use super::feedback::{disclaimer, summary};
use super::follow_up::Cause;
use super::result::{AreaRow, Results};
use super::{
    AnswerType, Assessment, Filter, Finding, FollowUp, Level, ProgressRow, Response, Status, Summary, answer, complete,
    drawing, report, result, start,
};
use crate::App;
use crate::age::{Basis, checkpoint};

#[tonic::async_trait]
impl AssessmentService for App {
    async fn create_assessment(
        &self,
        request: Request<proto::CreateAssessmentRequest>,
    ) -> Result<Reply<proto::Assessment>, Refusal> {
        let caller = Caller::of(&request);
        let child_id = Fields::only_uuid("child_id", &request.into_inner().child_id)?;
        let assessment = start::start(self, &caller, child_id).await?;
        Ok(Reply::new(assessment.into_proto(&[], caller.locale)))
    }

    async fn get_assessment(
        &self,
        request: Request<proto::GetAssessmentRequest>,
    ) -> Result<Reply<proto::Assessment>, Refusal> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("assessment_id", &request.into_inner().assessment_id)?;
        let (assessment, responses) = super::get(self, &caller, id).await?;
        Ok(Reply::new(assessment.into_proto(&responses, caller.locale)))
    }

    async fn list_assessments(
        &self,
        request: Request<proto::ListAssessmentsRequest>,
    ) -> Result<Reply<proto::ListAssessmentsResponse>, Refusal> {
        let caller = Caller::of(&request);
        let (page, filter) = parse_list(&request.into_inner())?;
        let (assessments, total) = super::list(self, &caller, page, filter).await?;
        Ok(Reply::new(proto::ListAssessmentsResponse {
            assessments: assessments.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn update_assessment(
        &self,
        request: Request<proto::UpdateAssessmentRequest>,
    ) -> Result<Reply<proto::Assessment>, Refusal> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let expected_version = request.expected_version;
        let id = parse_cancellation(request)?;
        let (assessment, responses) = super::cancel(self, &caller, id, expected_version).await?;
        Ok(Reply::new(assessment.into_proto(&responses, caller.locale)))
    }

    async fn save_responses(
        &self,
        request: Request<proto::SaveResponsesRequest>,
    ) -> Result<Reply<proto::SavedResponses>, Refusal> {
        let caller = Caller::of(&request);
        let (id, responses) = parse_responses(&request.into_inner())?;
        let saved = answer::save(self, &caller, id, responses).await?;
        Ok(Reply::new(saved.into_proto(id)))
    }

    async fn complete_assessment(
        &self,
        request: Request<proto::CompleteAssessmentRequest>,
    ) -> Result<Reply<proto::AssessmentResults>, Refusal> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("assessment_id", &request.into_inner().assessment_id)?;
        let results = complete::complete(self, &caller, id).await?;
        Ok(Reply::new(results.into_proto(caller.locale)))
    }

    async fn get_assessment_results(
        &self,
        request: Request<proto::GetAssessmentResultsRequest>,
    ) -> Result<Reply<proto::AssessmentResults>, Refusal> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("assessment_id", &request.into_inner().assessment_id)?;
        let results = result::get(self, &caller, id).await?;
        Ok(Reply::new(results.into_proto(caller.locale)))
    }

    async fn get_assessment_report(
        &self,
        request: Request<proto::GetAssessmentReportRequest>,
    ) -> Result<Reply<proto::AssessmentReport>, Refusal> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("assessment_id", &request.into_inner().assessment_id)?;
        let report = report::make(self, &caller, id).await?;
        Ok(Reply::new(proto::AssessmentReport { pdf: report.pdf, file_name: report.file_name }))
    }

    async fn get_child_progress(
        &self,
        request: Request<proto::GetChildProgressRequest>,
    ) -> Result<Reply<proto::ChildProgress>, Refusal> {
        let caller = Caller::of(&request);
        let child_id = Fields::only_uuid("child_id", &request.into_inner().child_id)?;
        let rows = super::progress(self, &caller, child_id).await?;
        let disclaimer = disclaimer().in_language(caller.locale);
        Ok(Reply::new(proto::ChildProgress {
            child_id: child_id.to_string(),
            points: points(&rows),
            svg: drawing::draw(&rows, caller.locale, &disclaimer),
            disclaimer,
        }))
    }
}

fn parse_list(request: &proto::ListAssessmentsRequest) -> Result<(Page, Filter)> {
    let mut fields = Fields::new();
    let page = Page::parse(&mut fields, request.page, request.limit);
    let order_by = match request.sort.as_deref() {
        None | Some("-started_at") => "created_at DESC, id",
        Some("started_at") => "created_at, id",
        Some("-completed_at") => "completed_at DESC NULLS LAST, id",
        Some("completed_at") => "completed_at NULLS LAST, id",
        Some(_) => {
            fields.violate("sort", "unknown_sort");
            ""
        }
    };
    let filter = Filter {
        child_id: request.child_id.as_deref().map(|id| fields.uuid("child_id", id)),
        status: request.status.map(|status| parse_status(&mut fields, status)),
        order_by,
    };
    fields.finish()?;
    Ok((page, filter))
}

fn parse_status(fields: &mut Fields, status: i32) -> Status {
    let status = match proto::AssessmentStatus::try_from(status) {
        Ok(proto::AssessmentStatus::InProgress) => Some(Status::InProgress),
        Ok(proto::AssessmentStatus::Completed) => Some(Status::Completed),
        Ok(proto::AssessmentStatus::Cancelled) => Some(Status::Cancelled),
        Ok(proto::AssessmentStatus::Unspecified) | Err(_) => None,
    };
    fields.required("status", status)
}

/// The only change there is: a check is given up.
fn parse_cancellation(request: proto::UpdateAssessmentRequest) -> Result<Uuid> {
    let mut fields = Fields::new();
    let id = fields.uuid("assessment_id", &request.assessment_id);
    let mask = Mask::parse(&mut fields, request.update_mask, &["status"]);
    let status = mask.kept(&mut fields, "status", request.status);
    let cancelled = status.is_none_or(|status| status == proto::AssessmentStatus::Cancelled as i32);
    fields.check(cancelled, "status", "only_cancelled");
    fields.finish()?;
    Ok(id)
}

fn parse_responses(request: &proto::SaveResponsesRequest) -> Result<(Uuid, Vec<Response>)> {
    let mut fields = Fields::new();
    let id = fields.uuid("assessment_id", &request.assessment_id);
    fields.check(!request.responses.is_empty(), "responses", "required");
    fields.check(request.responses.len() <= 100, "responses", "too_many max=100");
    let response = |(index, response): (usize, &proto::NewResponse)| Response {
        question_id: fields.uuid(&format!("responses[{index}].question_id"), &response.question_id),
        answer: fields.text(&format!("responses[{index}].answer"), &response.answer, 40),
    };
    let responses = request.responses.iter().take(100).enumerate().map(response).collect();
    fields.finish()?;
    Ok((id, responses))
}

impl Assessment {
    fn into_proto(self, responses: &[Response], locale: Locale) -> proto::Assessment {
        let answer = |id: Uuid| responses.iter().find(|it| it.question_id == id).map(|it| it.answer.clone());
        let question = |asked: &Asked| proto::AssessmentQuestion {
            question: Some(asked.to_proto(locale)),
            answer: answer(asked.id),
        };
        proto::Assessment {
            id: self.id.to_string(),
            child_id: self.child_id.to_string(),
            assessment_date: self.assessment_date.to_string(),
            age_in_months: self.age_in_months.into(),
            corrected_age_in_months: self.corrected_age_in_months.map(Into::into),
            age_used: self.basis().to_proto().into(),
            status: self.status.to_proto().into(),
            questions: self.question_set.iter().map(question).collect(),
            answered_count: count(responses.len()),
            question_count: count(self.question_set.len()),
            disclaimer: disclaimer().in_language(locale),
            started_at: Some(timestamp(self.created_at)),
            expires_at: Some(timestamp(self.expires_at())),
            completed_at: self.completed_at.map(timestamp),
            version: self.version,
            checkpoint_months: checkpoint(self.months_used()).unwrap_or_default(),
        }
    }

    fn causing_items(&self, findings: &[Finding], locale: Locale) -> Vec<proto::CausingItem> {
        let item = |finding: &Finding| {
            let question = self.question(&finding.code)?;
            Some(proto::CausingItem {
                question_id: question.id.to_string(),
                code: finding.code.clone(),
                text: locale.pick(&question.text_ko, &question.text_en).clone(),
                cause: finding.cause.to_proto().into(),
            })
        };
        findings.iter().filter_map(item).collect()
    }

    fn raised_red_flags(&self, codes: &[String], locale: Locale) -> Vec<proto::RaisedRedFlag> {
        let red_flag = |code: &String| {
            let question = self.question(code)?;
            Some(proto::RaisedRedFlag {
                question_id: question.id.to_string(),
                code: code.clone(),
                text: locale.pick(&question.text_ko, &question.text_en).clone(),
                follow_up: question.follow_up?.to_proto().into(),
            })
        };
        codes.iter().filter_map(red_flag).collect()
    }
}

impl Saved {
    fn into_proto(self, assessment_id: Uuid) -> proto::SavedResponses {
        proto::SavedResponses {
            assessment_id: assessment_id.to_string(),
            answered_count: count(self.question_count - self.unanswered.len()),
            question_count: count(self.question_count),
            unanswered_question_ids: self.unanswered.iter().map(Uuid::to_string).collect(),
            version: self.version,
        }
    }
}

impl Results {
    fn into_proto(self, locale: Locale) -> proto::AssessmentResults {
        let check_again = self.check_again();
        let Self { assessment, areas } = self;
        let follow_up = assessment.follow_up.unwrap_or(FollowUp::Incomplete);
        proto::AssessmentResults {
            assessment_id: assessment.id.to_string(),
            child_id: assessment.child_id.to_string(),
            assessment_date: assessment.assessment_date.to_string(),
            age_in_months: assessment.age_in_months.into(),
            corrected_age_in_months: assessment.corrected_age_in_months.map(Into::into),
            age_used: assessment.basis().to_proto().into(),
            follow_up: follow_up.to_proto().into(),
            summary: summary(follow_up).in_language(locale),
            causing_items: assessment.causing_items(&assessment.causing_items, locale),
            red_flags: assessment.raised_red_flags(&assessment.red_flags, locale),
            areas: areas.into_iter().map(|area| area.into_proto(&assessment, locale)).collect(),
            check_again_from: check_again.map(|(from, _)| from.to_string()),
            check_again_until: check_again.map(|(_, until)| until.to_string()),
            disclaimer: disclaimer().in_language(locale),
            rule_version: assessment.rule_version,
            completed_at: assessment.completed_at.map(timestamp),
        }
    }
}

impl AreaRow {
    fn into_proto(self, assessment: &Assessment, locale: Locale) -> proto::AreaResult {
        proto::AreaResult {
            area: self.area.to_proto().into(),
            score: self.score,
            level: self.level.to_proto().into(),
            follow_up: self.follow_up.to_proto().into(),
            causing_items: assessment.causing_items(&self.causing_items, locale),
            red_flags: assessment.raised_red_flags(&self.red_flags, locale),
            feedback: self.feedback.in_language(locale),
            recommendations: self.recommendations.in_language(locale),
            answered_count: self.answered_count.into(),
            question_count: self.question_count.into(),
        }
    }
}

impl From<Summary> for proto::AssessmentSummary {
    fn from(summary: Summary) -> Self {
        Self {
            id: summary.id.to_string(),
            child_id: summary.child_id.to_string(),
            assessment_date: summary.assessment_date.to_string(),
            age_in_months: summary.age_in_months.into(),
            corrected_age_in_months: summary.corrected_age_in_months.map(Into::into),
            status: summary.status.to_proto().into(),
            follow_up: summary.follow_up.map(|follow_up| follow_up.to_proto().into()),
            answered_count: i32::try_from(summary.answered_count).unwrap_or(i32::MAX),
            question_count: summary.question_count.into(),
            started_at: Some(timestamp(summary.created_at)),
            completed_at: summary.completed_at.map(timestamp),
        }
    }
}

/// The rows of a check stand together; its areas are shown in one order, so that lines can be drawn.
fn points(rows: &[ProgressRow]) -> Vec<proto::ProgressPoint> {
    let point = |rows: &[ProgressRow]| {
        let mut areas: Vec<&ProgressRow> = rows.iter().collect();
        areas.sort_by_key(|row| row.area);
        let area = |row: &ProgressRow| proto::AreaPoint {
            area: row.area.to_proto().into(),
            score: row.score,
            level: row.level.to_proto().into(),
            follow_up: row.follow_up.to_proto().into(),
        };
        proto::ProgressPoint {
            assessment_id: rows[0].assessment_id.to_string(),
            assessment_date: rows[0].assessment_date.to_string(),
            age_in_months: rows[0].age_in_months.into(),
            corrected_age_in_months: rows[0].corrected_age_in_months.map(Into::into),
            follow_up: rows[0].overall.to_proto().into(),
            areas: areas.into_iter().map(area).collect(),
        }
    };
    rows.chunk_by(|a, b| a.assessment_id == b.assessment_id).map(point).collect()
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Basis {
    const fn to_proto(self) -> proto::AgeBasis {
        match self {
            Self::Chronological => proto::AgeBasis::Chronological,
            Self::Corrected => proto::AgeBasis::Corrected,
        }
    }
}

impl Status {
    const fn to_proto(self) -> proto::AssessmentStatus {
        match self {
            Self::InProgress => proto::AssessmentStatus::InProgress,
            Self::Completed => proto::AssessmentStatus::Completed,
            Self::Cancelled => proto::AssessmentStatus::Cancelled,
        }
    }
}

impl AnswerType {
    pub(crate) const fn to_proto(self) -> proto::AnswerType {
        match self {
            Self::Scale => proto::AnswerType::Scale,
            Self::YesNo => proto::AnswerType::YesNo,
            Self::MultipleChoice => proto::AnswerType::MultipleChoice,
        }
    }
}

impl FollowUp {
    pub(crate) const fn to_proto(self) -> proto::FollowUp {
        match self {
            Self::ReferNow => proto::FollowUp::ReferNow,
            Self::TalkToProfessional => proto::FollowUp::TalkToProfessional,
            Self::Watch => proto::FollowUp::Watch,
            Self::Incomplete => proto::FollowUp::Incomplete,
            Self::OnTrack => proto::FollowUp::OnTrack,
        }
    }
}

impl Level {
    pub(crate) const fn to_proto(self) -> proto::Level {
        match self {
            Self::Excellent => proto::Level::Excellent,
            Self::Good => proto::Level::Good,
            Self::Caution => proto::Level::Caution,
            Self::NeedsObservation => proto::Level::NeedsObservation,
            Self::NotAssessed => proto::Level::NotAssessed,
        }
    }
}

impl Cause {
    const fn to_proto(self) -> proto::Cause {
        match self {
            Self::RedFlag => proto::Cause::RedFlag,
            Self::NotYet => proto::Cause::NotYet,
            Self::LowScore => proto::Cause::LowScore,
            Self::NotSure => proto::Cause::NotSure,
        }
    }
}
