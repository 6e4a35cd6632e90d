//! Reminders of sessions: they follow the newest version, and are told once each.

use std::time::Instant;

use aipoten_events::Delivered;
use aipoten_kit::test::eventually;
use aipoten_notification::consumers as on;
use aipoten_notification::delivery::{Channel, Outcome, Senders};
use aipoten_proto::matching::v1::{ConsultationCancelled, ConsultationRescheduled, ConsultationScheduled};
use chrono::{DateTime, TimeDelta, Utc};

use crate::delivery::Outside;
use crate::events::Cast;
use crate::world::{World, delivered, now};

const WAITING: &str = "SELECT count(*) FROM deliveries WHERE status = 'waiting'";
const PLANNED: &str = "SELECT count(*) FROM scheduled_notifications WHERE cancelled_at IS NULL AND told_at IS NULL";

async fn planned(world: &World) -> Vec<(String, DateTime<Utc>)> {
    sqlx::query_as(
        "SELECT template, due_at FROM scheduled_notifications
         WHERE cancelled_at IS NULL AND told_at IS NULL ORDER BY due_at, user_id",
    )
    .fetch_all(world.database())
    .await
    .expect("reminders")
}

enum Version {
    Scheduled(Delivered<ConsultationScheduled>),
    Moved(Delivered<ConsultationRescheduled>),
    Cancelled(Delivered<ConsultationCancelled>),
}

impl Version {
    async fn apply(&self, world: &World) {
        match self {
            Self::Scheduled(event) => world.take(on::consultation_scheduled, event).await,
            Self::Moved(event) => world.take(on::consultation_rescheduled, event).await,
            Self::Cancelled(event) => world.take(on::consultation_cancelled, event).await,
        }
    }
}

/// Scheduled, moved five times.
fn moved_five_times(cast: &Cast) -> Vec<Version> {
    let at = |days| now() + TimeDelta::days(days);
    let mut versions = vec![Version::Scheduled(delivered(cast.session, 2, cast.scheduled(at(2))))];
    versions.extend((3..8).map(|seq| Version::Moved(delivered(cast.session, seq, cast.rescheduled(at(seq))))));
    versions
}

/// Some orders of so many things, the first and the reverse one among them.
fn orders(count: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..count).flat_map(move |start| {
        let forward: Vec<usize> = (0..count).map(|at| (start + at * 5) % count).collect();
        let backward: Vec<usize> = forward.iter().rev().copied().collect();
        [forward, backward]
    })
}

#[tokio::test]
async fn both_sides_are_reminded_a_day_and_an_hour_before() {
    let (world, cast) = (World::start().await, Cast::new());
    let starts_at = now() + TimeDelta::days(3);
    world.take(on::consultation_scheduled, &delivered(cast.session, 2, cast.scheduled(starts_at))).await;
    let (day, hour) = (starts_at - TimeDelta::days(1), starts_at - TimeDelta::hours(1));
    let reminder = |name: &str, at| (name.to_owned(), at);
    let expected = [("reminder_day", day), ("reminder_day", day), ("reminder_hour", hour), ("reminder_hour", hour)];
    assert_eq!(planned(&world).await, expected.map(|(name, at)| reminder(name, at)));
}

#[tokio::test]
async fn nothing_is_planned_whose_time_is_past() {
    let (world, cast) = (World::start().await, Cast::new());
    let soon = cast.scheduled(now() + TimeDelta::hours(5));
    world.take(on::consultation_scheduled, &delivered(cast.session, 2, soon)).await;
    assert!(planned(&world).await.iter().all(|(name, _)| name == "reminder_hour"));
    assert_eq!(planned(&world).await.len(), 2);
    let at_once = cast.rescheduled(now() + TimeDelta::minutes(20));
    world.take(on::consultation_rescheduled, &delivered(cast.session, 3, at_once)).await;
    assert_eq!(planned(&world).await, []);
}

#[tokio::test]
async fn a_session_moved_five_times_is_reminded_of_at_its_last_time_in_whatever_order_events_come() {
    let world = World::start().await;
    for order in orders(6) {
        let cast = Cast::new();
        let versions = moved_five_times(&cast);
        for at in &order {
            versions[*at].apply(&world).await;
        }
        let Some(Version::Moved(last)) = versions.last() else { panic!("the last one moves it") };
        let starts_at = aipoten_proto::moment(last.event.starts_at.expect("a time")).expect("a time");
        let planned: Vec<(DateTime<Utc>,)> = sqlx::query_as(
            "SELECT due_at FROM scheduled_notifications
             WHERE subject_id = $1 AND cancelled_at IS NULL AND told_at IS NULL ORDER BY due_at",
        )
        .bind(cast.session)
        .fetch_all(world.database())
        .await
        .expect("reminders");
        let (day, hour) = (starts_at - TimeDelta::days(1), starts_at - TimeDelta::hours(1));
        assert_eq!(planned, [(day,), (day,), (hour,), (hour,)], "{order:?}");
    }
}

