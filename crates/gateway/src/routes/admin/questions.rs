//! The question bank.

use aipoten_proto::content::v1::{
    CreateQuestionRequest, DeleteQuestionRequest, GetQuestionRequest, ListQuestionsRequest, Question,
    UpdateQuestionRequest,
};
use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};
use crate::patch::Patch;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list_questions, create_question)).routes(routes!(
        get_question,
        update_question,
        delete_question
    ))
}

/// All questions, in both languages
#[utoipa::path(get, path = "/admin/assessments/questions", tag = "admin", params(ListQuestionsRequest),
    responses((status = 200, description = "A page of questions", body = List<Question>)))]
async fn list_questions(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListQuestionsRequest>,
) -> Answer<List<Question>> {
    let answer = gateway.questions().list_questions(call.with(query)).await?.into_inner();
    Ok(list(answer.questions, answer.page_info))
}

/// Add a question
#[utoipa::path(post, path = "/admin/assessments/questions", tag = "admin",
    responses((status = 201, description = "The new question", body = Data<Question>)))]
async fn create_question(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateQuestionRequest>,
) -> Answer<Data<Question>> {
    let question = gateway.questions().create_question(call.with(body)).await?.into_inner();
    Ok(data(question).version(|it| it.version).created(|it| format!("/admin/assessments/questions/{}", it.id)))
}

/// One question, in both languages
#[utoipa::path(get, path = "/admin/assessments/questions/{question_id}", tag = "admin",
    params(("question_id" = Uuid, Path, description = "The question")),
    responses((status = 200, description = "The question", body = Data<Question>)))]
async fn get_question(State(gateway): State<Gateway>, call: Call, Id(question_id): Id) -> Answer<Data<Question>> {
    let question = gateway.questions().get_question(call.with(GetQuestionRequest { question_id })).await?.into_inner();
    Ok(data(question).version(|it| it.version))
}

/// Change a question
#[utoipa::path(patch, path = "/admin/assessments/questions/{question_id}", tag = "admin", request_body = UpdateQuestionRequest,
    params(("question_id" = Uuid, Path, description = "The question")),
    responses((status = 200, description = "The changed question", body = Data<Question>)))]
async fn update_question(
    State(gateway): State<Gateway>,
    call: Call,
    Id(question_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateQuestionRequest>,
) -> Answer<Data<Question>> {
    let change = UpdateQuestionRequest { question_id, update_mask, expected_version, ..body };
    let question = gateway.questions().update_question(call.with(change)).await?.into_inner();
    Ok(data(question).version(|it| it.version))
}

/// Delete a question
#[utoipa::path(delete, path = "/admin/assessments/questions/{question_id}", tag = "admin",
    params(("question_id" = Uuid, Path, description = "The question")),
    responses((status = 204, description = "The question is deleted")))]
async fn delete_question(State(gateway): State<Gateway>, call: Call, Id(question_id): Id) -> Answer<StatusCode> {
    gateway.questions().delete_question(call.with(DeleteQuestionRequest { question_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}
