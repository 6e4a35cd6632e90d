//! Videos: finding, watching, keeping, recommendations.

use aipoten_proto::common::v1::Area;
use aipoten_proto::content::v1::{
    BookmarkVideoRequest, CompleteVideoRequest, Difficulty, GetVideoRequest, ListBookmarkedVideosRequest,
    ListRecommendedVideosRequest, ListVideosRequest, ListVideosResponse, RecommendedVideo, RecordVideoViewRequest,
    UnbookmarkVideoRequest, Video, VideoInteraction, VideoPlatform, VideoUrlStatus,
};
use tonic::{Code, Request};

use crate::world::{Person, World, violations};

async fn list(world: &World, request: ListVideosRequest) -> ListVideosResponse {
    world.videos().list_videos(request).await.expect("a list").into_inner()
}

async fn all(world: &World) -> Vec<Video> {
    list(world, ListVideosRequest { limit: Some(100), ..Default::default() }).await.videos
}

async fn view(world: &World, person: &Person, video_id: &str, watched_seconds: i32) -> VideoInteraction {
    let request = RecordVideoViewRequest { video_id: video_id.to_owned(), watched_seconds: Some(watched_seconds) };
    world.videos().record_video_view(person.asks(request)).await.expect("a view").into_inner()
}

async fn recommended(world: &World, parent: &Person, child_id: &str) -> Vec<RecommendedVideo> {
    let request =
        ListRecommendedVideosRequest { child_id: child_id.to_owned(), limit: Some(100), ..Default::default() };
    let list = world.videos().list_recommended_videos(parent.asks(request)).await.expect("a list");
    list.into_inner().recommendations
}

async fn change(world: &World, sql: &'static str, id: &str) {
    let id: uuid::Uuid = id.parse().expect("an id");
    sqlx::query(sql).bind(id).execute(world.database()).await.expect("a change behind the service's back");
}

#[tokio::test]
async fn everyone_finds_published_videos_in_their_language() {
    let world = World::start().await;
    let page = list(&world, ListVideosRequest::default()).await;
    let info = page.page_info.expect("page info");
    assert_eq!((page.videos.len(), info.total, info.total_capped), (20, 45, false));
    let video = &page.videos[0];
    assert!(!video.areas.is_empty() && !video.categories.is_empty() && !video.tags.is_empty());
    assert_eq!((video.url_status(), video.is_available), (VideoUrlStatus::Demo, false));
    assert_eq!(video.embed_code, None, "there is nothing to embed at a demonstration's address");

    let read = world.videos().get_video(GetVideoRequest { video_id: video.id.clone() }).await.expect("a video");
    assert_eq!(&read.into_inner(), video);
    let mut request = Request::new(GetVideoRequest { video_id: video.id.clone() });
    request.metadata_mut().insert("accept-language", "en".parse().expect("plain text"));
    let english = world.videos().get_video(request).await.expect("a video").into_inner();
    assert!(english.title.is_ascii() && english.play_method.expect("how to play").is_ascii());
}

#[tokio::test]
async fn videos_are_filtered_by_age_area_category_tag_difficulty_and_platform() {
    let world = World::start().await;
    let every = all(&world).await;
    let expect = async |request: ListVideosRequest, fits: &dyn Fn(&Video) -> bool| {
        let request = ListVideosRequest { limit: Some(100), ..request };
        let found = list(&world, request).await;
        let expected = every.iter().filter(|video| fits(video)).count();
        assert!(expected > 0 && expected < 45, "the filter tells videos apart");
        assert_eq!(
            (found.videos.len(), found.page_info.expect("page info").total),
            (expected, i64::try_from(expected).expect("small"))
        );
        assert!(found.videos.iter().all(fits));
    };
    let suits = |video: &Video| video.target_age_min <= 24 && 24 <= video.target_age_max;
    expect(ListVideosRequest { age: Some(24), ..Default::default() }, &suits).await;
    let request = ListVideosRequest { area: Some(Area::Language.into()), ..Default::default() };
    expect(request, &|video| video.areas().any(|area| area == Area::Language)).await;
    let request = ListVideosRequest { category: Some("feelings".into()), ..Default::default() };
    expect(request, &|video| video.categories.contains(&"feelings".to_owned())).await;
    let request = ListVideosRequest { tag: Some("균형".into()), ..Default::default() };
    expect(request, &|video| video.tags.contains(&"균형".to_owned())).await;
    let request = ListVideosRequest { difficulty: Some(Difficulty::Hard.into()), ..Default::default() };
    expect(request, &|video| video.difficulty() == Difficulty::Hard).await;
    let request = ListVideosRequest { platform: Some(VideoPlatform::Vimeo.into()), ..Default::default() };
    expect(request, &|video| video.video_platform() == VideoPlatform::Vimeo).await;
    let request = ListVideosRequest {
        age: Some(24),
        area: Some(Area::GrossMotor.into()),
        difficulty: Some(Difficulty::Easy.into()),
        ..Default::default()
    };
    let fits = |video: &Video| {
        suits(video) && video.areas().any(|area| area == Area::GrossMotor) && video.difficulty() == Difficulty::Easy
    };
    expect(request, &fits).await;
}

