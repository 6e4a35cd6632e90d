//! What events tell, to whom, once.

use std::collections::BTreeSet;

use aipoten_notification::consumers as on;
use aipoten_proto::billing::v1::PaymentCompleted;
use aipoten_proto::matching::v1::{RequestCreated, ScheduleChangeResolved};
use aipoten_proto::notification::v1::NotificationCreated;
use chrono::TimeDelta;
use prost::Message as _;
use uuid::Uuid;

use crate::events::{self, Cast};
use crate::world::{World, delivered, now};

/// Told by the clock, and not by an event.
const BY_CLOCK: [&str; 6] =
    ["check_opens", "check_closes", "checkup_opens", "checkup_closes", "growth_due", "unread_summary"];

fn templates() -> BTreeSet<String> {
    let texts = include_str!("../../templates/en.ftl").lines().filter_map(|line| line.split_once(" = "));
    let names = texts.filter_map(|(key, _)| key.strip_suffix("-title").or_else(|| key.strip_suffix("-mail-subject")));
    names.filter(|name| *name != "other").map(str::to_owned).collect()
}

#[tokio::test]
async fn every_event_tells_whom_it_concerns_once_and_all_that_can_be_told_is() {
    let (world, cast) = (World::start().await, Cast::new());
    events::of_people(&world, &cast).await;
    events::of_care(&world, &cast).await;
    events::of_session(&world, &cast).await;
    events::of_money(&world, &cast).await;

    let parent = [
        "welcome",
        "erasure_requested",
        "security_alert",
        "own_therapist_suspended",
        "request_approved",
        "request_rejected",
        "request_expired",
        "package_awaiting_payment",
        "package_expired",
        "package_cancelled",
        "package_completed",
        "consultation_scheduled",
        "consultation_rescheduled",
        "consultation_unscheduled",
        "consultation_started",
        "consultation_completed",
        "consultation_no_show",
        "consultation_cancelled",
        "report_submitted",
        "schedule_change_resolved",
        "payment_completed",
        "payment_failed",
        "payment_expired",
        "payment_reversed",
        "refund_completed",
        "refund_delayed",
        "assessment_completed",
    ];
    let therapist = [
        "therapist_approved",
        "therapist_rejected",
        "therapist_suspended",
        "licence_expiring",
        "request_created",
        "request_cancelled",
        "request_expired",
        "package_expired",
        "package_cancelled",
        "consultation_scheduled",
        "consultation_rescheduled",
        "report_due",
        "consultation_disputed",
        "consultation_cancelled",
        "schedule_change_requested",
        "review_posted",
        "settlement_confirmed",
        "settlement_paid",
    ];
    for (person, mut expected) in [(cast.parent, parent.to_vec()), (cast.therapist, therapist.to_vec())] {
        let mut told = world.told_to(person).await;
        told.sort();
        expected.sort_unstable();
        assert_eq!(told, expected);
    }
    let for_all: Vec<(String, String)> = sqlx::query_as(
        "SELECT audience, template FROM scheduled_notifications WHERE audience IS NOT NULL ORDER BY 1, 2",
    )
    .fetch_all(world.database())
    .await
    .expect("what is for all");
    let expected = [
        ("admin", "dispute_opened"),
        ("admin", "refund_failed"),
        ("admin", "therapist_applied"),
        ("parent", "new_videos"),
    ];
    assert_eq!(for_all, expected.map(|(audience, template)| (audience.to_owned(), template.to_owned())));

    let used: Vec<String> = sqlx::query_scalar(
        "SELECT template FROM notifications UNION SELECT template FROM deliveries UNION SELECT template FROM scheduled_notifications",
    )
    .fetch_all(world.database())
    .await
    .expect("templates");
    let used: BTreeSet<String> = used.into_iter().chain(BY_CLOCK.map(str::to_owned)).collect();
    assert_eq!(used, templates());
}

