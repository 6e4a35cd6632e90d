//! Deposits to accounts made for a payment: awaited, made, taken back.

use aipoten_proto::billing::v1::PaymentMethod;
use aipoten_proto::billing::v1::PaymentStatus::{Completed, Confirming, Expired};
use serde_json::json;

use crate::world::{World, order_id};

/// A payment whose deposit is awaited.
async fn awaited(world: &World) -> (String, String) {
    let payment = world.begun().await;
    let order = order_id(&payment);
    let key = world.sandbox.authorize_with(json!({ "order_id": order, "method": "virtual_account" })).await;
    let confirmed = world.confirm(&payment, &key).await.expect("an account");
    assert_eq!((confirmed.payment_status(), confirmed.payment_method()), (Confirming, PaymentMethod::VirtualAccount));
    let account = confirmed.virtual_account.clone().expect("an account");
    assert!(!account.account_number.is_empty() && account.due_at.is_some());
    assert_eq!(world.payment(&payment.id).await, confirmed);
    assert!(world.events().await.iter().all(|it| it != "PaymentFailed"));
    (payment.id, order)
}

#[tokio::test]
async fn a_deposit_that_comes_completes_the_payment() {
    let world = World::start().await;
    let (id, order) = awaited(&world).await;
    let sealed: Vec<u8> =
        sqlx::query_scalar("SELECT virtual_account FROM payments").fetch_one(world.database()).await.expect("kept");
    assert!(!String::from_utf8_lossy(&sealed).contains("account"), "it is encrypted");
    world.sandbox.deposit(&order).await;
    let paid = world.becomes(&id, Completed).await;
    assert!(paid.virtual_account.is_none() && paid.paid_at.is_some());
    assert_eq!(world.balance("provider_receivable").await, 288_000);
    world.is_sound().await;
}

#[tokio::test]
async fn a_deposit_whose_message_is_lost_is_found() {
    let world = World::start().await;
    world.sandbox.fails(json!({ "fault": "missing", "count": 10 })).await;
    let (id, order) = awaited(&world).await;
    world.sandbox.deposit(&order).await;
    let due = "SELECT extract(epoch FROM sync_at - now())::bigint FROM payments";
    assert!((500..=600).contains(&world.number(due).await), "it is read every ten minutes");
    world.change("UPDATE payments SET sync_at = now() WHERE id = $1", &id).await;
    world.becomes(&id, Completed).await;
    world.is_sound().await;
}

#[tokio::test]
async fn a_deposit_that_is_taken_back_rests_the_payment_until_it_comes_again() {
    let world = World::start().await;
    let (id, order) = awaited(&world).await;
    world.sandbox.deposit(&order).await;
    world.becomes(&id, Completed).await;
    for round in 1..=2 {
        world.sandbox.take_back_deposit(&order).await;
        let reversed = world.becomes(&id, Confirming).await;
        assert!(reversed.is_reversed, "{round}");
        assert_eq!(world.balance("provider_receivable").await, 0);
        assert_eq!(world.balance("customer_prepaid").await, 0);
        world.sandbox.deposit(&order).await;
        let again = world.becomes(&id, Completed).await;
        assert!(!again.is_reversed, "{round}");
        assert_eq!(world.balance("provider_receivable").await, 288_000);
    }
    let told = ["PaymentCompleted", "PaymentReversed", "PaymentCompleted", "PaymentReversed", "PaymentCompleted"];
    assert_eq!(world.events().await, told);
    assert_eq!(world.cases().await, ["reversed", "reversed"]);
    assert_eq!(world.number("SELECT count(*) FROM journals").await, 5);
    world.sandbox.take_back_deposit(&order).await;
    world.becomes(&id, Confirming).await;
    assert_eq!(world.number("SELECT count(*) FROM payments WHERE sync_at IS NOT NULL").await, 1, "it is read on");
    world.is_sound().await;
}

#[tokio::test]
async fn a_deposit_that_never_comes_expires() {
    let world = World::start().await;
    let (id, order) = awaited(&world).await;
    let key = world.sandbox.charge(&order).await["provider_key"].as_str().expect("a number").to_owned();
    world.sandbox.ask(&format!("{key}/cancel"), json!({ "cancelReason": "given up" })).await;
    let given_up = async || {
        let payment = world.payment(&id).await;
        payment.payment_status() == Expired || payment.failure_code.is_some()
    };
    aipoten_kit::test::eventually("it is given up", given_up).await;
    assert_eq!(world.number("SELECT count(*) FROM journals").await, 0);
    world.is_sound().await;
}