#[tokio::test]
async fn a_search_looks_through_titles_descriptions_and_tags_and_knows_no_wildcards() {
    let world = World::start().await;
    let search = async |q: &str| {
        let found = list(&world, ListVideosRequest { q: Some(q.to_owned()), ..Default::default() }).await;
        found.videos.into_iter().map(|video| video.title).collect::<Vec<_>>()
    };
    assert_eq!(search("peek-a-BOO").await, ["손수건 까꿍"]);
    assert_eq!(search("마카로니").await, ["마카로니 목걸이"]);
    assert_eq!(search("대상영속성").await.len(), 2, "tags are searched");
    assert!(search("%").await.is_empty() && search("_").await.is_empty() && search("\\").await.is_empty());
    assert!(search("no such thing").await.is_empty());
}

#[tokio::test]
async fn videos_are_sorted_by_what_is_asked() {
    let world = World::start().await;
    let every = all(&world).await;
    change(&world, "UPDATE videos SET priority = 1 WHERE id = $1", &every[30].id).await;
    change(&world, "UPDATE videos SET view_count = 7 WHERE id = $1", &every[31].id).await;
    change(&world, "UPDATE videos SET published_at = now() + interval '1 second' WHERE id = $1", &every[32].id).await;
    let first = async |sort: Option<&str>| {
        let request = ListVideosRequest { sort: sort.map(str::to_owned), limit: Some(1), ..Default::default() };
        list(&world, request).await.videos[0].id.clone()
    };
    assert_eq!(first(None).await, every[30].id);
    assert_eq!(first(Some("priority")).await, every[30].id);
    assert_eq!(first(Some("-view_count")).await, every[31].id);
    assert_eq!(first(Some("-published_at")).await, every[32].id);

    let request = ListVideosRequest {
        page: Some(200),
        limit: Some(100),
        sort: Some("title; DROP TABLE videos".into()),
        age: Some(-1),
        area: Some(Area::Any.into()),
        ..Default::default()
    };
    let refusal = world.videos().list_videos(request).await.expect_err("all wrong");
    assert_eq!(
        violations(&refusal),
        ["age: out_of_range min=0 max=240", "area: required", "page: page_too_far max=10000", "sort: unknown_sort"]
    );
}

