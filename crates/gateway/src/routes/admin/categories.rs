//! Categories of videos.

use aipoten_proto::content::v1::{
    AdminCategory, CreateCategoryRequest, DeleteCategoryRequest, GetAdminCategoryRequest, ListAdminCategoriesRequest,
    UpdateCategoryRequest,
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
    OpenApiRouter::new().routes(routes!(list_admin_categories, create_category)).routes(routes!(
        get_admin_category,
        update_category,
        delete_category
    ))
}

/// All categories, in both languages
#[utoipa::path(get, path = "/admin/videos/categories", tag = "admin", params(ListAdminCategoriesRequest),
    responses((status = 200, description = "A page of categories", body = List<AdminCategory>)))]
async fn list_admin_categories(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListAdminCategoriesRequest>,
) -> Answer<List<AdminCategory>> {
    let answer = gateway.categories().list_admin_categories(call.with(query)).await?.into_inner();
    Ok(list(answer.categories, answer.page_info))
}

/// Add a category
#[utoipa::path(post, path = "/admin/videos/categories", tag = "admin",
    responses((status = 201, description = "The new category", body = Data<AdminCategory>)))]
async fn create_category(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateCategoryRequest>,
) -> Answer<Data<AdminCategory>> {
    let category = gateway.categories().create_category(call.with(body)).await?.into_inner();
    Ok(data(category).version(|it| it.version).created(|it| format!("/admin/videos/categories/{}", it.id)))
}

/// One category, in both languages
#[utoipa::path(get, path = "/admin/videos/categories/{category_id}", tag = "admin",
    params(("category_id" = Uuid, Path, description = "The category")),
    responses((status = 200, description = "The category", body = Data<AdminCategory>)))]
async fn get_admin_category(
    State(gateway): State<Gateway>,
    call: Call,
    Id(category_id): Id,
) -> Answer<Data<AdminCategory>> {
    let category =
        gateway.categories().get_admin_category(call.with(GetAdminCategoryRequest { category_id })).await?.into_inner();
    Ok(data(category).version(|it| it.version))
}

/// Change a category
#[utoipa::path(patch, path = "/admin/videos/categories/{category_id}", tag = "admin", request_body = UpdateCategoryRequest,
    params(("category_id" = Uuid, Path, description = "The category")),
    responses((status = 200, description = "The changed category", body = Data<AdminCategory>)))]
async fn update_category(
    State(gateway): State<Gateway>,
    call: Call,
    Id(category_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateCategoryRequest>,
) -> Answer<Data<AdminCategory>> {
    let change = UpdateCategoryRequest { category_id, update_mask, expected_version, ..body };
    let category = gateway.categories().update_category(call.with(change)).await?.into_inner();
    Ok(data(category).version(|it| it.version))
}

/// Delete a category
#[utoipa::path(delete, path = "/admin/videos/categories/{category_id}", tag = "admin",
    params(("category_id" = Uuid, Path, description = "The category")),
    responses((status = 204, description = "The category is deleted")))]
async fn delete_category(State(gateway): State<Gateway>, call: Call, Id(category_id): Id) -> Answer<StatusCode> {
    gateway.categories().delete_category(call.with(DeleteCategoryRequest { category_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}
