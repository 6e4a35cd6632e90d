//! A person's notifications over gRPC.

use aipoten_kit::test::violations;
use aipoten_notification::consumers as on;
use aipoten_proto::matching::v1::RequestCreated;
use aipoten_proto::notification::v1::{
    DeleteNotificationRequest, GetUnreadCountRequest, ListNotificationsAfterRequest, ListNotificationsRequest,
    Notification, ReadAllNotificationsRequest, ReadNotificationRequest,
};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::world::{Person, World, delivered};

/// A request for this therapist.
async fn request_for(world: &World, therapist: &Person) {
    let request = Uuid::now_v7();
    let created = RequestCreated {
        request_id: request.to_string(),
        therapist_id: therapist.id.clone(),
        parent_user_id: Uuid::now_v7().to_string(),
    };
    world.take(on::request_created, &delivered(request, 1, created)).await;
}

async fn list(world: &World, person: &Person, request: ListNotificationsRequest) -> (Vec<Notification>, i64) {
    let answer = world.notifications().list_notifications(person.asks(request)).await.expect("a list").into_inner();
    (answer.notifications, answer.page_info.expect("where it stands").total)
}

async fn unread(world: &World, person: &Person) -> i64 {
    let answer = world.notifications().get_unread_count(person.asks(GetUnreadCountRequest {})).await;
    answer.expect("a number").into_inner().unread
}

fn read(id: &str) -> ReadNotificationRequest {
    ReadNotificationRequest { notification_id: id.to_owned() }
}

fn delete(id: &str) -> DeleteNotificationRequest {
    DeleteNotificationRequest { notification_id: id.to_owned() }
}

