//! What remains of a child or an account that was erased: nothing.

use aipoten_content::consumers;
use aipoten_events::Delivered;
use aipoten_kit::test::{broker_url, eventually};
use aipoten_proto::content::v1::{
    BookmarkVideoRequest, CreateAssessmentRequest, CreateGrowthMeasurementRequest, ListVideosRequest,
};
use aipoten_proto::identity::v1::{ChildDeleted, DeleteChildRequest, UserDeleted};
use sqlx::PgPool;
use tonic::Code;
use uuid::Uuid;

use crate::world::{Person, World};

/// Rows that speak of a child or an account.
async fn traces(pool: &PgPool, id: &str) -> i64 {
    let id: Uuid = id.parse().expect("an id");
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM development_assessments WHERE $1 IN (child_id, user_id))
              + (SELECT count(*) FROM growth_measurements WHERE $1 IN (child_id, user_id))
              + (SELECT count(*) FROM recommended_videos WHERE $1 IN (child_id, user_id))
              + (SELECT count(*) FROM user_video_interactions WHERE $1 = user_id)
              + (SELECT count(*) FROM assessment_responses WHERE $1 = answered_by)",
    )
    .bind(id)
    .fetch_one(pool)
    .await
    .expect("a count")
}

async fn number(pool: &PgPool, count: &'static str) -> i64 {
    sqlx::query_scalar(count).fetch_one(pool).await.expect("a count")
}

/// A child with a completed check, one in progress, a measurement; its parent with a bookmark.
async fn lived_in(world: &World, parent: &Person) -> String {
    let child_id = world.child(parent, 24).await;
    world.completed(parent, &child_id, |_| None).await;
    world.check(parent, &child_id).await;
    let request =
        CreateGrowthMeasurementRequest { child_id: child_id.clone(), weight_g: Some(12_000), ..Default::default() };
    world.growth().create_growth_measurement(parent.asks(request)).await.expect("a measurement");
    let video = world.videos().list_videos(ListVideosRequest::default()).await.expect("a list").into_inner();
    let request = BookmarkVideoRequest { video_id: video.videos[0].id.clone() };
    world.videos().bookmark_video(parent.asks(request)).await.expect("a bookmark");
    child_id
}

fn delivered<E>(about: &str, event: E) -> Delivered<E> {
    aipoten_events::test::delivered(about.parse().expect("an id"), 2, event)
}

#[tokio::test]
async fn an_erased_child_leaves_nothing_and_others_keep_everything() {
    let world = World::start().await;
    let (a, b) = (world.parent().await, world.parent().await);
    let (child, sister, other) = (lived_in(&world, &a).await, lived_in(&world, &a).await, lived_in(&world, &b).await);
    let kept = (traces(world.database(), &sister).await, traces(world.database(), &other).await);
    assert!(traces(world.database(), &child).await > 0);

    let event = delivered(&child, ChildDeleted { child_id: child.clone(), user_id: a.id.clone() });
    let mut conn = world.database().acquire().await.expect("a connection");
    for _ in 0..2 {
        consumers::child_deleted(&mut conn, &event).await.expect("applied, and again without effect");
    }
    assert_eq!(traces(world.database(), &child).await, 0);
    assert_eq!((traces(world.database(), &sister).await, traces(world.database(), &other).await), kept);
}

#[tokio::test]
async fn an_erased_account_leaves_nothing_and_is_not_counted_any_more() {
    let world = World::start().await;
    let (a, b) = (world.parent().await, world.parent().await);
    let (child, other) = (lived_in(&world, &a).await, lived_in(&world, &b).await);
    let kept = traces(world.database(), &other).await;
    assert_eq!(number(world.database(), "SELECT max(bookmark_count) FROM videos").await, 2);

    let event = delivered(&a.id, UserDeleted { user_id: a.id.clone() });
    let mut conn = world.database().acquire().await.expect("a connection");
    for _ in 0..2 {
        consumers::user_deleted(&mut conn, &event).await.expect("applied, and again without effect");
    }
    assert_eq!((traces(world.database(), &a.id).await, traces(world.database(), &child).await), (0, 0));
    assert_eq!(traces(world.database(), &other).await, kept);
    assert_eq!(number(world.database(), "SELECT max(bookmark_count) FROM videos").await, 1);
}

/// The only test here that has a broker: its queue is nobody else's.
#[tokio::test]
async fn a_child_deleted_at_identity_is_erased_here() {
    let world = World::start_with(&broker_url()).await;
    let parent = world.parent().await;
    let child_id = lived_in(&world, &parent).await;
    let request = DeleteChildRequest { child_id: child_id.clone() };
    world.identity.children().delete_child(parent.asks(request)).await.expect("deleted");
    eventually("the child's data is erased", async || traces(world.database(), &child_id).await == 0).await;
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn what_begins_while_a_child_is_erased_is_not_kept() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let event = delivered(&child_id, ChildDeleted { child_id: child_id.clone(), user_id: parent.id.clone() });
    let start = |world: &World| {
        let (mut assessments, request) =
            (world.assessments(), parent.asks(CreateAssessmentRequest { child_id: child_id.clone() }));
        async move { assessments.create_assessment(request).await }
    };
    let measure = |world: &World| {
        let request =
            CreateGrowthMeasurementRequest { child_id: child_id.clone(), weight_g: Some(12_000), ..Default::default() };
        let (mut growth, request) = (world.growth(), parent.asks(request));
        async move { growth.create_growth_measurement(request).await }
    };

    // Identity still has the child, and the erasure is not committed: both wait for it.
    let mut erasure = world.database().begin().await.expect("a transaction");
    consumers::child_deleted(&mut erasure, &event).await.expect("applied");
    let begun = tokio::spawn(futures::future::join(start(&world), measure(&world)));
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("both wait", async || number(world.database(), waiting).await == 2).await;
    erasure.commit().await.expect("erased");
    let (check, measurement) = begun.await.expect("both end");
    assert_eq!(check.expect_err("no child any more").code(), Code::NotFound);
    assert_eq!(measurement.expect_err("no child any more").code(), Code::NotFound);
    assert_eq!(traces(world.database(), &child_id).await, 0);
}
