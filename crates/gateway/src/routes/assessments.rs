//! Development checks: starting, answering, completing, reading.

use aipoten_proto::content::v1::{
    Assessment, AssessmentResults, AssessmentSummary, ChildProgress, CompleteAssessmentRequest,
    CreateAssessmentRequest, GetAssessmentReportRequest, GetAssessmentRequest, GetAssessmentResultsRequest,
    GetChildProgressRequest, ListAgeQuestionsRequest, ListAgeQuestionsResponse, ListAssessmentsRequest,
    SaveResponsesRequest, SavedResponses, UpdateAssessmentRequest,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::{Life, Page, Shelf};
use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::file::{File, PDF};
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};
use crate::patch::Patch;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_assessments, create_assessment))
        .routes(routes!(list_age_questions))
        .routes(routes!(get_assessment, update_assessment))
        .routes(routes!(save_responses))
        .routes(routes!(complete_assessment))
        .routes(routes!(get_assessment_results))
        .routes(routes!(get_assessment_report))
        .routes(routes!(get_child_progress))
}

/// The checks of the own children
#[utoipa::path(get, path = "/assessments", tag = "assessments", params(ListAssessmentsRequest),
    responses((status = 200, description = "A page of checks", body = List<AssessmentSummary>)))]
async fn list_assessments(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListAssessmentsRequest>,
) -> Answer<List<AssessmentSummary>> {
    let answer = gateway.assessments().list_assessments(call.with(query)).await?.into_inner();
    Ok(list(answer.assessments, answer.page_info))
}

/// Start a check
///
/// The child's age today, corrected if born early, selects the questions. A child has one check in progress at a time.
#[utoipa::path(post, path = "/assessments", tag = "assessments",
    responses((status = 201, description = "The check with its questions", body = Data<Assessment>)))]
async fn create_assessment(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateAssessmentRequest>,
) -> Answer<Data<Assessment>> {
    let check = gateway.assessments().create_assessment(call.with(body)).await?.into_inner();
    Ok(data(check).version(|it| it.version).created(|it| format!("/assessments/{}", it.id)))
}

/// The questions asked at an age
#[utoipa::path(get, path = "/assessments/questions", tag = "assessments", params(ListAgeQuestionsRequest),
    responses((status = 200, description = "The questions, or why there are none", body = Data<ListAgeQuestionsResponse>)))]
async fn list_age_questions(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListAgeQuestionsRequest>,
) -> Answer<Page> {
    let fetch = || async { Ok(data(gateway.questions().list_age_questions(call.with(query)).await?.into_inner())) };
    gateway.cache().page(Shelf::Questions, Life::List, &call, &query, fetch).await
}

/// One check with its questions and the answers so far
#[utoipa::path(get, path = "/assessments/{assessment_id}", tag = "assessments",
    params(("assessment_id" = Uuid, Path, description = "The check")),
    responses((status = 200, description = "The check", body = Data<Assessment>)))]
async fn get_assessment(State(gateway): State<Gateway>, call: Call, Id(assessment_id): Id) -> Answer<Data<Assessment>> {
    let ask = GetAssessmentRequest { assessment_id };
    let check = gateway.assessments().get_assessment(call.with(ask)).await?.into_inner();
    Ok(data(check).version(|it| it.version))
}

/// Give a check up
#[utoipa::path(patch, path = "/assessments/{assessment_id}", tag = "assessments", request_body = UpdateAssessmentRequest,
    params(("assessment_id" = Uuid, Path, description = "The check")),
    responses((status = 200, description = "The changed check", body = Data<Assessment>)))]
async fn update_assessment(
    State(gateway): State<Gateway>,
    call: Call,
    Id(assessment_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateAssessmentRequest>,
) -> Answer<Data<Assessment>> {
    let change = UpdateAssessmentRequest { assessment_id, update_mask, expected_version, ..body };
    let check = gateway.assessments().update_assessment(call.with(change)).await?.into_inner();
    Ok(data(check).version(|it| it.version))
}

/// Save answers, one or many, in any order
///
/// A question answered again keeps the last answer. All are saved or none.
#[utoipa::path(post, path = "/assessments/{assessment_id}/responses", tag = "assessments",
    params(("assessment_id" = Uuid, Path, description = "The check")),
    responses((status = 200, description = "Where the check stands now", body = Data<SavedResponses>)))]
async fn save_responses(
    State(gateway): State<Gateway>,
    call: Call,
    Id(assessment_id): Id,
    Json(body): Json<SaveResponsesRequest>,
) -> Answer<Data<SavedResponses>> {
    let answers = SaveResponsesRequest { assessment_id, ..body };
    let saved = gateway.assessments().save_responses(call.with(answers)).await?.into_inner();
    Ok(data(saved).version(|it| it.version))
}

/// Complete a check
///
/// Computes scores, levels, follow-up, feedback and recommendations once. Completing again answers the same results.
#[utoipa::path(post, path = "/assessments/{assessment_id}/complete", tag = "assessments",
    params(("assessment_id" = Uuid, Path, description = "The check")),
    responses((status = 200, description = "The results", body = Data<AssessmentResults>)))]
async fn complete_assessment(
    State(gateway): State<Gateway>,
    call: Call,
    Id(assessment_id): Id,
) -> Answer<Data<AssessmentResults>> {
    let ask = CompleteAssessmentRequest { assessment_id };
    Ok(data(gateway.assessments().complete_assessment(call.with(ask)).await?.into_inner()))
}

/// The results of a completed check
#[utoipa::path(get, path = "/assessments/{assessment_id}/results", tag = "assessments",
    params(("assessment_id" = Uuid, Path, description = "The check")),
    responses((status = 200, description = "The results; they are no diagnosis", body = Data<AssessmentResults>)))]
async fn get_assessment_results(
    State(gateway): State<Gateway>,
    call: Call,
    Id(assessment_id): Id,
) -> Answer<Data<AssessmentResults>> {
    let ask = GetAssessmentResultsRequest { assessment_id };
    Ok(data(gateway.assessments().get_assessment_results(call.with(ask)).await?.into_inner()))
}

/// A completed check on one page, for the paediatrician
///
/// One A4 sheet in the reader's language, with the child's name: to be shown, not to be kept.
#[utoipa::path(get, path = "/assessments/{assessment_id}/report.pdf", tag = "assessments",
    params(("assessment_id" = Uuid, Path, description = "The check")),
    responses((status = 200, description = "The page; it is no diagnosis", content_type = "application/pdf", body = inline(File))))]
async fn get_assessment_report(State(gateway): State<Gateway>, call: Call, Id(assessment_id): Id) -> Answer<File> {
    let ask = GetAssessmentReportRequest { assessment_id };
    let report = gateway.assessments().get_assessment_report(call.with(ask)).await?.into_inner();
    Ok(File { name: report.file_name, kind: PDF, bytes: report.pdf })
}

/// How a child's completed checks came out over time
#[utoipa::path(get, path = "/children/{child_id}/progress", tag = "assessments",
    params(("child_id" = Uuid, Path, description = "The child")),
    responses((status = 200, description = "The last 100 checks, the oldest first", body = Data<ChildProgress>)))]
async fn get_child_progress(
    State(gateway): State<Gateway>,
    call: Call,
    Id(child_id): Id,
) -> Answer<Data<ChildProgress>> {
    let ask = GetChildProgressRequest { child_id };
    Ok(data(gateway.assessments().get_child_progress(call.with(ask)).await?.into_inner()))
}
