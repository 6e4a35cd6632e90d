use aipoten_billing::provider::{ChargeStatus, Method, Name};
use aipoten_kit::Won;

use super::world::{AMOUNT, World, declined, new_refund, succeeded, unknown};

#[tokio::test]
async fn a_charge_is_confirmed_once_and_read_by_both_of_its_numbers() {
    let world = World::new(Name::Toss).await;
    let confirmation = world.authorized("card", "approve").await;
    let charge = succeeded(world.provider().confirm(&confirmation).await);
    assert_eq!((charge.status, charge.total, charge.balance), (ChargeStatus::Charged, Won(AMOUNT), Won(AMOUNT)));
    assert_eq!(charge.method, Some(Method::Card));
    assert_eq!(succeeded(world.provider().confirm(&confirmation).await), charge);
    assert_eq!(succeeded(world.provider().fetch(&charge.transaction_id).await), charge);
    assert_eq!(succeeded(world.provider().fetch_by_order(&charge.order_id).await), charge);
    assert_eq!(world.truth(&charge.order_id).await["movements"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn whatever_is_charged_and_not_answered_is_unknown_and_found_out_by_reading() {
    let world = World::new(Name::Toss).await;
    for fault in ["then_hang", "then_reset", "then_error", "then_in_flight", "then_replayed_error"] {
        let confirmation = world.authorized("card", "approve").await;
        world.fault("confirm", fault).await;
        let why = unknown(world.provider().confirm(&confirmation).await);
        assert!(!why.contains(&confirmation.transaction_id), "{why}");
        let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
        assert_eq!(charge.status, ChargeStatus::Charged, "{fault}");
    }
}

#[tokio::test]
async fn a_decline_is_definite() {
    let world = World::new(Name::Toss).await;
    let confirmation = world.authorized("card", "decline").await;
    assert_eq!(declined(world.provider().confirm(&confirmation).await), "REJECT_CARD_PAYMENT");
    let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
    assert_eq!(charge.status, ChargeStatus::Failed);
    assert_eq!(declined(world.provider().fetch_by_order("order-of-nobody").await), "NOT_FOUND_PAYMENT");
}

#[tokio::test]
async fn a_refund_asked_for_twice_pays_back_once() {
    let world = World::new(Name::Toss).await;
    let charge = world.charged().await;
    let refund = new_refund(&charge, 72_000);
    let cancel = succeeded(world.provider().refund(&refund).await);
    assert_eq!(succeeded(world.provider().refund(&refund).await), cancel);
    let charge = succeeded(world.provider().fetch(&charge.transaction_id).await);
    assert_eq!((charge.balance, charge.cancels), (Won(AMOUNT - 72_000), vec![cancel]));
}