#[tokio::test]
async fn what_is_not_published_is_not_there() {
    let world = World::start().await;
    let parent = world.parent().await;
    let id = all(&world).await[0].id.clone();
    change(&world, "UPDATE videos SET is_published = false WHERE id = $1", &id).await;
    assert_eq!(list(&world, ListVideosRequest::default()).await.page_info.expect("page info").total, 44);
    let mut videos = world.videos();
    let refusals = [
        videos.get_video(GetVideoRequest { video_id: id.clone() }).await.map(|_| ()),
        videos.bookmark_video(parent.asks(BookmarkVideoRequest { video_id: id.clone() })).await.map(|_| ()),
        videos
            .record_video_view(parent.asks(RecordVideoViewRequest { video_id: id.clone(), watched_seconds: None }))
            .await
            .map(|_| ()),
        videos.complete_video(parent.asks(CompleteVideoRequest { video_id: id.clone() })).await.map(|_| ()),
        videos.get_video(GetVideoRequest { video_id: uuid::Uuid::now_v7().to_string() }).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.expect_err("not there").code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_bookmark_counts_once_however_often_it_is_set() {
    let world = World::start().await;
    let (parent, therapist) = (world.parent().await, world.therapist().await);
    let id = all(&world).await[0].id.clone();
    let bookmark = |person: &Person| {
        let (mut videos, request) = (world.videos(), person.asks(BookmarkVideoRequest { video_id: id.clone() }));
        tokio::spawn(async move { videos.bookmark_video(request).await.map(tonic::Response::into_inner) })
    };
    let attempts: Vec<_> = (0..20).map(|number| bookmark(if number % 2 == 0 { &parent } else { &therapist })).collect();
    for attempt in attempts {
        assert!(attempt.await.expect("no panic").expect("bookmarked").is_bookmarked);
    }
    let read = world.videos().get_video(GetVideoRequest { video_id: id.clone() }).await.expect("a video").into_inner();
    assert_eq!(read.bookmark_count, 2);

    let request = ListBookmarkedVideosRequest::default();
    let list = world.videos().list_bookmarked_videos(parent.asks(request)).await.expect("a list").into_inner();
    assert_eq!((list.videos[0].id.clone(), list.page_info.expect("page info").total), (id.clone(), 1));

    let remove = || parent.asks(UnbookmarkVideoRequest { video_id: id.clone() });
    world.videos().unbookmark_video(remove()).await.expect("removed");
    let again = world.videos().unbookmark_video(remove()).await.expect_err("removed already");
    assert_eq!(again.code(), Code::NotFound);
    let read = world.videos().get_video(GetVideoRequest { video_id: id }).await.expect("a video").into_inner();
    assert_eq!(read.bookmark_count, 1);
}

#[tokio::test]
async fn a_view_counts_once_in_30_minutes_and_its_time_is_capped() {
    let world = World::start().await;
    let (parent, other) = (world.parent().await, world.parent().await);
    let id = all(&world).await[0].id.clone();
    change(&world, "UPDATE videos SET duration_seconds = 100 WHERE id = $1", &id).await;
    let views = (0..10).map(|_| view(&world, &parent, &id, 30));
    for view in futures_of(views).await {
        assert_eq!(view.view_count, 1);
    }
    let long = view(&world, &parent, &id, 5000).await;
    assert_eq!((long.view_count, long.watch_time_seconds), (1, 400), "at most the length of the video is added");
    assert!(long.last_watched_at.is_some());
    assert_eq!(view(&world, &other, &id, 0).await.view_count, 2);

    let half_an_hour_ago =
        "UPDATE user_video_interactions SET counted_at = now() - interval '30 minutes' WHERE video_id = $1";
    change(&world, half_an_hour_ago, &id).await;
    assert_eq!(view(&world, &parent, &id, 0).await.view_count, 3);

    let request = RecordVideoViewRequest { video_id: "x".into(), watched_seconds: Some(-1) };
    let refusal = world.videos().record_video_view(parent.asks(request)).await.expect_err("wrong");
    assert_eq!(violations(&refusal), ["video_id: not_a_uuid", "watched_seconds: out_of_range min=0 max=86400"]);
}

/// All at the same time.
async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn keeping_videos_needs_somebody_who_is_signed_in() {
    let world = World::start().await;
    let id = all(&world).await[0].id.clone();
    let mut videos = world.videos();
    let refusals = [
        videos.bookmark_video(BookmarkVideoRequest { video_id: id.clone() }).await.map(|_| ()),
        videos.unbookmark_video(UnbookmarkVideoRequest { video_id: id.clone() }).await.map(|_| ()),
        videos
            .record_video_view(RecordVideoViewRequest { video_id: id.clone(), watched_seconds: None })
            .await
            .map(|_| ()),
        videos.complete_video(CompleteVideoRequest { video_id: id }).await.map(|_| ()),
        videos.list_bookmarked_videos(ListBookmarkedVideosRequest::default()).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.expect_err("nobody").code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn a_check_recommends_more_and_easier_videos_where_it_came_out_worse() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 40).await;
    assert!(recommended(&world, &parent, &child_id).await.is_empty());
    let answer = |question: &aipoten_proto::content::v1::AskedQuestion| {
        (question.area() == Area::Language && !question.is_red_flag).then_some("not_yet")
    };
    let results = world.completed(&parent, &child_id, answer).await;

    let list = recommended(&world, &parent, &child_id).await;
    let of = |area: Area| list.iter().filter(|it| it.area() == area).collect::<Vec<_>>();
    let suiting = all(&world).await.into_iter().filter(|video| {
        video.target_age_min <= 40 && 40 <= video.target_age_max && video.areas().any(|area| area == Area::Language)
    });
    assert_eq!(of(Area::Language).len(), suiting.count().min(5));
    assert!(of(Area::Social).len() <= 1);
    assert_eq!(list[0].area(), Area::Language, "the worst area comes first");
    assert!(list.is_sorted_by(|a, b| a.priority_score >= b.priority_score));
    assert!(of(Area::Language).is_sorted_by_key(|it| it.video.as_ref().map(Video::difficulty)));
    let first = &list[0];
    assert!(first.reason.contains("언어") && first.reason.contains("40개월"), "{}", first.reason);
    assert_eq!(first.assessment_id.as_deref(), Some(results.assessment_id.as_str()));
    assert!(!first.is_viewed && !first.is_completed);
    let ids: std::collections::HashSet<_> = list.iter().filter_map(|it| Some(it.video.as_ref()?.id.clone())).collect();
    assert_eq!(ids.len(), list.len(), "each video once");

    let video_id = first.video.as_ref().expect("a video").id.clone();
    view(&world, &parent, &video_id, 10).await;
    let complete = parent.asks(CompleteVideoRequest { video_id: video_id.clone() });
    let done = world.videos().complete_video(complete).await.expect("completed").into_inner();
    assert_eq!((done.is_completed, done.completion_count), (true, 1));
    let again = parent.asks(CompleteVideoRequest { video_id: video_id.clone() });
    let done = world.videos().complete_video(again).await.expect("completed").into_inner();
    assert_eq!(done.completion_count, 1);
    let list = recommended(&world, &parent, &child_id).await;
    assert!(list[0].is_viewed && list[0].is_completed);

    // The next check replaces the recommendations and leaves out what is done.
    let next = world.completed(&parent, &child_id, answer).await;
    let list = recommended(&world, &parent, &child_id).await;
    assert!(list.iter().all(|it| it.assessment_id.as_ref() == Some(&next.assessment_id)));
    assert!(list.iter().all(|it| it.video.as_ref().is_some_and(|video| video.id != video_id)));
    let request = ListRecommendedVideosRequest {
        child_id: child_id.clone(),
        area: Some(Area::Language.into()),
        ..Default::default()
    };
    let filtered = world.videos().list_recommended_videos(parent.asks(request)).await.expect("a list").into_inner();
    assert!(!filtered.recommendations.is_empty());
    assert!(filtered.recommendations.iter().all(|it| it.area() == Area::Language));
}

#[tokio::test]
async fn a_closed_platform_is_shown_as_unavailable_and_never_recommended() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 40).await;
    sqlx::query("UPDATE videos SET video_platform = 'kakao_tv', url_status = 'ok' WHERE difficulty <> 'hard'")
        .execute(world.database())
        .await
        .expect("old entries");
    let old = list(&world, ListVideosRequest { platform: Some(VideoPlatform::KakaoTv.into()), ..Default::default() });
    assert!(old.await.videos.iter().all(|video| !video.is_available));
    world.completed(&parent, &child_id, |_| None).await;
    for recommendation in recommended(&world, &parent, &child_id).await {
        assert_ne!(recommendation.video.expect("a video").video_platform(), VideoPlatform::KakaoTv);
    }
}

#[tokio::test]
async fn recommendations_are_for_the_childs_parent_alone() {
    let world = World::start().await;
    let (a, b, therapist) = (world.parent().await, world.parent().await, world.therapist().await);
    let child_id = world.child(&a, 24).await;
    let request = || ListRecommendedVideosRequest { child_id: child_id.clone(), ..Default::default() };
    let mut videos = world.videos();
    for (person, code) in [(b, Code::NotFound), (therapist, Code::PermissionDenied)] {
        let refusal = videos.list_recommended_videos(person.asks(request())).await.expect_err("not theirs");
        assert_eq!(refusal.code(), code);
    }
    let refusal = videos.list_recommended_videos(a.asks(ListRecommendedVideosRequest::default())).await;
    assert_eq!(violations(&refusal.expect_err("which child?")), ["child_id: required"]);
}