#[tokio::test]
async fn what_is_told_reaches_the_gateways_in_both_languages_with_its_link() {
    let (world, cast) = (World::start().await, Cast::new());
    let event = delivered(
        cast.package,
        1,
        PaymentCompleted {
            payment_id: Uuid::now_v7().to_string(),
            package_id: cast.package.to_string(),
            amount: 288_000,
            user_id: cast.parent.to_string(),
        },
    );
    world.take(on::payment_completed, &event).await;
    let published: Vec<(Vec<u8>, serde_json::Value)> = sqlx::query_as(
        "SELECT payload, headers FROM outbox WHERE type = 'aipoten.notification.v1.NotificationCreated'",
    )
    .fetch_all(world.database())
    .await
    .expect("the outbox");
    let [(payload, headers)] = published.as_slice() else { panic!("{} events", published.len()) };
    let told = NotificationCreated::decode(payload.as_slice()).expect("the event");
    assert_eq!((told.user_id, told.r#type.as_str()), (cast.parent.to_string(), "payment_update"));
    assert_eq!(told.title_ko, "결제가 완료되었어요");
    assert!(told.message_ko.contains("288,000원") && told.message_en.contains("288,000 won"), "{}", told.message_en);
    assert_eq!(told.link_url, format!("/payments/{}", event.event.payment_id));
    let data: serde_json::Value = serde_json::from_str(&told.data).expect("JSON");
    assert_eq!(data["package_id"], cast.package.to_string());
    assert_eq!(headers["request_id"], "a-request", "what caused it travels along");
}

#[tokio::test]
async fn sessions_that_get_their_times_in_one_act_are_told_at_once() {
    let (world, cast) = (World::start().await, Cast::new());
    let time = now();
    for _ in 0..8 {
        let one = Cast { session: Uuid::now_v7(), ..cast };
        let event = delivered(one.session, 2, one.scheduled(now() + TimeDelta::days(5)));
        world.take(on::consultation_scheduled, &aipoten_events::Delivered { time, ..event }).await;
    }
    assert_eq!(world.told_to(cast.parent).await, ["consultation_scheduled"]);
    assert_eq!(world.told_to(cast.therapist).await, ["consultation_scheduled"]);
    assert_eq!(world.number("SELECT count(*) FROM scheduled_notifications").await, 8 * 2 * 2);
}

#[tokio::test]
async fn a_session_that_ends_with_its_package_or_was_never_paid_is_not_told_apart() {
    let (world, cast) = (World::start().await, Cast::new());
    let mut of_package = cast.cancelled();
    of_package.refund_policy = "package_end".to_owned();
    let unpaid = aipoten_proto::matching::v1::ConsultationCancelled { refund_amount: 0, ..cast.cancelled() };
    for (seq, cancelled) in [(1, of_package), (2, unpaid)] {
        world.take(on::consultation_cancelled, &delivered(cast.session, seq, cancelled)).await;
    }
    assert_eq!(world.told().await, []);
}

#[tokio::test]
async fn a_wish_that_is_taken_back_is_told_to_who_was_asked() {
    let (world, cast) = (World::start().await, Cast::new());
    for (status, requester, told) in [
        ("rejected", cast.therapist, cast.therapist),
        ("cancelled", cast.therapist, cast.parent),
        ("cancelled", cast.parent, cast.therapist),
    ] {
        let before = world.told_to(told).await.len();
        let resolved = ScheduleChangeResolved {
            schedule_change_id: Uuid::now_v7().to_string(),
            consultation_id: cast.session.to_string(),
            therapist_id: cast.therapist.to_string(),
            parent_user_id: cast.parent.to_string(),
            requester_user_id: requester.to_string(),
            status: status.to_owned(),
        };
        world.take(on::schedule_change_resolved, &delivered(cast.session, 1, resolved)).await;
        assert_eq!(world.told_to(told).await.len(), before + 1, "{status}");
    }
    assert_eq!(world.told().await.len(), 3);
}

#[tokio::test]
async fn an_event_that_names_nobody_fails_and_tells_nothing() {
    let world = World::start().await;
    let nonsense =
        RequestCreated { request_id: "r".to_owned(), therapist_id: "t".to_owned(), parent_user_id: "p".to_owned() };
    world.apply(&on::request_created, &delivered(Uuid::now_v7(), 1, nonsense)).await.expect_err("names nobody");
    assert_eq!(world.told().await, []);
}
