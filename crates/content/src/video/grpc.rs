//! Videos over gRPC.

mod keep;
mod show;

use aipoten_kit::{Caller, Fields, Page, Result};
use aipoten_proto::content::v1 as proto;
use aipoten_proto::content::v1::video_service_server::VideoService;
use tonic::{Request, Response, Status};

use super::{Difficulty, Filter, Platform, UrlStatus, admin, interaction};
use crate::App;
use crate::area::Area;

#[tonic::async_trait]
impl VideoService for App {
    async fn list_videos(
        &self,
        request: Request<proto::ListVideosRequest>,
    ) -> Result<Response<proto::ListVideosResponse>, Status> {
        let caller = Caller::of(&request);
        let (page, filter) = parse_list(request.into_inner())?;
        let (videos, total) = super::list(self, page, filter).await?;
        Ok(Response::new(proto::ListVideosResponse {
            videos: videos.into_iter().map(|video| video.into_proto(caller.locale)).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_video(&self, request: Request<proto::GetVideoRequest>) -> Result<Response<proto::Video>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("video_id", &request.into_inner().video_id)?;
        Ok(Response::new(super::get(self, id).await?.into_proto(caller.locale)))
    }

    async fn list_recommended_videos(
        &self,
        request: Request<proto::ListRecommendedVideosRequest>,
    ) -> Result<Response<proto::ListRecommendedVideosResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let child_id = fields.uuid("child_id", &request.child_id);
        let page = Page::parse(&mut fields, request.page, request.limit);
        let area = request.area.map(|area| parse_area(&mut fields, "area", area));
        fields.finish()?;
        let (recommended, total) = super::list_recommended(self, &caller, child_id, page, area).await?;
        Ok(Response::new(proto::ListRecommendedVideosResponse {
            recommendations: recommended.into_iter().map(|it| it.into_proto(caller.locale)).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn list_bookmarked_videos(
        &self,
        request: Request<proto::ListBookmarkedVideosRequest>,
    ) -> Result<Response<proto::ListBookmarkedVideosResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (videos, total) = super::list_bookmarked(self, &caller, page).await?;
        Ok(Response::new(proto::ListBookmarkedVideosResponse {
            videos: videos.into_iter().map(|video| video.into_proto(caller.locale)).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn bookmark_video(
        &self,
        request: Request<proto::BookmarkVideoRequest>,
    ) -> Result<Response<proto::VideoInteraction>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("video_id", &request.into_inner().video_id)?;
        Ok(Response::new(interaction::bookmark(self, &caller, id).await?.into()))
    }

    async fn unbookmark_video(&self, request: Request<proto::UnbookmarkVideoRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("video_id", &request.into_inner().video_id)?;
        Ok(Response::new(interaction::unbookmark(self, &caller, id).await?))
    }

    async fn record_video_view(
        &self,
        request: Request<proto::RecordVideoViewRequest>,
    ) -> Result<Response<proto::VideoInteraction>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("video_id", &request.video_id);
        let seconds = fields.number("watched_seconds", request.watched_seconds.unwrap_or(0), 0..=86_400);
        fields.finish()?;
        Ok(Response::new(interaction::view(self, &caller, id, seconds).await?.into()))
    }

    async fn complete_video(
        &self,
        request: Request<proto::CompleteVideoRequest>,
    ) -> Result<Response<proto::VideoInteraction>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("video_id", &request.into_inner().video_id)?;
        Ok(Response::new(interaction::complete(self, &caller, id).await?.into()))
    }

    async fn list_admin_videos(
        &self,
        request: Request<proto::ListAdminVideosRequest>,
    ) -> Result<Response<proto::ListAdminVideosResponse>, Status> {
        let caller = Caller::of(&request);
        let (page, filter) = parse_admin_list(request.into_inner())?;
        let (videos, total) = admin::list(self, &caller, page, filter).await?;
        Ok(Response::new(proto::ListAdminVideosResponse {
            videos: videos.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_admin_video(
        &self,
        request: Request<proto::GetAdminVideoRequest>,
    ) -> Result<Response<proto::AdminVideo>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("video_id", &request.into_inner().video_id)?;
        Ok(Response::new(admin::get(self, &caller, id).await?.into()))
    }

    async fn create_video(
        &self,
        request: Request<proto::CreateVideoRequest>,
    ) -> Result<Response<proto::AdminVideo>, Status> {
        let caller = Caller::of(&request);
        let video = request.into_inner().try_into()?;
        Ok(Response::new(admin::create(self, &caller, video).await?.into()))
    }

    async fn update_video(
        &self,
        request: Request<proto::UpdateVideoRequest>,
    ) -> Result<Response<proto::AdminVideo>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("video_id", &request.video_id)?;
        Ok(Response::new(admin::update(self, &caller, id, request.try_into()?).await?.into()))
    }

    async fn delete_video(&self, request: Request<proto::DeleteVideoRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("video_id", &request.into_inner().video_id)?;
        Ok(Response::new(admin::delete(self, &caller, id).await?))
    }
}

fn parse_list(request: proto::ListVideosRequest) -> Result<(Page, Filter)> {
    let mut fields = Fields::new();
    let page = Page::parse(&mut fields, request.page, request.limit);
    let order_by = match request.sort.as_deref() {
        None | Some("priority") => "v.priority, v.published_at DESC, v.id",
        Some("-priority") => "v.priority DESC, v.published_at DESC, v.id",
        Some("-published_at") => "v.published_at DESC, v.id",
        Some("published_at") => "v.published_at, v.id",
        Some("-view_count") => "v.view_count DESC, v.id",
        Some("view_count") => "v.view_count, v.id",
        Some(_) => unknown_sort(&mut fields),
    };
    let filter = Filter {
        age: fields.optional_number("age", request.age, 0..=240),
        area: request.area.map(|area| parse_area(&mut fields, "area", area)),
        category: fields.optional_text("category", request.category, 60),
        tag: fields.optional_text("tag", request.tag, 40),
        difficulty: request.difficulty.map(|difficulty| parse_difficulty(&mut fields, difficulty)),
        platform: request.platform.map(|platform| parse_platform(&mut fields, "platform", platform)),
        text: fields.optional_text("q", request.q, 100),
        order_by,
        ..Filter::default()
    };
    fields.finish()?;
    Ok((page, filter))
}

fn parse_admin_list(request: proto::ListAdminVideosRequest) -> Result<(Page, Filter)> {
    let mut fields = Fields::new();
    let page = Page::parse(&mut fields, request.page, request.limit);
    let order_by = match request.sort.as_deref() {
        None | Some("-updated_at") => "v.updated_at DESC, v.id",
        Some("updated_at") => "v.updated_at, v.id",
        Some("priority") => "v.priority, v.id",
        Some("-priority") => "v.priority DESC, v.id",
        Some("-published_at") => "v.published_at DESC NULLS LAST, v.id",
        Some("published_at") => "v.published_at NULLS LAST, v.id",
        Some("-view_count") => "v.view_count DESC, v.id",
        Some("view_count") => "v.view_count, v.id",
        Some(_) => unknown_sort(&mut fields),
    };
    let filter = Filter {
        is_published: request.is_published,
        url_status: request.url_status.map(|status| parse_url_status(&mut fields, status)),
        platform: request.platform.map(|platform| parse_platform(&mut fields, "platform", platform)),
        text: fields.optional_text("q", request.q, 100),
        order_by,
        ..Filter::default()
    };
    fields.finish()?;
    Ok((page, filter))
}

fn unknown_sort(fields: &mut Fields) -> &'static str {
    fields.violate("sort", "unknown_sort");
    ""
}

fn parse_area(fields: &mut Fields, field: &str, area: i32) -> Area {
    fields.required(field, Area::from_proto(area))
}

fn parse_difficulty(fields: &mut Fields, difficulty: i32) -> Difficulty {
    let difficulty = match proto::Difficulty::try_from(difficulty) {
        Ok(proto::Difficulty::Easy) => Some(Difficulty::Easy),
        Ok(proto::Difficulty::Medium) => Some(Difficulty::Medium),
        Ok(proto::Difficulty::Hard) => Some(Difficulty::Hard),
        Ok(proto::Difficulty::Unspecified) | Err(_) => None,
    };
    fields.required("difficulty", difficulty)
}

fn parse_platform(fields: &mut Fields, field: &str, platform: i32) -> Platform {
    let platform = match proto::VideoPlatform::try_from(platform) {
        Ok(proto::VideoPlatform::Youtube) => Some(Platform::Youtube),
        Ok(proto::VideoPlatform::NaverTv) => Some(Platform::NaverTv),
        Ok(proto::VideoPlatform::KakaoTv) => Some(Platform::KakaoTv),
        Ok(proto::VideoPlatform::Vimeo) => Some(Platform::Vimeo),
        Ok(proto::VideoPlatform::Upload) => Some(Platform::Upload),
        Ok(proto::VideoPlatform::Other) => Some(Platform::Other),
        Ok(proto::VideoPlatform::Unspecified) | Err(_) => None,
    };
    fields.required(field, platform)
}

fn parse_url_status(fields: &mut Fields, status: i32) -> UrlStatus {
    let status = match proto::VideoUrlStatus::try_from(status) {
        Ok(proto::VideoUrlStatus::Demo) => Some(UrlStatus::Demo),
        Ok(proto::VideoUrlStatus::Unchecked) => Some(UrlStatus::Unchecked),
        Ok(proto::VideoUrlStatus::Ok) => Some(UrlStatus::Ok),
        Ok(proto::VideoUrlStatus::Broken) => Some(UrlStatus::Broken),
        Ok(proto::VideoUrlStatus::Unavailable) => Some(UrlStatus::Unavailable),
        Ok(proto::VideoUrlStatus::Unspecified) | Err(_) => None,
    };
    fields.required("url_status", status)
}