#[tokio::test]
async fn a_session_moved_five_times_and_cancelled_leaves_no_stray_reminder_in_whatever_order_events_come() {
    let world = World::start().await;
    for order in orders(7) {
        let cast = Cast::new();
        let mut versions = moved_five_times(&cast);
        versions.push(Version::Cancelled(delivered(cast.session, 8, cast.cancelled())));
        for at in &order {
            versions[*at].apply(&world).await;
        }
        assert_eq!(world.number(PLANNED).await, 0, "{order:?}");
        let told = world.told_to(cast.parent).await;
        assert!(told.contains(&"consultation_cancelled".to_owned()), "{order:?}");
    }
}

#[tokio::test]
async fn a_time_that_is_overtaken_is_not_told_any_more() {
    let (world, cast) = (World::start().await, Cast::new());
    let at = |days| now() + TimeDelta::days(days);
    world.take(on::consultation_rescheduled, &delivered(cast.session, 3, cast.rescheduled(at(4)))).await;
    world.take(on::consultation_scheduled, &delivered(cast.session, 2, cast.scheduled(at(2)))).await;
    assert_eq!(world.told_to(cast.parent).await, ["consultation_rescheduled"]);
}

/// Reminders that are due, each of a person of their own.
async fn plant(world: &World, count: i32) {
    sqlx::query(
        "INSERT INTO scheduled_notifications (id, user_id, template, variables, subject_id, due_at, dedupe_key)
         SELECT gen_random_uuid(), gen_random_uuid(), 'reminder_hour',
                jsonb_build_object('consultation_id', gen_random_uuid(), 'starts_at', now() + interval '1 hour'),
                gen_random_uuid(), now() - number * interval '1 millisecond', 'planted:' || number
         FROM generate_series(1, $1) AS number",
    )
    .bind(count)
    .execute(world.database())
    .await
    .expect("planted");
}

async fn once_by_two_replicas(count: i32) {
    let world = World::without_notification().await;
    plant(&world, count).await;
    let begun = Instant::now();
    let outside = Outside::answering(|_| Outcome::Sent);
    let senders = || Senders::default().with(Channel::Email, outside.clone());
    let world = world.serve(24, senders()).await.serve(24, senders()).await;
    let deadline = std::time::Duration::from_mins(30);
    let all = async {
        for (what, left) in [("told", PLANNED), ("sent", WAITING)] {
            while world.number(left).await > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            let seconds = begun.elapsed().as_secs_f64();
            eprintln!("{count} reminders {what} in {seconds:.1} s: {:.0} a second", f64::from(count) / seconds);
        }
    };
    tokio::time::timeout(deadline, all).await.expect("all are told and sent in time");
    let count = i64::from(count);
    assert_eq!(world.number("SELECT count(*) FROM notifications").await, count);
    assert_eq!(world.number("SELECT count(DISTINCT user_id) FROM notifications").await, count);
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE channel = 'email'").await, count);
    assert_eq!(
        world.number("SELECT count(*) FROM outbox WHERE type = 'aipoten.notification.v1.NotificationCreated'").await,
        count
    );
    let asked = outside.asked();
    assert_eq!(i64::try_from(asked.len()).expect("not so many"), count);
    assert!(asked.values().all(|times| *times == 1), "each is sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_that_are_due_are_told_and_sent_once_each_by_two_replicas() {
    once_by_two_replicas(2000).await;
}

#[ignore = "takes minutes: make bench-reminders"]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_reminders_are_told_and_sent_once_each_by_two_replicas() {
    once_by_two_replicas(100_000).await;
}

#[tokio::test]
async fn a_reminder_is_told_when_its_time_has_come_and_stays_told() {
    let (world, cast) = (World::start().await, Cast::new());
    let starts_at = now() + TimeDelta::days(3);
    world.take(on::consultation_scheduled, &delivered(cast.session, 2, cast.scheduled(starts_at))).await;
    sqlx::query("UPDATE scheduled_notifications SET due_at = now() WHERE template = 'reminder_day'")
        .execute(world.database())
        .await
        .expect("its time has come");
    eventually("both are reminded", async || {
        let told = world.told().await;
        told.iter().filter(|(_, template, _)| template == "reminder_day").count() == 2
    })
    .await;
    world.take(on::consultation_cancelled, &delivered(cast.session, 3, cast.cancelled())).await;
    assert_eq!(world.number("SELECT count(*) FROM scheduled_notifications WHERE told_at IS NOT NULL").await, 2);
    assert_eq!(world.number(PLANNED).await, 0);
}
