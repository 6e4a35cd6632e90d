//! Checking the addresses of videos, against a server on this machine that answers as the platforms do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aipoten_content::{CheckedLinks, LinkCheck, check_links};
use aipoten_kit::test::eventually;
use aipoten_proto::common::v1::Area;
use aipoten_proto::content::v1::{
    CreateVideoRequest, Difficulty, GetAdminVideoRequest, GetVideoRequest, ListAdminVideosRequest,
    ListRecommendedVideosRequest, UpdateVideoRequest, VideoPlatform, VideoUrlStatus,
};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::world::{Person, World};

/// What was asked for, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// Says what the last part of an address asks for; oEmbed knows no video whose address ends in `gone0000000`.
struct Platforms {
    address: String,
    asked: Asked,
}

impl Platforms {
    async fn start() -> Self {
        let asked = Asked::default();
        let router = axum::Router::new()
            .route("/page/{says}", get(page))
            .route("/oembed", get(oembed))
            .with_state(Arc::clone(&asked));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    /// Checks with them in the place of the real ones.
    fn config(&self) -> LinkCheck {
        let oembed = format!("{}/oembed", self.address);
        LinkCheck {
            pause_ms: 1,
            timeout_ms: 500,
            youtube_oembed_url: oembed.clone(),
            vimeo_oembed_url: oembed,
            private: true,
            ..LinkCheck::default()
        }
    }

    fn page(&self, says: &str) -> String {
        format!("{}/page/{says}", self.address)
    }

    /// How often this was asked for.
    fn asked(&self, what: &str) -> usize {
        self.asked.lock().expect("whole").iter().filter(|asked| asked.contains(what)).count()
    }
}

async fn page(State(asked): State<Asked>, Path(says): Path<String>) -> Response {
    asked.lock().expect("whole").push(says.clone());
    match says.as_str() {
        "never" => std::future::pending().await,
        "moved" => Redirect::permanent("/page/200").into_response(),
        "round" => Redirect::permanent("/page/round").into_response(),
        status => StatusCode::from_bytes(status.as_bytes()).expect("a status").into_response(),
    }
}

async fn oembed(State(asked): State<Asked>, Query(query): Query<HashMap<String, String>>) -> StatusCode {
    let url = query["url"].clone();
    let status = if url.ends_with("gone0000000") { StatusCode::NOT_FOUND } else { StatusCode::OK };
    asked.lock().expect("whole").push(url);
    status
}

fn new(video_url: &str, platform: VideoPlatform) -> CreateVideoRequest {
    CreateVideoRequest {
        title_ko: "물 붓기".to_owned(),
        title_en: "Pouring water".to_owned(),
        description_ko: "컵에서 컵으로 물을 부어요.".to_owned(),
        description_en: "Pour water from cup to cup.".to_owned(),
        video_url: video_url.to_owned(),
        video_platform: platform.into(),
        target_age_min: Some(0),
        target_age_max: Some(71),
        difficulty: Difficulty::Easy.into(),
        areas: vec![Area::Language.into(), Area::GrossMotor.into()],
        is_published: Some(true),
        priority: Some(1),
        ..Default::default()
    }
}

async fn video(world: &World, admin: &Person, video_url: &str, platform: VideoPlatform) -> String {
    world.videos().create_video(admin.asks(new(video_url, platform))).await.expect("a video").into_inner().id
}

/// At an address that only a test may have.
async fn video_at(world: &World, admin: &Person, video_url: &str) -> String {
    let id = video(world, admin, "https://clinic.example.org/play", VideoPlatform::Other).await;
    let moved = sqlx::query("UPDATE videos SET video_url = $2 WHERE id = $1::uuid").bind(&id).bind(video_url);
    moved.execute(world.database()).await.expect("moved");
    id
}

async fn status(world: &World, admin: &Person, id: &str) -> (VideoUrlStatus, bool, bool) {
    let request = admin.asks(GetAdminVideoRequest { video_id: id.to_owned() });
    let video = world.videos().get_admin_video(request).await.expect("a video").into_inner();
    (video.url_status(), video.url_last_checked_at.is_some(), video.url_failing_since.is_some())
}

async fn is_available(world: &World, id: &str) -> bool {
    let video = world.videos().get_video(GetVideoRequest { video_id: id.to_owned() }).await;
    video.expect("a video").into_inner().is_available
}

async fn check(world: &World, config: &LinkCheck) -> CheckedLinks {
    check_links(world.database(), config).await.expect("checked").expect("nobody else is at it")
}

async fn a_day_passes(world: &World) {
    let earlier = "UPDATE videos SET url_tried_at = url_tried_at - interval '1 day',
                       url_failing_since = url_failing_since - interval '1 day'";
    sqlx::query(earlier).execute(world.database()).await.expect("a day has passed");
}

async fn announced(world: &World, id: &str) -> i64 {
    let count =
        "SELECT count(*) FROM outbox WHERE type = 'aipoten.content.v1.ContentChanged' AND aggregate_id = $1::uuid";
    sqlx::query_scalar(count).bind(id).fetch_one(world.database()).await.expect("a count")
}

#[tokio::test]
async fn a_video_is_broken_after_two_failures_a_day_apart_and_comes_back_at_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let platforms = Platforms::start().await;
    let config = platforms.config();
    let there = video(&world, &admin, "https://youtu.be/there000000?si=x", VideoPlatform::Youtube).await;
    let gone = video(&world, &admin, "https://www.youtube.com/shorts/gone0000000", VideoPlatform::Youtube).await;
    let vimeo = video(&world, &admin, "https://vimeo.com/123456789/abc1", VideoPlatform::Vimeo).await;

