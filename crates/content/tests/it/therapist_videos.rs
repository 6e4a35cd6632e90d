//! Videos that therapists recommend in their reports.

use aipoten_content::consumers;
use aipoten_events::test::delivered;
use aipoten_proto::content::v1::{
    ListRecommendedVideosRequest, ListVideosRequest, RecommendationSource, RecommendedVideo, RecordVideoViewRequest,
};
use aipoten_proto::identity::v1::ChildDeleted;
use aipoten_proto::matching::v1::ReportSubmitted;
use chrono::Utc;
use uuid::Uuid;

use crate::world::{Person, World};

/// Matching tells of version `seq` of the report of a session.
async fn submit(world: &World, parent: &Person, child_id: &str, session: Uuid, seq: i64, videos: &[&str]) {
    let event = ReportSubmitted {
        consultation_id: session.to_string(),
        package_id: Uuid::now_v7().to_string(),
        therapist_id: Uuid::now_v7().to_string(),
        parent_user_id: parent.id.clone(),
        child_id: child_id.to_owned(),
        submitted_at: Some(aipoten_proto::timestamp(Utc::now())),
        recommended_video_ids: videos.iter().map(|id| (*id).to_owned()).collect(),
    };
    let mut tx = world.database().begin().await.expect("a transaction");
    consumers::report_submitted(&mut tx, &delivered(session, seq, event)).await.expect("taken in");
    tx.commit().await.expect("kept");
}

async fn recommended(world: &World, parent: &Person, child_id: &str) -> Vec<RecommendedVideo> {
    let ask = ListRecommendedVideosRequest { child_id: child_id.to_owned(), limit: Some(100), ..Default::default() };
    let list = world.videos().list_recommended_videos(parent.asks(ask)).await.expect("a list").into_inner();
    let total = list.page_info.expect("page info").total;
    assert_eq!(total, i64::try_from(list.recommendations.len()).expect("few"));
    list.recommendations
}

fn ids(list: &[RecommendedVideo]) -> Vec<&str> {
    list.iter().map(|it| it.video.as_ref().expect("a video").id.as_str()).collect()
}

async fn videos(world: &World) -> Vec<String> {
    let ask = ListVideosRequest { limit: Some(4), ..Default::default() };
    world.videos().list_videos(ask).await.expect("a list").into_inner().videos.into_iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn the_parent_sees_what_the_therapist_recommends_first_and_why() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let videos = videos(&world).await;
    world.completed(&parent, &child_id, |_| None).await;
    let unpublished = "UPDATE videos SET is_published = false WHERE id = $1::text::uuid";
    sqlx::query(unpublished).bind(&videos[3]).execute(world.database()).await.expect("unpublished");
    let unknown = Uuid::now_v7().to_string();
    let wanted = [videos[1].as_str(), &unknown, &videos[3], &videos[0]];
    submit(&world, &parent, &child_id, Uuid::now_v7(), 3, &wanted).await;

    let list = recommended(&world, &parent, &child_id).await;
    assert_eq!(ids(&list)[..2], [&videos[1], &videos[0]], "in the therapist's order, before all others");
    assert!(list[2..].iter().all(|it| it.source() == RecommendationSource::Assessment));
    for recommendation in &list[..2] {
        assert_eq!(recommendation.source(), RecommendationSource::Therapist);
        assert_eq!((recommendation.area_level, &recommendation.assessment_id), (None, &None));
        assert!(recommendation.reason.contains("치료사"), "{}", recommendation.reason);
    }
    let ask = ListRecommendedVideosRequest { child_id: child_id.clone(), ..Default::default() };
    let english = world.videos().list_recommended_videos(parent.asks_in_english(ask)).await.expect("a list");
    assert!(english.into_inner().recommendations[0].reason.contains("therapist"));
}

#[tokio::test]
async fn an_amended_report_replaces_its_earlier_versions_in_whatever_order_they_come() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let videos = videos(&world).await;
    let (session, other) = (Uuid::now_v7(), Uuid::now_v7());
    submit(&world, &parent, &child_id, other, 9, &[&videos[2]]).await;
    submit(&world, &parent, &child_id, session, 3, &[&videos[0], &videos[1]]).await;
    let watched = RecordVideoViewRequest { video_id: videos[1].clone(), watched_seconds: None };
    world.videos().record_video_view(parent.asks(watched)).await.expect("watched");

    for _ in 0..2 {
        submit(&world, &parent, &child_id, session, 5, &[&videos[1], &videos[3]]).await;
        submit(&world, &parent, &child_id, session, 4, &[&videos[0]]).await;
        let list = recommended(&world, &parent, &child_id).await;
        let mut found = ids(&list);
        found.sort_unstable();
        let mut expected = [videos[1].as_str(), &videos[2], &videos[3]];
        expected.sort_unstable();
        assert_eq!(found, expected);
        let viewed: Vec<_> = list.iter().filter(|it| it.is_viewed).cloned().collect();
        assert_eq!(ids(&viewed), [&videos[1]], "what was watched stays so");
    }
    submit(&world, &parent, &child_id, session, 6, &[]).await;
    submit(&world, &parent, &child_id, session, 5, &[&videos[1]]).await;
    assert_eq!(ids(&recommended(&world, &parent, &child_id).await), [&videos[2]]);
    submit(&world, &parent, &child_id, session, 7, &[&videos[2]]).await;
    assert_eq!(recommended(&world, &parent, &child_id).await.len(), 1, "one video twice is shown once");
}

#[tokio::test]
async fn a_report_that_comes_after_its_child_was_erased_leaves_nothing() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let videos = videos(&world).await;
    let session = Uuid::now_v7();
    submit(&world, &parent, &child_id, session, 3, &[&videos[0]]).await;
    let event = ChildDeleted { child_id: child_id.clone(), user_id: parent.id.clone() };
    let event = delivered(child_id.parse().expect("an id"), 2, event);
    let mut tx = world.database().begin().await.expect("a transaction");
    consumers::child_deleted(&mut tx, &event).await.expect("erased");
    tx.commit().await.expect("kept");
    submit(&world, &parent, &child_id, session, 4, &[&videos[0]]).await;
    submit(&world, &parent, &child_id, Uuid::now_v7(), 3, &[&videos[1]]).await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM recommended_videos")
        .fetch_one(world.database())
        .await
        .expect("a count");
    assert_eq!(left, 0);
}
