//! The daily comparison with a provider.

use aipoten_billing::provider::Name;
use aipoten_billing::{Reconciled, reconcile};
use aipoten_proto::billing::v1::PaymentStatus::{Completed, Refunded};
use chrono::{TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::pay_back::{end, paid};
use crate::world::{World, order_id};

/// All that moved, and what is transferred for today too.
async fn compared(world: &World) -> Reconciled {
    let now = Utc::now();
    reconcile(&world.app, Name::Sandbox, now - TimeDelta::days(2), now + TimeDelta::days(1)).await.expect("compared")
}

#[tokio::test]
async fn what_agrees_differs_nowhere_and_what_was_transferred_is_booked_once() {
    let world = World::start().await;
    let (payment, _) = paid(&world).await;
    let (ended, _) = paid(&world).await;
    end(&world, &ended).await;
    world.becomes(&ended.id, Refunded).await;
    let found = compared(&world).await;
    assert_eq!(found, Reconciled { listed: 6, read_again: 0, findings: 0, payouts: 2 });
    // 2.5 percent of what was charged, and nothing of what went back whole.
    assert_eq!((world.balance("bank").await, world.balance("provider_fee").await), (280_800, 7_200));
    assert_eq!(world.balance("provider_receivable").await, 0);
    assert_eq!(compared(&world).await.payouts, 0);
    assert_eq!(world.payment(&payment.id).await.payment_status(), Completed);
    world.is_sound().await;
}

#[tokio::test]
async fn a_charge_that_we_do_not_know_of_is_read_and_a_foreign_one_opens_a_case() {
    let world = World::start().await;
    let begun = world.begun().await;
    let order = order_id(&begun);
    let key = world.sandbox.authorize(&order).await;
    world.sandbox.fails(json!({ "fault": "missing", "operation": "webhook", "count": 100 })).await;
    world.sandbox.charge_now(&order, &key, 288_000).await;
    world.sandbox.charge_foreign(1_000).await;
    let found = compared(&world).await;
    assert_eq!((found.read_again, found.findings), (1, 1));
    let paid = world.becomes(&begun.id, Completed).await;
    assert_eq!(world.cases().await, ["unknown_here"]);
    close_all(&world).await;
    let found = compared(&world).await;
    assert_eq!((found.read_again, found.findings), (0, 1));
    assert_eq!(world.cases().await, [""; 0], "what was closed stays closed");
    assert_eq!(world.payment(&paid.id).await.payment_status(), Completed);
}

#[tokio::test]
async fn a_payment_that_the_provider_does_not_list_opens_a_case() {
    let world = World::start().await;
    let (payment, _) = paid(&world).await;
    let id: Uuid = payment.id.parse().expect("an id");
    let elsewhere = "UPDATE payments SET order_id = 'order-of-nobody', transaction_id = 'nobody' WHERE id = $1";
    sqlx::query(elsewhere).bind(id).execute(world.database()).await.expect("changed");
    let found = compared(&world).await;
    assert_eq!((found.read_again, found.findings), (0, 2));
    let mut cases = world.cases().await;
    cases.sort();
    assert_eq!(cases, ["unknown_here", "unknown_there"]);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_no_difference() {
    let world = World::start().await;
    paid(&world).await;
    world.sandbox.fails(json!({ "fault": "down", "operation": "list", "count": 100 })).await;
    let now = Utc::now();
    let failed = reconcile(&world.app, Name::Sandbox, now - TimeDelta::days(2), now).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(world.cases().await, [""; 0]);
}

async fn close_all(world: &World) {
    let close = "UPDATE reconciliation_cases SET closed_at = now(), resolution = 'seen'";
    sqlx::query(close).execute(world.database()).await.expect("closed");
}