    let found = check(&world, &config).await;
    assert_eq!(found, CheckedLinks { there: 2, gone: 1, unknown: 0, changed: 2 });
    assert_eq!(platforms.asked("https://www.youtube.com/watch?v=there000000"), 1);
    assert_eq!(platforms.asked("https://vimeo.com/123456789/abc1"), 1);
    for id in [&there, &vimeo] {
        assert_eq!(status(&world, &admin, id).await, (VideoUrlStatus::Ok, true, false));
        assert_eq!(announced(&world, id).await, 2, "its creation and its check");
    }
    assert_eq!(status(&world, &admin, &gone).await, (VideoUrlStatus::Unchecked, false, true));
    assert_eq!((announced(&world, &gone).await, is_available(&world, &gone).await), (1, true));
    assert_eq!(check(&world, &config).await, CheckedLinks::default(), "each has its turn once a day");

    a_day_passes(&world).await;
    assert_eq!(check(&world, &config).await, CheckedLinks { there: 2, gone: 1, unknown: 0, changed: 1 });
    assert_eq!(status(&world, &admin, &gone).await, (VideoUrlStatus::Broken, true, true));
    assert_eq!((announced(&world, &gone).await, is_available(&world, &gone).await), (2, false));
    let request = ListAdminVideosRequest { url_status: Some(VideoUrlStatus::Broken.into()), ..Default::default() };
    let broken = world.videos().list_admin_videos(admin.asks(request)).await.expect("a list").into_inner().videos;
    assert_eq!(broken.iter().map(|video| &video.id).collect::<Vec<_>>(), [&gone]);

    // The same address once more: it is looked at anew.
    let request = UpdateVideoRequest {
        video_id: gone.clone(),
        video_url: Some("https://youtu.be/there000000".to_owned()),
        update_mask: Some(aipoten_proto::FieldMask { paths: vec!["video_url".to_owned()] }),
        ..Default::default()
    };
    world.videos().update_video(admin.asks(request)).await.expect("another address");
    assert_eq!(status(&world, &admin, &gone).await, (VideoUrlStatus::Unchecked, false, false));
    assert_eq!(check(&world, &config).await, CheckedLinks { there: 1, gone: 0, unknown: 0, changed: 1 });
    assert_eq!(status(&world, &admin, &gone).await, (VideoUrlStatus::Ok, true, false));
}

#[tokio::test]
async fn trouble_on_the_way_breaks_no_video_and_redirects_end() {
    let world = World::start().await;
    let admin = world.admin().await;
    let platforms = Platforms::start().await;
    let config = platforms.config();
    let mut troubled = Vec::new();
    for says in ["429", "500", "503", "403", "never"] {
        troubled.push(video_at(&world, &admin, &platforms.page(says)).await);
    }
    troubled.push(video_at(&world, &admin, "http://127.0.0.1:1/").await);
    let moved = video_at(&world, &admin, &platforms.page("moved")).await;
    let round = video_at(&world, &admin, &platforms.page("round")).await;
    for day in 0..3 {
        let changed = match day {
            0 | 1 => 1,
            _ => 0,
        };
        assert_eq!(check(&world, &config).await, CheckedLinks { there: 1, gone: 1, unknown: 6, changed }, "{day}");
        a_day_passes(&world).await;
    }
    for id in troubled {
        assert_eq!(status(&world, &admin, &id).await, (VideoUrlStatus::Unchecked, false, false));
    }
    assert_eq!(status(&world, &admin, &moved).await, (VideoUrlStatus::Ok, true, false));
    assert_eq!(status(&world, &admin, &round).await, (VideoUrlStatus::Broken, true, true));
    assert!(platforms.asked("round") <= 3 * 7, "redirects are bounded");
}

#[tokio::test]
async fn private_addresses_are_never_connected_to() {
    let world = World::start().await;
    let admin = world.admin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let mut ids = Vec::new();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        ids.push(video_at(&world, &admin, &format!("https://{host}:{port}/")).await);
    }
    let connected = listener.accept();
    let config = LinkCheck { pause_ms: 1, ..LinkCheck::default() };
    let found = tokio::select! {
        _ = connected => panic!("somebody connected"),
        found = check(&world, &config) => found,
    };
    assert_eq!(found, CheckedLinks { there: 0, gone: 4, unknown: 0, changed: 0 });
    let http = video_at(&world, &admin, "http://clinic.example.org/play").await;
    assert_eq!(check(&world, &config).await.gone, 1, "no http");
    assert!(status(&world, &admin, &http).await.2);
}

