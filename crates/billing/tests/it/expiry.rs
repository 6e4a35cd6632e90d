//! Payments that nobody finishes, and charges that come late.

use aipoten_billing::consumers;
use aipoten_kit::test::eventually;
use aipoten_proto::billing::v1::PaymentStatus::{Completed, Confirming, Expired, Pending};
use aipoten_proto::matching::v1::{PackageCancelled, PackageExpired};
use serde_json::json;

use crate::world::{World, delivered, order_id, parameter, reason};

const OVER: &str = "UPDATE payments SET expires_at = now() WHERE id = $1";

#[tokio::test]
async fn a_payment_that_nobody_finishes_expires_and_another_can_begin() {
    let world = World::start().await;
    let payment = world.begun().await;
    let key = world.sandbox.authorize(&order_id(&payment)).await;
    world.change(OVER, &payment.id).await;
    world.becomes(&payment.id, Expired).await;
    let status = world.confirm(&payment, &key).await.expect_err("too late");
    assert_eq!((reason(&status).as_str(), parameter(&status, "state").as_deref()), ("INVALID_STATE", Some("expired")));
    assert_eq!(world.sandbox.times_charged(&order_id(&payment)).await, 0);
    assert_eq!(world.events().await, ["PaymentExpired"]);
    assert_eq!(world.begin(&payment.package_id).await.expect("another").payment_status(), Pending);
    world.is_sound().await;
}

#[tokio::test]
async fn a_payment_that_was_charged_is_paid_even_if_nobody_came_back_to_confirm_it() {
    let world = World::start().await;
    let payment = world.begun().await;
    let order = order_id(&payment);
    world.sandbox.fails(json!({ "fault": "missing", "count": 10 })).await;
    let key = world.sandbox.authorize(&order).await;
    world.sandbox.charge_now(&order, &key, payment.total_amount).await;
    world.change(OVER, &payment.id).await;
    let paid = world.becomes(&payment.id, Completed).await;
    assert!(paid.paid_at.is_some());
    assert_eq!(world.events().await, ["PaymentCompleted"]);
    world.is_sound().await;
}

#[tokio::test]
async fn while_the_provider_is_silent_a_payment_neither_expires_nor_makes_room() {
    let world = World::start().await;
    let payment = world.begun().await;
    world.sandbox.fails(json!({ "fault": "down", "operation": "fetch", "count": 1000 })).await;
    world.change(OVER, &payment.id).await;
    eventually("it was asked", async || world.number("SELECT sync_tries::bigint FROM payments").await > 0).await;
    assert_eq!(world.payment(&payment.id).await.payment_status(), Pending);
    let key = world.sandbox.authorize(&order_id(&payment)).await;
    let status = world.confirm(&payment, &key).await.expect_err("too late");
    assert_eq!(parameter(&status, "state").as_deref(), Some("expired"));
    let status = world.begin(&payment.package_id).await.expect_err("the first may have been charged");
    assert_eq!((reason(&status).as_str(), parameter(&status, "state").as_deref()), ("INVALID_STATE", Some("pending")));
    world.sandbox.recovers().await;
    world.change("UPDATE payments SET sync_at = now() WHERE id = $1", &payment.id).await;
    world.becomes(&payment.id, Expired).await;
    world.is_sound().await;
}

#[tokio::test]
async fn a_charge_that_comes_late_counts_and_the_payment_begun_after_it_is_not_charged() {
    let world = World::start().await;
    let late = world.begun().await;
    let order = order_id(&late);
    let key = world.sandbox.authorize(&order).await;
    world.change(OVER, &late.id).await;
    world.becomes(&late.id, Expired).await;
    let second = world.begin(&late.package_id).await.expect("another");
    world.sandbox.charge_now(&order, &key, late.total_amount).await;
    world.becomes(&late.id, Completed).await;
    assert_eq!(world.payment(&second.id).await.payment_status(), Pending);
    let status = world.pay(&second).await.expect_err("the package is paid");
    assert_eq!(
        (reason(&status).as_str(), parameter(&status, "state").as_deref()),
        ("INVALID_STATE", Some("completed"))
    );
    assert_eq!(world.sandbox.times_charged(&order_id(&second)).await, 0);
    assert_eq!(world.events().await, ["PaymentExpired", "PaymentCompleted"]);
    world.is_sound().await;
}

#[tokio::test]
async fn two_charges_of_one_package_are_both_told_as_matching_refuses_the_second() {
    let world = World::start().await;
    let late = world.begun().await;
    let order = order_id(&late);
    let key = world.sandbox.authorize(&order).await;
    world.change(OVER, &late.id).await;
    world.becomes(&late.id, Expired).await;
    let second = world.begin(&late.package_id).await.expect("another");
    assert_eq!(world.pay(&second).await.expect("paid").payment_status(), Completed);
    world.sandbox.charge_now(&order, &key, late.total_amount).await;
    world.becomes(&late.id, Completed).await;
    assert_eq!(world.events().await, ["PaymentExpired", "PaymentCompleted", "PaymentCompleted"]);
    assert_eq!(world.balance("provider_receivable").await, 2 * 288_000);
    world.is_sound().await;
}

#[tokio::test]
async fn a_payment_ends_with_its_package_unless_it_is_being_charged() {
    let world = World::start().await;
    let (expired, cancelled, confirming) = (world.begun().await, world.begun().await, world.begun().await);
    world.sandbox.fails(json!({ "fault": "then_error", "operation": "confirm" })).await;
    assert_eq!(world.pay(&confirming).await.expect("as it stands").payment_status(), Confirming);
    let end = async |package_id: &str| {
        let package_id = package_id.to_owned();
        let event = delivered(PackageExpired { package_id, ..PackageExpired::default() });
        let mut conn = world.database().acquire().await.expect("a connection");
        for _ in 0..2 {
            consumers::package_expired(&mut conn, &event).await.expect("taken in");
        }
    };
    end(&expired.package_id).await;
    end(&confirming.package_id).await;
    let event = PackageCancelled { package_id: cancelled.package_id.clone(), ..PackageCancelled::default() };
    let mut conn = world.database().acquire().await.expect("a connection");
    consumers::package_cancelled(&mut conn, &delivered(event)).await.expect("taken in");
    world.becomes(&expired.id, Expired).await;
    world.becomes(&cancelled.id, Expired).await;
    world.change("UPDATE payments SET sync_at = now() WHERE id = $1", &confirming.id).await;
    world.becomes(&confirming.id, Completed).await;
    assert_eq!(world.number("SELECT count(*) FROM orders WHERE ended_at IS NOT NULL").await, 3);
    let paid = world.paid().await;
    end(&paid.package_id).await;
    assert_eq!(world.payment(&paid.id).await, paid, "what is paid does not end like this");
    assert_eq!(world.number("SELECT count(*) FROM orders WHERE ended_at IS NULL").await, 1);
    world.is_sound().await;
}
