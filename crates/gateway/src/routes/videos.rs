//! Play videos: finding, bookmarking, watching.

use aipoten_proto::content::v1::{
    BookmarkVideoRequest, Category, CompleteVideoRequest, GetCategoryRequest, GetVideoRequest,
    ListBookmarkedVideosRequest, ListCategoriesRequest, ListRecommendedVideosRequest, ListVideosRequest,
    RecommendedVideo, RecordVideoViewRequest, UnbookmarkVideoRequest, Video, VideoInteraction,
};
use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::{Life, Page, Shelf};
use crate::call::{Call, PublicCall};
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query, Slug};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_videos))
        .routes(routes!(list_recommended_videos))
        .routes(routes!(list_bookmarked_videos))
        .routes(routes!(list_categories))
        .routes(routes!(get_category))
        .routes(routes!(get_video))
        .routes(routes!(bookmark_video, unbookmark_video))
        .routes(routes!(record_video_view))
        .routes(routes!(complete_video))
}

/// Published videos
#[utoipa::path(get, path = "/videos", tag = "videos", security(()), params(ListVideosRequest),
    responses((status = 200, description = "A page of videos", body = List<Video>)))]
async fn list_videos(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Query(query): Query<ListVideosRequest>,
) -> Answer<Page> {
    let fetch = || async {
        let answer = gateway.videos().list_videos(call.with(query.clone())).await?.into_inner();
        Ok(list(answer.videos, answer.page_info))
    };
    // People search for anything: that would fill the cache with what nobody asks for again.
    if query.q.is_some() {
        return Page::of(Shelf::Videos, &fetch().await?);
    }
    gateway.cache().page(Shelf::Videos, Life::List, &call, &query, fetch).await
}

/// Videos recommended for a child, with the reasons
#[utoipa::path(get, path = "/videos/recommended", tag = "videos", params(ListRecommendedVideosRequest),
    responses((status = 200, description = "A page of recommendations, the highest priority first", body = List<RecommendedVideo>)))]
async fn list_recommended_videos(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListRecommendedVideosRequest>,
) -> Answer<List<RecommendedVideo>> {
    let answer = gateway.videos().list_recommended_videos(call.with(query)).await?.into_inner();
    Ok(list(answer.recommendations, answer.page_info))
}

/// The own bookmarks
#[utoipa::path(get, path = "/videos/bookmarks", tag = "videos", params(ListBookmarkedVideosRequest),
    responses((status = 200, description = "A page of videos, the last bookmarked first", body = List<Video>)))]
async fn list_bookmarked_videos(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListBookmarkedVideosRequest>,
) -> Answer<List<Video>> {
    let answer = gateway.videos().list_bookmarked_videos(call.with(query)).await?.into_inner();
    Ok(list(answer.videos, answer.page_info))
}

/// Categories of videos
#[utoipa::path(get, path = "/videos/categories", tag = "videos", security(()),
    responses((status = 200, description = "The categories in their order", body = Data<Vec<Category>>)))]
async fn list_categories(State(gateway): State<Gateway>, PublicCall(call): PublicCall) -> Answer<Page> {
    let ask = ListCategoriesRequest {};
    let fetch =
        || async { Ok(data(gateway.categories().list_categories(call.with(ask)).await?.into_inner().categories)) };
    gateway.cache().page(Shelf::Videos, Life::List, &call, &ask, fetch).await
}

/// One category
#[utoipa::path(get, path = "/videos/categories/{slug}", tag = "videos", security(()),
    params(("slug" = String, Path, description = "Its name in addresses")),
    responses((status = 200, description = "The category", body = Data<Category>)))]
async fn get_category(State(gateway): State<Gateway>, PublicCall(call): PublicCall, Slug(slug): Slug) -> Answer<Page> {
    let ask = GetCategoryRequest { slug };
    let fetch = || async { Ok(data(gateway.categories().get_category(call.with(ask.clone())).await?.into_inner())) };
    gateway.cache().page(Shelf::Videos, Life::Single, &call, &ask, fetch).await
}

/// One video
#[utoipa::path(get, path = "/videos/{video_id}", tag = "videos", security(()),
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 200, description = "The video", body = Data<Video>)))]
async fn get_video(State(gateway): State<Gateway>, PublicCall(call): PublicCall, Id(video_id): Id) -> Answer<Page> {
    let ask = GetVideoRequest { video_id };
    let fetch = || async { Ok(data(gateway.videos().get_video(call.with(ask.clone())).await?.into_inner())) };
    gateway.cache().page(Shelf::Videos, Life::Single, &call, &ask, fetch).await
}

/// Bookmark a video; again changes nothing
#[utoipa::path(post, path = "/videos/{video_id}/bookmark", tag = "videos",
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 200, description = "What the caller did with the video", body = Data<VideoInteraction>)))]
async fn bookmark_video(
    State(gateway): State<Gateway>,
    call: Call,
    Id(video_id): Id,
) -> Answer<Data<VideoInteraction>> {
    Ok(data(gateway.videos().bookmark_video(call.with(BookmarkVideoRequest { video_id })).await?.into_inner()))
}

/// Take a bookmark away
#[utoipa::path(delete, path = "/videos/{video_id}/bookmark", tag = "videos",
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 204, description = "The bookmark is gone")))]
async fn unbookmark_video(State(gateway): State<Gateway>, call: Call, Id(video_id): Id) -> Answer<StatusCode> {
    gateway.videos().unbookmark_video(call.with(UnbookmarkVideoRequest { video_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say that a video is watched
///
/// Counted once per person and 30 minutes. The body may be left out.
#[utoipa::path(post, path = "/videos/{video_id}/view", tag = "videos", request_body = Option<RecordVideoViewRequest>,
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 200, description = "What the caller did with the video", body = Data<VideoInteraction>)))]
async fn record_video_view(
    State(gateway): State<Gateway>,
    call: Call,
    Id(video_id): Id,
    body: Option<Json<RecordVideoViewRequest>>,
) -> Answer<Data<VideoInteraction>> {
    let view = RecordVideoViewRequest { video_id, ..body.map(|Json(body)| body).unwrap_or_default() };
    Ok(data(gateway.videos().record_video_view(call.with(view)).await?.into_inner()))
}

/// Say that the activity of a video is done; again changes nothing
#[utoipa::path(post, path = "/videos/{video_id}/complete", tag = "videos",
    params(("video_id" = Uuid, Path, description = "The video")),
    responses((status = 200, description = "What the caller did with the video", body = Data<VideoInteraction>)))]
async fn complete_video(
    State(gateway): State<Gateway>,
    call: Call,
    Id(video_id): Id,
) -> Answer<Data<VideoInteraction>> {
    Ok(data(gateway.videos().complete_video(call.with(CompleteVideoRequest { video_id })).await?.into_inner()))
}
