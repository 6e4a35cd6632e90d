//! Keeping videos as an administrator.

use aipoten_proto::FieldMask;
use aipoten_proto::common::v1::Area;
use aipoten_proto::content::v1::{
    CreateVideoRequest, DeleteVideoRequest, Difficulty, GetAdminVideoRequest, GetVideoRequest, ListAdminVideosRequest,
    ListVideosRequest, UpdateVideoRequest, VideoPlatform, VideoUrlStatus,
};
use tonic::Code;

use crate::world::{World, reason, violations};

fn new() -> CreateVideoRequest {
    CreateVideoRequest {
        title_ko: "물 붓기".to_owned(),
        title_en: "Pouring water".to_owned(),
        description_ko: "컵에서 컵으로 물을 부어요.".to_owned(),
        description_en: "Pour water from cup to cup.".to_owned(),
        video_url: "https://www.youtube.com/watch?v=abcDEF123_-".to_owned(),
        video_platform: VideoPlatform::Youtube.into(),
        target_age_min: Some(18),
        target_age_max: Some(36),
        difficulty: Difficulty::Medium.into(),
        areas: vec![Area::FineMotor.into(), Area::Cognitive.into()],
        categories: vec!["hand-play".to_owned()],
        tags: vec!["물놀이".to_owned()],
        ..Default::default()
    }
}

fn change(id: &str, paths: &[&str]) -> UpdateVideoRequest {
    let paths = paths.iter().map(ToString::to_string).collect();
    UpdateVideoRequest { video_id: id.to_owned(), update_mask: Some(FieldMask { paths }), ..Default::default() }
}

#[tokio::test]
async fn a_video_is_added_published_changed_and_erased() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut videos = world.videos();
    let created = videos.create_video(admin.asks(new())).await.expect("created").into_inner();
    assert!(!created.is_published && created.published_at.is_none());
    assert_eq!(created.url_status(), VideoUrlStatus::Unchecked);
    assert!(created.embed_code.as_deref().is_some_and(|code| code.contains("youtube-nocookie.com/embed/abcDEF123_-")));
    let hidden = videos.get_video(GetVideoRequest { video_id: created.id.clone() }).await;
    assert_eq!(hidden.expect_err("not published").code(), Code::NotFound);

    let mut request = change(&created.id, &["is_published", "tags", "areas", "priority"]);
    (request.is_published, request.priority) = (Some(true), Some(1));
    (request.tags, request.areas) = (vec!["물".to_owned(), "컵".to_owned()], vec![Area::FineMotor.into()]);
    request.expected_version = Some(1);
    let published = videos.update_video(admin.asks(request.clone())).await.expect("published").into_inner();
    assert_eq!((published.version, published.tags.len(), published.areas.len()), (2, 2, 1));
    assert!(published.published_at.is_some());
    let stale = videos.update_video(admin.asks(request)).await.expect_err("stale");
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "VERSION_MISMATCH"));
    let first = videos.list_videos(ListVideosRequest { limit: Some(1), ..Default::default() }).await.expect("a list");
    let first = first.into_inner().videos.remove(0);
    assert_eq!((first.id.clone(), first.is_available), (created.id.clone(), true));
    let found =
        videos.list_videos(ListVideosRequest { q: Some("컵".into()), tag: Some("컵".into()), ..Default::default() });
    assert_eq!(found.await.expect("a list").into_inner().videos.len(), 1);

    for again in [false, true] {
        let mut request = change(&created.id, &["is_published"]);
        request.is_published = Some(again);
        videos.update_video(admin.asks(request)).await.expect("hidden, and shown again");
    }
    let told =
        "SELECT count(*) FROM outbox WHERE type = 'aipoten.content.v1.VideoPublished' AND aggregate_id = $1::uuid";
    let told: i64 = sqlx::query_scalar(told).bind(&created.id).fetch_one(world.database()).await.expect("a count");
    assert_eq!(told, 1, "the first time alone is news");

    let request = GetAdminVideoRequest { video_id: created.id.clone() };
    let read = videos.get_admin_video(admin.asks(request)).await.expect("a video").into_inner();
    assert_eq!(read.published_at, published.published_at);
    let delete = || admin.asks(DeleteVideoRequest { video_id: created.id.clone() });
    videos.delete_video(delete()).await.expect("erased");
    assert_eq!(videos.delete_video(delete()).await.expect_err("erased already").code(), Code::NotFound);
}

