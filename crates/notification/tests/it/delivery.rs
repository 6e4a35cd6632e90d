//! Deliveries: sent once, tried again, given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aipoten_kit::test::eventually;
use aipoten_notification::App;
use aipoten_notification::delivery::{Channel, Delivery, Outcome, Sender, Senders};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::world::World;

/// The world outside: answers as it is told, and counts what it was asked to send.
#[derive(Clone)]
pub(crate) struct Outside {
    asked: Arc<Mutex<HashMap<Uuid, i32>>>,
    answer: fn(&Delivery) -> Outcome,
}

impl Outside {
    pub(crate) fn answering(answer: fn(&Delivery) -> Outcome) -> Self {
        Self { asked: Arc::default(), answer }
    }

    pub(crate) fn asked(&self) -> HashMap<Uuid, i32> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

impl Sender for Outside {
    fn send<'a>(&'a self, _: &'a App, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        *self.asked.lock().expect("nobody panics").entry(delivery.id).or_default() += 1;
        let answer = (self.answer)(delivery);
        async move { answer }.boxed()
    }
}

async fn plant(world: &World, channel: &str, count: i32) {
    sqlx::query(
        "INSERT INTO deliveries (id, user_id, channel, template, variables, device_id, dedupe_key, next_attempt_at)
         SELECT gen_random_uuid(), gen_random_uuid(), $1, 'welcome', '{}', CASE WHEN $1 = 'push' THEN gen_random_uuid() END,
                $1 || number, now() FROM generate_series(1, $2) AS number",
    )
    .bind(channel)
    .bind(count)
    .execute(world.database())
    .await
    .expect("planted");
}

const WAITING: &str = "SELECT count(*) FROM deliveries WHERE status = 'waiting'";

#[tokio::test(flavor = "multi_thread")]
async fn each_is_sent_once_by_two_replicas_and_what_has_no_way_waits() {
    let world = World::without_notification().await;
    plant(&world, "email", 500).await;
    plant(&world, "sms", 1).await;
    let outside = Outside::answering(|_| Outcome::Sent);
    let senders = || Senders::default().with(Channel::Email, outside.clone());
    let world = world.serve(24, senders()).await.serve(24, senders()).await;
    eventually("all are sent", async || world.number(WAITING).await == 1).await;
    assert_eq!(
        world.number("SELECT count(*) FROM deliveries WHERE status = 'sent' AND sent_at IS NOT NULL").await,
        500
    );
    assert_eq!(outside.asked().len(), 500);
    assert!(outside.asked().values().all(|times| *times == 1));
    let waiting = "SELECT count(*) FROM deliveries WHERE status = 'waiting' AND channel = 'sms' AND attempts = 0";
    assert_eq!(world.number(waiting).await, 1);
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_given_up_after_the_sixth_time() {
    let world = World::without_notification().await;
    plant(&world, "email", 1).await;
    let outside = Outside::answering(|_| Outcome::Retry("too busy".to_owned(), None));
    let world = world.serve(24, Senders::default().with(Channel::Email, outside.clone())).await;
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 30), (4, 120), (5, 720)] {
        eventually("it is tried", async || {
            let rest: Option<f64> = sqlx::query_scalar(
                "SELECT extract(epoch FROM next_attempt_at - now())::float8 FROM deliveries
                 WHERE attempts = $1 AND status = 'waiting' AND error = 'too busy'",
            )
            .bind(attempt)
            .fetch_optional(world.database())
            .await
            .expect("the delivery");
            rest.is_some_and(|rest| (f64::from(minutes) * 60.0 - rest).abs() < 30.0)
        })
        .await;
        sqlx::query("UPDATE deliveries SET next_attempt_at = now(), error = NULL")
            .execute(world.database())
            .await
            .expect("its time has come");
    }
    let failed = "SELECT count(*) FROM deliveries WHERE status = 'failed' AND attempts = 6";
    eventually("it is given up", async || world.number(failed).await == 1).await;
    assert_eq!(outside.asked().values().sum::<i32>(), 6);
}

#[tokio::test]
async fn what_can_never_work_is_not_tried_again_and_a_device_that_is_gone_is_forgotten() {
    let world = World::without_notification().await;
    plant(&world, "email", 1).await;
    plant(&world, "sms", 1).await;
    plant(&world, "push", 1).await;
    sqlx::query(
        "INSERT INTO devices (id, user_id, platform, token_hash, token)
         SELECT device_id, user_id, 'fcm', sha256('a token'), 'a token' FROM deliveries WHERE channel = 'push'",
    )
    .execute(world.database())
    .await
    .expect("a device");
    let outside = Outside::answering(|delivery| match delivery.channel {
        Channel::Email => Outcome::Permanent("no such address".to_owned()),
        Channel::Sms => Outcome::Dropped("the account is gone".to_owned()),
        Channel::Push => Outcome::DeviceGone,
    });
    let senders = Senders::default()
        .with(Channel::Email, outside.clone())
        .with(Channel::Sms, outside.clone())
        .with(Channel::Push, outside.clone());
    let world = world.serve(24, senders).await;
    eventually("nothing waits", async || world.number(WAITING).await == 0).await;
    let ended: Vec<(String, String, String)> =
        sqlx::query_as("SELECT channel, status, error FROM deliveries ORDER BY channel")
            .fetch_all(world.database())
            .await
            .expect("deliveries");
    let expected = [
        ("email", "failed", "no such address"),
        ("push", "dropped", "the device is gone"),
        ("sms", "dropped", "the account is gone"),
    ];
    assert_eq!(ended, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    assert_eq!(world.number("SELECT count(*) FROM devices").await, 0);
    assert!(outside.asked().values().all(|times| *times == 1));
}

#[tokio::test]
async fn a_worker_that_died_is_followed_by_another() {
    let world = World::without_notification().await;
    plant(&world, "email", 1).await;
    sqlx::query("UPDATE deliveries SET attempts = 1, next_attempt_at = now() + interval '1 second'")
        .execute(world.database())
        .await
        .expect("taken by somebody whose minute is nearly over");
    let outside = Outside::answering(|_| Outcome::Sent);
    let world = world.serve(24, Senders::default().with(Channel::Email, outside)).await;
    let sent = "SELECT count(*) FROM deliveries WHERE status = 'sent' AND attempts = 2";
    eventually("it is sent", async || world.number(sent).await == 1).await;
}
