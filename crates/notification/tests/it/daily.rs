//! What is told by the clock, and what is for everybody of a role.

use aipoten_kit::test::eventually;
use aipoten_notification::consumers as on;
use aipoten_notification::delivery::Senders;
use aipoten_proto::content::v1::{AssessmentCompleted, VideoPublished};
use aipoten_proto::matching::v1::TherapistApplied;
use aipoten_proto::timestamp;
use chrono::{Days, Months};
use uuid::Uuid;

use crate::world::{World, delivered, now, today};

const DONE: &str = "SELECT count(*) FROM daily_jobs WHERE done >= (now() AT TIME ZONE 'Asia/Seoul')::date";

/// A check begins at 48 months. Whole years of four have every day.
const FOUR_YEARS: Months = Months::new(48);

async fn until_done(world: &World) {
    eventually("the jobs of the day are done", async || world.number(DONE).await == 2).await;
}

#[tokio::test]
async fn parents_are_reminded_of_what_begins_and_ends_today_of_several_children_at_once() {
    let world = World::without_notification().await;
    let (two, one, none) = (world.parent().await, world.parent().await, world.parent().await);
    for _ in 0..2 {
        world.identity.child(&two, today() - FOUR_YEARS).await;
    }
    // The check until 47 months ends in 14 days.
    let closing = today() + Days::new(14) - FOUR_YEARS;
    let (late, checked) = (world.identity.child(&one, closing).await, world.identity.child(&none, closing).await);
    assert_ne!(late, checked);
    let completed = AssessmentCompleted {
        assessment_id: Uuid::now_v7().to_string(),
        child_id: checked.clone(),
        user_id: none.id.clone(),
        completed_at: Some(timestamp(now())),
    };
    world.take(on::assessment_completed, &delivered(checked.parse().expect("an id"), 2, completed)).await;
    let before = world.told_to(none.uuid()).await.len();

    let world = world.serve(0, Senders::default()).await.serve(0, Senders::default()).await;
    until_done(&world).await;
    let mut told: Vec<_> = world.told().await.into_iter().filter(|it| it.0 == two.uuid()).collect();
    told.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(told.iter().map(|it| it.1.as_str()).collect::<Vec<_>>(), ["check_opens", "growth_due"]);
    assert!(told.iter().all(|it| it.2["children"] == 2), "{told:?}");
    let told = world.told_to(one.uuid()).await;
    assert!(told.contains(&"check_closes".to_owned()), "{told:?}");
    assert!(!world.told_to(none.uuid()).await[before..].contains(&"check_closes".to_owned()), "that one is done");
    let kept =
        world.number("SELECT count(*) FROM notifications WHERE variables::text LIKE '%' || (now()::date)::text || '%'");
    assert_eq!(kept.await, 0, "no date of birth is kept");
}

#[tokio::test]
async fn days_on_which_nobody_was_there_are_made_up_for() {
    let world = World::without_notification().await;
    let parent = world.parent().await;
    world.identity.child(&parent, today() - Days::new(2) - FOUR_YEARS).await;
    sqlx::query("INSERT INTO daily_jobs VALUES ('children', $1), ('unread', $1)")
        .bind(today() - Days::new(30))
        .execute(world.database())
        .await
        .expect("a month ago");
    let world = world.serve(0, Senders::default()).await;
    until_done(&world).await;
    assert!(world.told_to(parent.uuid()).await.contains(&"check_opens".to_owned()));
}

#[tokio::test]
async fn what_was_not_read_in_a_week_is_mailed_once() {
    let world = World::without_notification().await;
    let [forgetful, diligent] = [Uuid::now_v7(), Uuid::now_v7()];
    for (user, age, is_read) in [
        (forgetful, 4, false),
        (forgetful, 5, false),
        (forgetful, 1, false),
        (forgetful, 30, false),
        (diligent, 4, true),
    ] {
        // So many days before the Monday on which they are counted.
        sqlx::query(
            "INSERT INTO notifications (id, user_id, type, template, variables, dedupe_key, is_read, read_at, created_at)
             VALUES (gen_random_uuid(), $1, 'account', 'welcome', '{}', gen_random_uuid()::text, $3,
                     CASE WHEN $3 THEN now() END,
                     date_trunc('week', now() AT TIME ZONE 'Asia/Seoul') AT TIME ZONE 'Asia/Seoul' - $2 * interval '1 day')",
        )
        .bind(user)
        .bind(age)
        .bind(is_read)
        .execute(world.database())
        .await
        .expect("planted");
    }
    // A Monday is among the days that are made up for, or three days before today are not enough and there is nothing to see.
    sqlx::query(
        "INSERT INTO daily_jobs VALUES ('unread', date_trunc('week', now() AT TIME ZONE 'Asia/Seoul')::date - 1)",
    )
    .execute(world.database())
    .await
    .expect("before Monday");
    let world = world.serve(0, Senders::default()).await.serve(0, Senders::default()).await;
    until_done(&world).await;
    let mails: Vec<(Uuid, serde_json::Value)> =
        sqlx::query_as("SELECT user_id, variables FROM deliveries WHERE template = 'unread_summary'")
            .fetch_all(world.database())
            .await
            .expect("mails");
    let since_monday = chrono::Datelike::weekday(&today()).num_days_from_monday();
    if since_monday <= 3 {
        assert_eq!(mails, [(forgetful, serde_json::json!({ "unread": 2 }))]);
    } else {
        assert_eq!(mails, [], "three days are made up for");
    }
}

