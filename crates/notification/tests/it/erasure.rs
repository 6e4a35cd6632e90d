//! What is left of an account or a child that is erased: nothing.

use aipoten_notification::consumers as on;
use aipoten_proto::content::v1::AssessmentCompleted;
use aipoten_proto::identity::v1::{ChildDeleted, UserDeleted};
use aipoten_proto::notification::v1::{
    Channel, DevicePlatform, Preference, PutPreferencesRequest, RegisterDeviceRequest,
};
use aipoten_proto::timestamp;
use chrono::TimeDelta;
use uuid::Uuid;

use crate::events::{self, Cast};
use crate::world::{World, delivered, now};

/// Rows of an account.
async fn left(world: &World, user_id: Uuid) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM notifications WHERE user_id = $1)
           + (SELECT count(*) FROM deliveries WHERE user_id = $1)
           + (SELECT count(*) FROM preferences WHERE user_id = $1)
           + (SELECT count(*) FROM quiet_hours WHERE user_id = $1)
           + (SELECT count(*) FROM devices WHERE user_id = $1)
           + (SELECT count(*) FROM scheduled_notifications WHERE user_id = $1)",
    )
    .bind(user_id)
    .fetch_one(world.database())
    .await
    .expect("a number")
}

#[tokio::test]
async fn an_erased_account_leaves_nothing_and_is_told_nothing_any_more() {
    let world = World::start().await;
    let parent = world.parent().await;
    let cast = Cast { parent: parent.uuid(), therapist: parent.uuid(), ..Cast::new() };
    let request = RegisterDeviceRequest {
        platform: DevicePlatform::Fcm.into(),
        token: "a token".to_owned(),
        ..RegisterDeviceRequest::default()
    };
    world.devices().register_device(parent.asks(request)).await.expect("a device");
    let wish = Preference { r#type: "new_video".to_owned(), channel: Channel::Push.into(), enabled: true };
    let request = PutPreferencesRequest { preferences: vec![wish], quiet_hours: Some(false) };
    world.preferences().put_preferences(parent.asks(request)).await.expect("choices");
    events::of_people(&world, &cast).await;
    events::of_session(&world, &cast).await;
    let scheduled = cast.scheduled(now() + TimeDelta::days(2));
    world.take(on::consultation_scheduled, &delivered(cast.session, 9, scheduled)).await;
    assert!(left(&world, parent.uuid()).await > 20);

    let deleted = delivered(parent.uuid(), 1, UserDeleted { user_id: parent.id.clone() });
    world.take(on::user_deleted, &deleted).await;
    assert_eq!(left(&world, parent.uuid()).await, 0);
    events::of_people(&world, &cast).await;
    events::of_money(&world, &cast).await;
    assert_eq!(left(&world, parent.uuid()).await, 0, "late events tell nothing");
}

#[tokio::test]
async fn what_was_told_of_an_erased_child_goes_and_nothing_of_it_is_kept() {
    let (world, cast) = (World::start().await, Cast::new());
    let completed = |child: Uuid| {
        let event = AssessmentCompleted {
            assessment_id: Uuid::now_v7().to_string(),
            child_id: child.to_string(),
            user_id: cast.parent.to_string(),
            completed_at: Some(timestamp(now())),
        };
        delivered(child, 2, event)
    };
    let sibling = Uuid::now_v7();
    world.take(on::assessment_completed, &completed(cast.child)).await;
    world.take(on::assessment_completed, &completed(sibling)).await;
    let deleted = ChildDeleted { child_id: cast.child.to_string(), user_id: cast.parent.to_string() };
    world.take(on::child_deleted, &delivered(cast.child, 2, deleted)).await;
    let told = world.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].2["child_id"], sibling.to_string());
    let kept: Vec<Uuid> = sqlx::query_scalar("SELECT child_id FROM checked_children")
        .fetch_all(world.database())
        .await
        .expect("children");
    assert_eq!(kept, [sibling]);
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE notification_id IS NULL").await, 0);

    world.take(on::assessment_completed, &completed(cast.child)).await;
    let kept = world.number("SELECT count(*) FROM checked_children").await;
    assert_eq!((kept, world.told().await.len()), (1, 1), "a late event tells nothing of it");
}
