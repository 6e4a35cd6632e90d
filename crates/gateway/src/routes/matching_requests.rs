//! Wishes of parents to work with a therapist.

use aipoten_proto::matching::v1::{
    CancelMatchingRequestRequest, CreateMatchingRequestRequest, GetMatchingRequestRequest, ListMatchingRequestsRequest,
    MatchingRequest, UpdateMatchingRequestRequest,
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

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list_matching_requests, create_matching_request)).routes(routes!(
        get_matching_request,
        update_matching_request,
        cancel_matching_request
    ))
}

/// The own requests, as parent or as therapist
#[utoipa::path(get, path = "/matching/requests", tag = "matching", params(ListMatchingRequestsRequest),
    responses((status = 200, description = "A page of requests, the newest first", body = List<MatchingRequest>)))]
async fn list_matching_requests(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListMatchingRequestsRequest>,
) -> Answer<List<MatchingRequest>> {
    let answer = gateway.matching_requests().list_matching_requests(call.with(query)).await?.into_inner();
    Ok(list(answer.requests, answer.page_info))
}

/// Ask a therapist
///
/// Takes an Idempotency-Key. Needs the consent to sensitive data of the child.
#[utoipa::path(post, path = "/matching/requests", tag = "matching",
    responses((status = 201, description = "The new request", body = Data<MatchingRequest>)))]
async fn create_matching_request(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateMatchingRequestRequest>,
) -> Answer<Data<MatchingRequest>> {
    let request = gateway.matching_requests().create_matching_request(call.with(body)).await?.into_inner();
    Ok(data(request).version(|it| it.version).created(|it| format!("/matching/requests/{}", it.id)))
}

/// One request
#[utoipa::path(get, path = "/matching/requests/{request_id}", tag = "matching",
    params(("request_id" = Uuid, Path, description = "The request")),
    responses((status = 200, description = "The request", body = Data<MatchingRequest>)))]
async fn get_matching_request(
    State(gateway): State<Gateway>,
    call: Call,
    Id(request_id): Id,
) -> Answer<Data<MatchingRequest>> {
    let ask = GetMatchingRequestRequest { request_id };
    let request = gateway.matching_requests().get_matching_request(call.with(ask)).await?.into_inner();
    Ok(data(request).version(|it| it.version))
}

/// Approve with session times, or reject
///
/// For the therapist who was asked. Approving holds the times and makes a package that waits for payment.
#[utoipa::path(patch, path = "/matching/requests/{request_id}", tag = "matching",
    params(("request_id" = Uuid, Path, description = "The request")),
    responses((status = 200, description = "The answered request", body = Data<MatchingRequest>)))]
async fn update_matching_request(
    State(gateway): State<Gateway>,
    call: Call,
    Id(request_id): Id,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateMatchingRequestRequest>,
) -> Answer<Data<MatchingRequest>> {
    let answer = UpdateMatchingRequestRequest { request_id, expected_version, ..body };
    let request = gateway.matching_requests().update_matching_request(call.with(answer)).await?.into_inner();
    Ok(data(request).version(|it| it.version))
}

/// Take a pending request back
#[utoipa::path(delete, path = "/matching/requests/{request_id}", tag = "matching",
    params(("request_id" = Uuid, Path, description = "The request")),
    responses((status = 204, description = "The request is taken back")))]
async fn cancel_matching_request(State(gateway): State<Gateway>, call: Call, Id(request_id): Id) -> Answer<StatusCode> {
    let cancel = CancelMatchingRequestRequest { request_id };
    gateway.matching_requests().cancel_matching_request(call.with(cancel)).await?;
    Ok(StatusCode::NO_CONTENT)
}