#[tokio::test]
async fn a_demonstration_keeps_its_address_until_an_administrator_replaces_it() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut videos = world.videos();
    let request = ListAdminVideosRequest { url_status: Some(VideoUrlStatus::Demo.into()), ..Default::default() };
    let list = videos.list_admin_videos(admin.asks(request)).await.expect("a list").into_inner();
    assert_eq!(list.page_info.expect("page info").total, 45);
    let demo = &list.videos[0];
    let mut request = change(&demo.id, &["title_en"]);
    request.title_en = Some("Another title".to_owned());
    let renamed = videos.update_video(admin.asks(request)).await.expect("renamed").into_inner();
    assert_eq!((renamed.url_status(), &renamed.video_url), (VideoUrlStatus::Demo, &demo.video_url));

    let mut request = change(&demo.id, &["video_url", "video_platform"]);
    request.video_url = Some("https://vimeo.com/123456789".to_owned());
    request.video_platform = Some(VideoPlatform::Vimeo.into());
    let replaced = videos.update_video(admin.asks(request)).await.expect("replaced").into_inner();
    assert_eq!(replaced.url_status(), VideoUrlStatus::Unchecked);
    assert!(replaced.embed_code.is_some());
}

#[tokio::test]
async fn every_fault_of_a_video_is_named() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut videos = world.videos();
    let request = CreateVideoRequest {
        thumbnail_url: Some("http://example.org/a.png".to_owned()),
        priority: Some(11),
        tags: vec!["물".to_owned(), "물".to_owned()],
        ..Default::default()
    };
    let refusal = videos.create_video(admin.asks(request)).await.expect_err("empty");
    assert_eq!(
        violations(&refusal),
        [
            "areas: required",
            "description_en: required",
            "description_ko: required",
            "difficulty: required",
            "priority: out_of_range min=1 max=10",
            "tags[1]: duplicate",
            "target_age_max: required",
            "target_age_min: required",
            "thumbnail_url: not_https",
            "title_en: required",
            "title_ko: required",
            "video_platform: required",
            "video_url: required"
        ]
    );
    let wrong = [
        ("https://evil.example/watch?v=abcDEF123_-", VideoPlatform::Youtube, "video_url: not_of_the_platform"),
        ("https://www.youtube.com/feed", VideoPlatform::Youtube, "video_url: no_video_id"),
        ("javascript:alert(1)", VideoPlatform::Other, "video_url: not_https"),
        ("https://tv.kakao.com/v/123", VideoPlatform::KakaoTv, "video_platform: platform_closed"),
    ];
    for (address, platform, expected) in wrong {
        let request = CreateVideoRequest { video_url: address.to_owned(), video_platform: platform.into(), ..new() };
        let refusal = videos.create_video(admin.asks(request)).await.expect_err("wrong address");
        assert_eq!(violations(&refusal), [expected], "{address}");
    }
    let request = CreateVideoRequest { target_age_min: Some(40), ..new() };
    let refusal = videos.create_video(admin.asks(request)).await.expect_err("ages");
    assert_eq!(violations(&refusal), ["target_age_max: before_start"]);
    let request = CreateVideoRequest { categories: vec!["hand-play".into(), "none".into()], ..new() };
    let refusal = videos.create_video(admin.asks(request)).await.expect_err("no such category");
    assert_eq!(violations(&refusal), ["categories[1]: unknown_category"]);

    let created = videos.create_video(admin.asks(new())).await.expect("created").into_inner();
    let request = change(&created.id, &["areas", "view_count", "title_ko", "tags"]);
    let refusal = videos.update_video(admin.asks(request)).await.expect_err("bad change");
    assert_eq!(violations(&refusal), ["areas: required", "title_ko: cannot_be_empty", "view_count: unknown_field"]);
}

#[tokio::test]
async fn only_administrators_keep_videos() {
    let world = World::start().await;
    let (parent, therapist) = (world.parent().await, world.therapist().await);
    let video_id = uuid::Uuid::now_v7().to_string();
    let mut request = change(&video_id, &["is_published"]);
    request.is_published = Some(true);
    let mut videos = world.videos();
    for person in [parent, therapist] {
        let refusals = [
            videos.list_admin_videos(person.asks(ListAdminVideosRequest::default())).await.map(|_| ()),
            videos.get_admin_video(person.asks(GetAdminVideoRequest { video_id: video_id.clone() })).await.map(|_| ()),
            videos.create_video(person.asks(new())).await.map(|_| ()),
            videos.update_video(person.asks(request.clone())).await.map(|_| ()),
            videos.delete_video(person.asks(DeleteVideoRequest { video_id: video_id.clone() })).await.map(|_| ()),
        ];
        for refusal in refusals {
            assert_eq!(refusal.expect_err("no administrator").code(), Code::PermissionDenied);
        }
    }
    let admin = world.admin().await;
    let missing = videos.update_video(admin.asks(request)).await.expect_err("no such video");
    assert_eq!(missing.code(), Code::NotFound);
}