#[tokio::test]
async fn administrators_are_told_once_by_two_replicas_and_parents_of_all_videos_of_a_day_at_once() {
    let world = World::without_notification().await;
    let (parent, therapist, admin) = (world.parent().await, world.therapist().await, world.admin().await);
    let applied = TherapistApplied { therapist_id: therapist.id.clone() };
    world.take(on::therapist_applied, &delivered(therapist.uuid(), 1, applied)).await;
    for _ in 0..3 {
        let video = VideoPublished { video_id: Uuid::now_v7().to_string() };
        world.apply(&on::video_published, &delivered(Uuid::now_v7(), 1, video)).await.expect("applied");
    }
    let ahead = "SELECT count(*) FROM scheduled_notifications WHERE template = 'new_videos' AND due_at > now()";
    assert_eq!(world.number(ahead).await, 1, "it is told on the next day");
    sqlx::query("UPDATE scheduled_notifications SET due_at = now()").execute(world.database()).await.expect("due");
    let world = world.serve(24, Senders::default()).await.serve(24, Senders::default()).await;
    let open = "SELECT count(*) FROM scheduled_notifications WHERE told_at IS NULL";
    eventually("all is told", async || world.number(open).await == 0).await;
    assert_eq!(world.told_to(admin.uuid()).await, ["therapist_applied"]);
    assert_eq!(world.told_to(therapist.uuid()).await, [] as [String; 0]);
    assert_eq!(world.told_to(parent.uuid()).await, ["new_videos"]);
    let videos = world.told().await.into_iter().find(|it| it.0 == parent.uuid()).expect("told").2;
    assert_eq!(videos, serde_json::json!({ "videos": 3 }));
}

#[tokio::test]
async fn what_is_half_a_year_old_is_forgotten_and_what_an_erasure_left_behind_goes() {
    let world = World::without_notification().await;
    let [young, old, erased] = std::array::from_fn(|_| Uuid::now_v7());
    for (user, days) in [(young, 179), (old, 181), (erased, 0)] {
        sqlx::query(
            "INSERT INTO notifications (id, user_id, type, template, variables, dedupe_key, created_at)
             VALUES (gen_random_uuid(), $1, 'account', 'welcome', '{}', $1::text, now() - $2 * interval '1 day')",
        )
        .bind(user)
        .bind(days)
        .execute(world.database())
        .await
        .expect("planted");
    }
    sqlx::query("INSERT INTO erased (id) VALUES ($1)").bind(erased).execute(world.database()).await.expect("erased");
    let world = world.serve(24, Senders::default()).await;
    eventually("old and erased ones are gone", async || world.told().await.len() == 1).await;
    assert_eq!(world.told().await[0].0, young);
}

#[tokio::test]
async fn what_is_for_a_role_that_nobody_has_is_done() {
    let world = World::without_notification().await;
    let admin = world.admin().await;
    let closed = "UPDATE users SET status = 'suspended' WHERE id = $1";
    sqlx::query(closed).bind(admin.uuid()).execute(world.identity.database()).await.expect("suspended");
    let applied = TherapistApplied { therapist_id: Uuid::now_v7().to_string() };
    world.take(on::therapist_applied, &delivered(Uuid::now_v7(), 1, applied)).await;
    let world = world.serve(24, Senders::default()).await;
    let open = "SELECT count(*) FROM scheduled_notifications WHERE told_at IS NULL";
    eventually("there is nobody to tell", async || world.number(open).await == 0).await;
    assert_eq!(world.told().await, []);
}