#[tokio::test]
async fn a_person_reads_their_own_in_pages_and_in_their_language() {
    let world = World::start().await;
    let (therapist, other) = (world.therapist().await, world.therapist().await);
    for person in [&therapist, &therapist, &therapist, &other] {
        request_for(&world, person).await;
    }
    let request = ListNotificationsRequest { limit: Some(2), ..ListNotificationsRequest::default() };
    let (page, total) = list(&world, &therapist, request.clone()).await;
    assert_eq!((page.len(), total), (2, 3));
    let rest = ListNotificationsRequest { page: Some(2), ..request };
    let (rest, _) = list(&world, &therapist, rest).await;
    assert_eq!(rest.len(), 1);
    assert!(rest[0].id < page[1].id && page[1].id < page[0].id, "the newest first");
    assert_eq!((page[0].r#type.as_str(), page[0].title.as_str()), ("matching_update", "새로운 상담 요청이 왔어요"));
    let data: serde_json::Value = serde_json::from_str(&page[0].data).expect("JSON");
    let link = format!("/matching/requests/{}", data["request_id"].as_str().expect("an id"));
    assert_eq!(page[0].link_url.as_deref(), Some(link.as_str()));
    assert!(!page[0].is_read && page[0].read_at.is_none());

    let english = therapist.asks_in_english(ListNotificationsRequest::default());
    let english = world.notifications().list_notifications(english).await.expect("a list").into_inner();
    assert_eq!(english.notifications[0].title, "You have a new request");
}

#[tokio::test]
async fn what_was_read_stays_read_and_what_was_deleted_is_gone_and_not_told_again() {
    let world = World::start().await;
    let therapist = world.therapist().await;
    for _ in 0..3 {
        request_for(&world, &therapist).await;
    }
    let (all, _) = list(&world, &therapist, ListNotificationsRequest::default()).await;
    assert_eq!(unread(&world, &therapist).await, 3);
    let mut client = world.notifications();
    let first = client.read_notification(therapist.asks(read(&all[0].id))).await.expect("read").into_inner();
    assert!(first.is_read);
    let again = client.read_notification(therapist.asks(read(&all[0].id))).await.expect("read again").into_inner();
    assert_eq!(again, first, "the first time counts");
    let unread_only = ListNotificationsRequest { unread_only: Some(true), ..ListNotificationsRequest::default() };
    assert_eq!(list(&world, &therapist, unread_only).await.1, 2);

    client.delete_notification(therapist.asks(delete(&all[1].id))).await.expect("deleted");
    let gone = client.delete_notification(therapist.asks(delete(&all[1].id))).await.expect_err("gone");
    assert_eq!(gone.code(), Code::NotFound);
    let gone = client.read_notification(therapist.asks(read(&all[1].id))).await.expect_err("gone");
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(unread(&world, &therapist).await, 1);

    let left = client.read_all_notifications(therapist.asks(ReadAllNotificationsRequest {})).await.expect("all");
    assert_eq!(left.into_inner().unread, 0);
    assert_eq!(unread(&world, &therapist).await, 0);
    assert_eq!(list(&world, &therapist, ListNotificationsRequest::default()).await.1, 2);
}

#[tokio::test]
async fn whoever_was_away_catches_up() {
    let world = World::start().await;
    let therapist = world.therapist().await;
    request_for(&world, &therapist).await;
    sqlx::query("UPDATE notifications SET created_at = now() - interval '1 minute'")
        .execute(world.database())
        .await
        .expect("a minute ago");
    for _ in 0..3 {
        request_for(&world, &therapist).await;
    }
    sqlx::query("UPDATE notifications SET created_at = now() WHERE created_at > now() - interval '50 seconds'")
        .execute(world.database())
        .await
        .expect("all at once");
    let (all, _) = list(&world, &therapist, ListNotificationsRequest::default()).await;
    let after = async |id: &str| {
        let request = ListNotificationsAfterRequest { after: id.to_owned() };
        let answer = world.notifications().list_notifications_after(therapist.asks(request)).await.expect("a list");
        answer.into_inner().notifications.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    // What came at the same time may have been missed.
    assert_eq!(after(&all[1].id).await, [all[2].id.clone(), all[0].id.clone()], "the oldest first");
    assert_eq!(after(&all[3].id).await.len(), 3);
    let later = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 4_000_000_000, 0));
    assert_eq!(after(&later.to_string()).await, [] as [String; 0]);
    for (nonsense, rule) in
        [("x", "after: not_a_uuid"), ("", "after: required"), (&Uuid::new_v4().to_string(), "after: invalid")]
    {
        let request = ListNotificationsAfterRequest { after: nonsense.to_owned() };
        let refused =
            world.notifications().list_notifications_after(therapist.asks(request)).await.expect_err("nonsense");
        assert_eq!(violations(&refused), [rule]);
    }
}

#[tokio::test]
async fn nobody_sees_or_touches_what_is_told_to_others() {
    let world = World::start().await;
    let (therapist, other) = (world.therapist().await, world.parent().await);
    request_for(&world, &therapist).await;
    let (all, _) = list(&world, &therapist, ListNotificationsRequest::default()).await;
    assert_eq!(list(&world, &other, ListNotificationsRequest::default()).await, (Vec::new(), 0));
    let mut client = world.notifications();
    let foreign = client.read_notification(other.asks(read(&all[0].id))).await.expect_err("foreign");
    assert_eq!(foreign.code(), Code::NotFound);
    let foreign = client.delete_notification(other.asks(delete(&all[0].id))).await.expect_err("foreign");
    assert_eq!(foreign.code(), Code::NotFound);
    client.read_all_notifications(other.asks(ReadAllNotificationsRequest {})).await.expect("their own");
    assert_eq!(unread(&world, &therapist).await, 1);
}

#[tokio::test]
async fn strangers_and_nonsense_are_refused() {
    let world = World::start().await;
    let person = world.parent().await;
    let mut client = world.notifications();
    let code = |refused: tonic::Status| refused.code();
    let stranger = client.list_notifications(Request::new(ListNotificationsRequest::default())).await;
    assert_eq!(stranger.map_err(code).expect_err("a stranger"), Code::Unauthenticated);
    let stranger = client.get_unread_count(Request::new(GetUnreadCountRequest {})).await;
    assert_eq!(stranger.map_err(code).expect_err("a stranger"), Code::Unauthenticated);
    let stranger = client.read_all_notifications(Request::new(ReadAllNotificationsRequest {})).await;
    assert_eq!(stranger.map_err(code).expect_err("a stranger"), Code::Unauthenticated);

    let nonsense = ListNotificationsRequest {
        r#type: Some("gossip".to_owned()),
        limit: Some(0),
        page: Some(-1),
        unread_only: None,
    };
    let refused = client.list_notifications(person.asks(nonsense)).await.expect_err("nonsense");
    let expected =
        ["limit: out_of_range min=1 max=100", "page: out_of_range min=1 max=10000", "type: unknown_notification_type"];
    assert_eq!(violations(&refused), expected);
    let refused = client.read_notification(person.asks(read("x"))).await.expect_err("nonsense");
    assert_eq!(violations(&refused), ["notification_id: not_a_uuid"]);
    let refused = client.delete_notification(person.asks(delete(""))).await.expect_err("nonsense");
    assert_eq!(violations(&refused), ["notification_id: required"]);
}
