//! Charging.

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_proto::billing::v1::{PaymentCompleted, PaymentMethod, PaymentStatus};
use aipoten_proto::matching::v1::{CancelPackageRequest, PackageStatus};
use futures::future::join_all;
use serde_json::json;
use tonic::Code;

use crate::world::{World, confirmation, keyed, order_id, parameter, reason, refused, violations};

#[tokio::test]
async fn a_confirmed_payment_is_paid_booked_and_told() {
    let world = World::start().await;
    let begun = world.begun().await;
    let paid = world.pay(&begun).await.expect("paid");
    assert_eq!((paid.payment_status(), paid.payment_method()), (PaymentStatus::Completed, PaymentMethod::Card));
    assert!(paid.paid_at.is_some() && paid.checkout.is_none() && paid.expires_at.is_none());
    assert_eq!(world.balance("provider_receivable").await, 288_000);
    assert_eq!(world.balance("customer_prepaid").await, -288_000);
    let [told]: [PaymentCompleted; 1] = world.published().await.try_into().expect("one event");
    assert_eq!((told.payment_id, told.package_id, told.amount), (paid.id.clone(), paid.package_id.clone(), 288_000));
    assert_eq!(world.number("SELECT provider_balance FROM payments").await, 288_000);
    assert_eq!(world.number("SELECT count(*) FROM payments WHERE unknown_since IS NULL AND sync_tries = 0").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM payment_events WHERE body->>'answer' = 'succeeded'").await, 1);
    world.tell_matching().await;
    assert_eq!(world.package_now(&paid.package_id).await.status(), PackageStatus::Active);
    world.is_sound().await;
}

#[tokio::test]
async fn fifty_confirmations_at_once_are_one_charge() {
    let world = World::start().await;
    let payment = world.begun().await;
    let (order, ask) =
        (order_id(&payment), confirmation(&payment, &world.sandbox.authorize(&order_id(&payment)).await));
    let confirm = |number: usize| {
        let (mut payments, ask) = (world.payments(), world.parent.asks(ask.clone()));
        // Half of them share a key, as one client that tries again; half come from elsewhere.
        let key = if number.is_multiple_of(2) { "the same".to_owned() } else { number.to_string() };
        async move { payments.confirm_payment(keyed(ask, &key)).await }
    };
    for answer in join_all((0..50).map(confirm)).await {
        let status = answer.expect("as it stands").into_inner().payment_status();
        assert!(matches!(status, PaymentStatus::Confirming | PaymentStatus::Completed), "{status:?}");
    }
    world.becomes(&payment.id, PaymentStatus::Completed).await;
    assert_eq!(world.sandbox.times_charged(&order).await, 1);
    assert_eq!(world.balance("provider_receivable").await, 288_000);
    assert_eq!(world.events().await, ["PaymentCompleted"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_refusal_of_the_bank_is_told_in_its_words_and_another_payment_can_begin() {
    let world = World::start().await;
    let payment = world.begun().await;
    let decline = json!({ "order_id": order_id(&payment), "outcome": "decline" });
    let key = world.sandbox.authorize_with(decline).await;
    let status = world.confirm(&payment, &key).await.expect_err("declined");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "PAYMENT_DECLINED"));
    let code = parameter(&status, "provider_code").expect("the provider's code");
    let failed = world.payment(&payment.id).await;
    assert_eq!((failed.payment_status(), failed.failure_code), (PaymentStatus::Failed, Some(code)));
    let again = world.confirm(&payment, &key).await.expect_err("the same again");
    assert_eq!(reason(&again), "PAYMENT_DECLINED");
    assert_eq!(world.events().await, ["PaymentFailed"]);
    assert_eq!(world.number("SELECT count(*) FROM journals").await, 0);
    let second = world.begin(&payment.package_id).await.expect("another payment");
    assert_ne!(second.id, payment.id);
    assert_eq!(world.pay(&second).await.expect("paid").payment_status(), PaymentStatus::Completed);
    world.is_sound().await;
}

#[tokio::test]
async fn nobody_else_confirms_and_nothing_but_the_price_is_charged() {
    let world = World::start().await;
    let payment = world.begun().await;
    let key = world.sandbox.authorize(&order_id(&payment)).await;
    let mut payments = world.payments();
    let ask = || confirmation(&payment, &key);
    let stranger = world.identity.parent().await;
    assert_eq!(refused(payments.confirm_payment(stranger.asks_once(ask()))).await.code(), Code::NotFound);
    let status = refused(payments.confirm_payment(world.therapist.asks_once(ask()))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let status = refused(payments.confirm_payment(world.parent.asks(ask()))).await;
    assert_eq!(reason(&status), "IDEMPOTENCY_KEY_REQUIRED");
    let mut wrong = ask();
    (wrong.payment_id, wrong.provider_key, wrong.amount) = ("nope".to_owned(), " ".to_owned(), -1);
    let status = refused(payments.confirm_payment(world.parent.asks_once(wrong))).await;
    let bounds = format!("amount: out_of_range min=0 max={}", i64::MAX);
    assert_eq!(violations(&status), [bounds.as_str(), "payment_id: not_a_uuid", "provider_key: required"]);
    let mut cheaper = ask();
    cheaper.amount -= 1;
    let status = refused(payments.confirm_payment(world.parent.asks_once(cheaper))).await;
    assert_eq!(reason(&status), "AMOUNT_MISMATCH");
    assert_eq!(world.payment(&payment.id).await.payment_status(), PaymentStatus::Pending);
    world.confirm(&payment, &key).await.expect("paid");
    let status = world.confirm(&payment, "another-key").await.expect_err("it is paid");
    assert_eq!(
        (reason(&status).as_str(), parameter(&status, "state").as_deref()),
        ("INVALID_STATE", Some("completed"))
    );
    assert_eq!(world.confirm(&payment, &key).await.expect("as it stands").payment_status(), PaymentStatus::Completed);
    world.is_sound().await;
}

#[tokio::test]
async fn the_authorisation_of_another_order_pays_nothing() {
    let world = World::start().await;
    let (cheap, other) = (world.begun().await, world.begun().await);
    let foreign = world.sandbox.authorize(&order_id(&other)).await;
    let answer = world.confirm(&cheap, &foreign).await;
    assert!(answer.is_err() || answer.is_ok_and(|it| it.payment_status() == PaymentStatus::Confirming));
    assert_eq!(world.sandbox.times_charged(&order_id(&other)).await, 0);
    assert_eq!(world.number("SELECT count(*) FROM journals").await, 0);
    assert_eq!(world.confirm(&other, &foreign).await.expect("paid").payment_status(), PaymentStatus::Completed);
    world.is_sound().await;
}

#[tokio::test]
async fn a_payment_reaches_matching_and_the_end_of_a_package_reaches_its_payment() {
    let world = World::start_with(&own_broker_url("payments")).await;
    let paid = world.paid().await;
    eventually("the package runs", async || {
        world.package_now(&paid.package_id).await.status() == PackageStatus::Active
    })
    .await;
    let pending = world.begun().await;
    let cancel = CancelPackageRequest { package_id: pending.package_id.clone(), reason: "그만둘게요.".to_owned() };
    world.packages().cancel_package(world.parent.asks(cancel)).await.expect("cancelled");
    world.becomes(&pending.id, PaymentStatus::Expired).await;
    world.is_sound().await;
}
