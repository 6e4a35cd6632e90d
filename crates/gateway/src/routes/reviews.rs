//! Reviews of therapists, and feedback between the two sides of a session.

use aipoten_proto::matching::v1::{
    CreateFeedbackRequest, CreateReviewRequest, Feedback, ListReviewsRequest, ReplyToReviewRequest, Review,
    UpdateReviewRequest,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::{Call, PublicCall};
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};
use crate::patch::Patch;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_reviews))
        .routes(routes!(create_review, update_review))
        .routes(routes!(reply_to_review))
        .routes(routes!(create_feedback))
}

/// What parents say of a therapist
#[utoipa::path(get, path = "/therapists/{therapist_id}/reviews", tag = "therapists", security(()),
    params(("therapist_id" = Uuid, Path, description = "The therapist"), ListReviewsRequest),
    responses((status = 200, description = "A page of reviews, the newest first", body = List<Review>)))]
async fn list_reviews(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Id(therapist_id): Id,
    Query(query): Query<ListReviewsRequest>,
) -> Answer<List<Review>> {
    let ask = ListReviewsRequest { therapist_id, ..query };
    let answer = gateway.reviews().list_reviews(call.with(ask)).await?.into_inner();
    Ok(list(answer.reviews, answer.page_info))
}

/// Review the therapist of a session that was held
#[utoipa::path(post, path = "/consultations/{consultation_id}/review", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 201, description = "The review", body = Data<Review>)))]
async fn create_review(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    Json(body): Json<CreateReviewRequest>,
) -> Answer<Data<Review>> {
    let new = CreateReviewRequest { consultation_id, ..body };
    let review = gateway.reviews().create_review(call.with(new)).await?.into_inner();
    Ok(data(review).version(|it| it.version).created(|it| format!("/therapists/{}/reviews", it.therapist_id)))
}

/// Change a review, within 14 days
#[utoipa::path(patch, path = "/consultations/{consultation_id}/review", tag = "consultations",
    request_body = UpdateReviewRequest, params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The changed review", body = Data<Review>)))]
async fn update_review(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateReviewRequest>,
) -> Answer<Data<Review>> {
    let change = UpdateReviewRequest { consultation_id, update_mask, expected_version, ..body };
    let review = gateway.reviews().update_review(call.with(change)).await?.into_inner();
    Ok(data(review).version(|it| it.version))
}

/// Answer a review, or change the answer
#[utoipa::path(post, path = "/reviews/{review_id}/reply", tag = "therapists",
    params(("review_id" = Uuid, Path, description = "The review")),
    responses((status = 200, description = "The review with the answer", body = Data<Review>)))]
async fn reply_to_review(
    State(gateway): State<Gateway>,
    call: Call,
    Id(review_id): Id,
    Json(body): Json<ReplyToReviewRequest>,
) -> Answer<Data<Review>> {
    let reply = ReplyToReviewRequest { review_id, ..body };
    let review = gateway.reviews().reply_to_review(call.with(reply)).await?.into_inner();
    Ok(data(review).version(|it| it.version))
}

/// Say something of a session to the other side, once
#[utoipa::path(post, path = "/consultations/{consultation_id}/feedback", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 201, description = "The feedback", body = Data<Feedback>)))]
async fn create_feedback(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    Json(body): Json<CreateFeedbackRequest>,
) -> Answer<Data<Feedback>> {
    let new = CreateFeedbackRequest { consultation_id, ..body };
    let feedback = gateway.reviews().create_feedback(call.with(new)).await?.into_inner();
    Ok(data(feedback).created(|it| format!("/consultations/{}", it.consultation_id)))
}
