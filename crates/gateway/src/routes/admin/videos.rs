//! Videos, published or not.

use aipoten_proto::content::v1::{
    AdminVideo, CreateVideoRequest, DeleteVideoRequest, GetAdminVideoRequest, ListAdminVideosRequest,
    UpdateVideoRequest,
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
    OpenApiRouter::new().routes(routes!(list_admin_videos, create_video)).routes(routes!(
        get_admin_video,
        update_video,
        delete_video
    ))
}

/// All videos, in both languages
#[utoipa::path(get, path = "/admin/videos", tag = "admin", params(ListAdminVideosRequest),
    responses((status = 200, description = "A page of videos", body = List<AdminVideo>)))]
async fn list_admin_videos(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListAdminVideosRequest>,
) -> Answer<List<AdminVideo>> {
    let answer = gateway.videos().list_admin_videos(call.with(query)).await?.into_inner();
    Ok(list(answer.videos, answer.page_info))
}

/// Add a video
#[utoipa::path(post, path = "/admin/videos", tag = "admin",
    responses((status = 201, description = "The new video", body = Data<AdminVideo>)))]
async fn create_video(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateVideoRequest>,
) -> Answer<Data<AdminVideo>> {
    let video = gateway.videos().create_video(call.with(body)).await?.into_inner();
    Ok(data(video).version(|it| it.version).created(|it| format!("/admin/videos/{}", it.id)))
}

/// One video, in both languages
#[utoipa::path(get, path = "/admin/videos/{video_id}", tag = "admin",
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 200, description = "The video", body = Data<AdminVideo>)))]
async fn get_admin_video(State(gateway): State<Gateway>, call: Call, Id(video_id): Id) -> Answer<Data<AdminVideo>> {
    let video = gateway.videos().get_admin_video(call.with(GetAdminVideoRequest { video_id })).await?.into_inner();
    Ok(data(video).version(|it| it.version))
}

/// Change a video
#[utoipa::path(patch, path = "/admin/videos/{video_id}", tag = "admin", request_body = UpdateVideoRequest,
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 200, description = "The changed video", body = Data<AdminVideo>)))]
async fn update_video(
    State(gateway): State<Gateway>,
    call: Call,
    Id(video_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateVideoRequest>,
) -> Answer<Data<AdminVideo>> {
    let change = UpdateVideoRequest { video_id, update_mask, expected_version, ..body };
    let video = gateway.videos().update_video(call.with(change)).await?.into_inner();
    Ok(data(video).version(|it| it.version))
}

/// Delete a video
#[utoipa::path(delete, path = "/admin/videos/{video_id}", tag = "admin",
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 204, description = "The video is deleted")))]
async fn delete_video(State(gateway): State<Gateway>, call: Call, Id(video_id): Id) -> Answer<StatusCode> {
    gateway.videos().delete_video(call.with(DeleteVideoRequest { video_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}
