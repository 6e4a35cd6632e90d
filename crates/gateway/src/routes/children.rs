//! Children in the care of the caller.

use aipoten_proto::identity::v1::{
    Child, ChildAccess, ChildSummary, CreateChildRequest, DeleteChildRequest, GetChildRequest,
    ListChildAccessesRequest, ListChildrenRequest, UpdateChildRequest,
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
    OpenApiRouter::new()
        .routes(routes!(list_children, create_child))
        .routes(routes!(get_child, update_child, delete_child))
        .routes(routes!(list_child_accesses))
}

/// The own children, the youngest first
#[utoipa::path(get, path = "/children", tag = "children", params(ListChildrenRequest),
    responses((status = 200, description = "A page of children, without sensitive texts", body = List<ChildSummary>)))]
async fn list_children(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListChildrenRequest>,
) -> Answer<List<ChildSummary>> {
    let answer = gateway.children().list_children(call.with(query)).await?.into_inner();
    Ok(list(answer.children, answer.page_info))
}

/// Add a child
///
/// Needs the guardian's consent, and the consent to sensitive data where such texts are given.
#[utoipa::path(post, path = "/children", tag = "children",
    responses((status = 201, description = "The new child", body = Data<Child>)))]
async fn create_child(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateChildRequest>,
) -> Answer<Data<Child>> {
    let child = gateway.children().create_child(call.with(body)).await?.into_inner();
    Ok(data(child).version(|it| it.version).created(|it| format!("/children/{}", it.id)))
}

/// One child
#[utoipa::path(get, path = "/children/{child_id}", tag = "children",
    params(("child_id" = Uuid, Path, description = "The child")),
    responses((status = 200, description = "The child; the reading is logged", body = Data<Child>)))]
async fn get_child(State(gateway): State<Gateway>, call: Call, Id(child_id): Id) -> Answer<Data<Child>> {
    let child = gateway.children().get_child(call.with(GetChildRequest { child_id })).await?.into_inner();
    Ok(data(child).version(|it| it.version))
}

/// Change a child
#[utoipa::path(patch, path = "/children/{child_id}", tag = "children", request_body = UpdateChildRequest,
    params(("child_id" = Uuid, Path, description = "The child")),
    responses((status = 200, description = "The changed child", body = Data<Child>)))]
async fn update_child(
    State(gateway): State<Gateway>,
    call: Call,
    Id(child_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateChildRequest>,
) -> Answer<Data<Child>> {
    let change = UpdateChildRequest { child_id, update_mask, expected_version, ..body };
    let child = gateway.children().update_child(call.with(change)).await?.into_inner();
    Ok(data(child).version(|it| it.version))
}

/// Erase a child, with its checks and measurements
#[utoipa::path(delete, path = "/children/{child_id}", tag = "children",
    params(("child_id" = Uuid, Path, description = "The child")),
    responses((status = 204, description = "The child is erased")))]
async fn delete_child(State(gateway): State<Gateway>, call: Call, Id(child_id): Id) -> Answer<StatusCode> {
    gateway.children().delete_child(call.with(DeleteChildRequest { child_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who read a child's sensitive data, when and why
#[utoipa::path(get, path = "/children/{child_id}/access-log", tag = "children",
    params(("child_id" = Uuid, Path, description = "The child"), ListChildAccessesRequest),
    responses((status = 200, description = "A page of accesses, the newest first", body = List<ChildAccess>)))]
async fn list_child_accesses(
    State(gateway): State<Gateway>,
    call: Call,
    Id(child_id): Id,
    Query(query): Query<ListChildAccessesRequest>,
) -> Answer<List<ChildAccess>> {
    let ask = ListChildAccessesRequest { child_id, ..query };
    let answer = gateway.children().list_child_accesses(call.with(ask)).await?.into_inner();
    Ok(list(answer.accesses, answer.page_info))
}