#[tokio::test]
async fn demonstrations_and_hidden_videos_are_left_alone_and_a_closed_platform_is_unavailable() {
    let world = World::start().await;
    let admin = world.admin().await;
    let platforms = Platforms::start().await;
    let hidden =
        CreateVideoRequest { is_published: Some(false), ..new("https://youtu.be/hidden00000", VideoPlatform::Youtube) };
    world.videos().create_video(admin.asks(hidden)).await.expect("a video");
    let legacy = video_at(&world, &admin, "https://tv.kakao.com/v/1234").await;
    let closed = sqlx::query("UPDATE videos SET video_platform = 'kakao_tv' WHERE id = $1::uuid").bind(&legacy);
    closed.execute(world.database()).await.expect("a legacy");

    assert_eq!(check(&world, &platforms.config()).await, CheckedLinks { there: 0, gone: 1, unknown: 0, changed: 1 });
    assert!(platforms.asked.lock().expect("whole").is_empty(), "nobody is asked");
    assert_eq!(status(&world, &admin, &legacy).await, (VideoUrlStatus::Unavailable, true, false));
    let request = ListAdminVideosRequest { url_status: Some(VideoUrlStatus::Demo.into()), ..Default::default() };
    let demos = world.videos().list_admin_videos(admin.asks(request)).await.expect("a list").into_inner();
    assert_eq!(demos.page_info.expect("page info").total, 45);
    assert!(demos.videos.iter().all(|video| video.url_last_checked_at.is_none() && video.url_tried_at.is_none()));
}

#[tokio::test]
async fn a_broken_video_is_recommended_no_more() {
    let world = World::start().await;
    let (admin, parent) = (world.admin().await, world.parent().await);
    let platforms = Platforms::start().await;
    let gone = video(&world, &admin, "https://youtu.be/gone0000000", VideoPlatform::Youtube).await;
    let child_id = world.child(&parent, 24).await;
    let recommended = async || {
        let request =
            ListRecommendedVideosRequest { child_id: child_id.clone(), limit: Some(100), ..Default::default() };
        let list = world.videos().list_recommended_videos(parent.asks(request)).await.expect("a list").into_inner();
        list.recommendations.into_iter().any(|it| it.video.is_some_and(|video| video.id == gone))
    };
    world.completed(&parent, &child_id, |question| (!question.is_red_flag).then_some("not_yet")).await;
    assert!(recommended().await, "while nothing is known against it");
    check(&world, &platforms.config()).await;
    a_day_passes(&world).await;
    check(&world, &platforms.config()).await;
    assert!(!recommended().await, "what was recommended before, too");
    world.completed(&parent, &child_id, |question| (!question.is_red_flag).then_some("not_yet")).await;
    assert!(!recommended().await);
}

#[tokio::test]
async fn two_that_check_at_once_ask_for_each_address_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let platforms = Platforms::start().await;
    for _ in 0..3 {
        video_at(&world, &admin, &platforms.page("200")).await;
    }
    let config = LinkCheck { pause_ms: 100, ..platforms.config() };
    let (first, second) = tokio::join!(check_links(world.database(), &config), check_links(world.database(), &config));
    let found = [first.expect("checked"), second.expect("checked")];
    assert_eq!(found.iter().flatten().count(), 1, "one of them was at it: {found:?}");
    assert_eq!(platforms.asked("200"), 3);

    // A holder that died is waited for no longer than its time.
    let dead = "INSERT INTO leases (job, holder, until) VALUES ('link check', gen_random_uuid(), now() + $1::interval)
                ON CONFLICT (job) DO UPDATE SET until = excluded.until";
    let hold = async |time: &str| {
        sqlx::query(dead).bind(time).execute(world.database()).await.expect("a lease");
        check_links(world.database(), &config).await.expect("an answer").is_some()
    };
    assert!(!hold("1 minute").await);
    assert!(hold("-1 second").await);
}

#[tokio::test]
async fn replicas_check_by_the_clock_each_address_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let platforms = Platforms::start().await;
    let id = video_at(&world, &admin, &platforms.page("200")).await;
    for _ in 0..2 {
        world.replica(LinkCheck { every_s: 1, ..platforms.config() }).await;
    }
    let found = async || status(&world, &admin, &id).await == (VideoUrlStatus::Ok, true, false);
    eventually("the video is found", found).await;
    let later = video_at(&world, &admin, &platforms.page("204")).await;
    let found = async || status(&world, &admin, &later).await == (VideoUrlStatus::Ok, true, false);
    eventually("at the next look the new one is found, too", found).await;
    assert_eq!((platforms.asked("200"), platforms.asked("204")), (1, 1));
}
