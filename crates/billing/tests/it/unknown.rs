//! Providers that do not say what became of a payment.

use aipoten_kit::test::eventually;
use aipoten_proto::billing::v1::PaymentStatus::{Completed, Confirming, Expired};
use serde_json::json;

use crate::world::{World, order_id};

/// The next reading is due now.
const NOW: &str = "UPDATE payments SET sync_at = now() WHERE id = $1 AND sync_at IS NOT NULL";

#[tokio::test]
async fn a_charge_whose_answer_is_lost_is_never_read_as_failed_and_comes_to_light() {
    let world = World::start().await;
    for fault in ["then_hang", "then_reset", "then_error", "then_in_flight", "then_replayed_error"] {
        let payment = world.begun().await;
        let order = order_id(&payment);
        world.sandbox.fails(json!({ "fault": fault, "operation": "confirm", "order_id": order })).await;
        let answered = world.pay(&payment).await.unwrap_or_else(|status| panic!("{fault}: {status:?}"));
        assert_eq!(answered.payment_status(), Confirming, "{fault}");
        world.change(NOW, &payment.id).await;
        world.becomes(&payment.id, Completed).await;
        assert_eq!(world.sandbox.times_charged(&order).await, 1, "{fault}");
    }
    assert_eq!(world.balance("provider_receivable").await, 5 * 288_000);
    assert_eq!(world.events().await, ["PaymentCompleted"; 5]);
    assert!(world.cases().await.is_empty());
    world.is_sound().await;
}

#[tokio::test]
async fn a_charge_that_never_reached_the_provider_is_made_when_it_is_there_again() {
    let world = World::start().await;
    let payment = world.begun().await;
    world.sandbox.fails(json!({ "fault": "down", "operation": "confirm" })).await;
    assert_eq!(world.pay(&payment).await.expect("as it stands").payment_status(), Confirming);
    assert_eq!(world.sandbox.times_charged(&order_id(&payment)).await, 0);
    world.change(NOW, &payment.id).await;
    world.becomes(&payment.id, Completed).await;
    assert_eq!(world.sandbox.times_charged(&order_id(&payment)).await, 1);
    world.is_sound().await;
}

#[tokio::test]
async fn what_a_process_had_begun_to_charge_when_it_died_is_charged_by_another() {
    let world = World::start().await;
    let payment = world.begun().await;
    let key = world.sandbox.authorize(&order_id(&payment)).await;
    // As it is after the first transaction of a confirmation, once its lease is over.
    sqlx::query(
        "UPDATE payments SET payment_status = 'confirming', provider_key = $1, sync_at = now(), synced_at = now() - interval '30 s',
             unknown_since = now() - interval '30 s', version = version + 1",
    )
    .bind(&key)
    .execute(world.database())
    .await
    .expect("changed");
    world.becomes(&payment.id, Completed).await;
    assert_eq!(world.confirm(&payment, &key).await.expect("as it stands").payment_status(), Completed);
    assert_eq!(world.sandbox.times_charged(&order_id(&payment)).await, 1);
    world.is_sound().await;
}

#[tokio::test]
async fn a_provider_that_stays_silent_is_asked_ever_more_seldom_until_a_person_has_to_look() {
    let world = World::start().await;
    let payment = world.begun().await;
    world.sandbox.fails(json!({ "fault": "then_hang", "operation": "confirm" })).await;
    world.sandbox.fails(json!({ "fault": "down", "operation": "fetch", "count": 1000 })).await;
    assert_eq!(world.pay(&payment).await.expect("as it stands").payment_status(), Confirming);
    let pause = "SELECT extract(epoch FROM sync_at - synced_at)::bigint FROM payments";
    for (tries, expected) in [5, 30, 120, 600, 3600, 3600].into_iter().enumerate() {
        assert!(world.cases().await.is_empty(), "after {tries} tries");
        let tries = i64::try_from(tries).expect("few") + 1;
        eventually("it was asked", async || {
            let planned = "SELECT sync_tries::bigint * (sync_at > now() + interval '2 s')::int FROM payments";
            world.number(planned).await == tries
        })
        .await;
        let pause = world.number(pause).await;
        assert!((expected..expected + 4).contains(&pause), "{pause} s after {tries} tries");
        if tries < 6 {
            world.change(NOW, &payment.id).await;
        }
    }
    assert_eq!(world.cases().await, ["unknown_payment"]);
    assert_eq!(world.payment(&payment.id).await.payment_status(), Confirming);
    world.sandbox.recovers().await;
    world.change(NOW, &payment.id).await;
    world.becomes(&payment.id, Completed).await;
    world.is_sound().await;
}

#[tokio::test]
async fn once_a_provider_answers_again_all_that_it_owed_an_answer_for_is_read() {
    let world = World::start().await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let payment = world.begun().await;
        world.sandbox.fails(json!({ "fault": "then_error", "operation": "confirm" })).await;
        assert_eq!(world.pay(&payment).await.expect("as it stands").payment_status(), Confirming);
        waiting.push(payment.id);
    }
    // All wait for an hour, and were asked last more than a minute ago: the oldest of them is asked in its turn, and answered.
    sqlx::query("UPDATE payments SET sync_at = now() + interval '1 h', synced_at = now() - interval '61 s'")
        .execute(world.database())
        .await
        .expect("changed");
    for id in &waiting {
        world.becomes(id, Completed).await;
    }
    world.is_sound().await;
}

#[tokio::test]
async fn what_was_authorised_and_not_charged_in_time_expires() {
    let world = World::start().await;
    let payment = world.begun().await;
    world.sandbox.fails(json!({ "fault": "down", "operation": "confirm" })).await;
    world.pay(&payment).await.expect("as it stands");
    world
        .change(
            "UPDATE payments SET expires_at = now(), unknown_since = now() - interval '3 min', sync_at = now() WHERE id = $1",
            &payment.id,
        )
        .await;
    world.becomes(&payment.id, Expired).await;
    assert_eq!(world.sandbox.times_charged(&order_id(&payment)).await, 0, "nobody pays for what was given up");
    assert_eq!(world.events().await, ["PaymentExpired"]);
    world.is_sound().await;
}
