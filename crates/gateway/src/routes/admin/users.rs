//! Accounts of people, as administrators see them.

use aipoten_proto::identity::v1::{
    DeleteUserRequest, Erasure, ListErasuresRequest, ListUsersRequest, UpdateUserRequest, User,
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
    OpenApiRouter::new()
        .routes(routes!(list_accounts))
        .routes(routes!(change_account, erase_account))
        .routes(routes!(list_erasures))
}

/// Accounts that are not erased
#[utoipa::path(get, path = "/admin/users", tag = "admin", params(ListUsersRequest),
    responses((status = 200, description = "A page of accounts", body = List<User>)))]
async fn list_accounts(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListUsersRequest>,
) -> Answer<List<User>> {
    let answer = gateway.users().list_users(call.with(query)).await?.into_inner();
    Ok(list(answer.users, answer.page_info))
}

/// Suspend or restore an account, or change its role
///
/// The sessions of the account end at once. The own account cannot be changed so.
#[utoipa::path(patch, path = "/admin/users/{user_id}", tag = "admin",
    params(("user_id" = Uuid, Path, description = "The account")),
    responses((status = 200, description = "The changed account", body = Data<User>)))]
async fn change_account(
    State(gateway): State<Gateway>,
    call: Call,
    Id(user_id): Id,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateUserRequest>,
) -> Answer<Data<User>> {
    let change = UpdateUserRequest { user_id, expected_version, ..body };
    let user = gateway.users().update_user(call.with(change)).await?.into_inner();
    Ok(data(user).version(|it| it.version))
}

/// Close an account at once, and erase it and its children for good as soon as nothing is open
#[utoipa::path(delete, path = "/admin/users/{user_id}", tag = "admin",
    params(("user_id" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "The account is closed and will be erased")))]
async fn erase_account(
    State(gateway): State<Gateway>,
    call: Call,
    Id(user_id): Id,
    Json(body): Json<DeleteUserRequest>,
) -> Answer<StatusCode> {
    gateway.users().delete_user(call.with(DeleteUserRequest { user_id, ..body })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erasures that wait until nothing of their account is open elsewhere
#[utoipa::path(get, path = "/admin/erasures", tag = "admin", params(ListErasuresRequest),
    responses((status = 200, description = "A page of erasures, the oldest first", body = List<Erasure>)))]
async fn list_erasures(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListErasuresRequest>,
) -> Answer<List<Erasure>> {
    let answer = gateway.users().list_erasures(call.with(query)).await?.into_inner();
    Ok(list(answer.erasures, answer.page_info))
}
