//! Messages of providers.

use aipoten_kit::test::eventually;
use aipoten_proto::billing::v1::PaymentStatus::Completed;
use aipoten_proto::billing::v1::ReceiveWebhookRequest;
use serde_json::{Value, json};
use tonic::Code;

use crate::world::{World, order_id, reason, refused, violations};

fn message(body: &Value) -> ReceiveWebhookRequest {
    ReceiveWebhookRequest { provider: "sandbox".to_owned(), headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn changed(order_id: &str, status: &str) -> Value {
    json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-01-01T00:00:00.000000",
        "data": { "paymentKey": "key", "orderId": order_id, "status": status, "totalAmount": 1, "secret": "hidden" } })
}

#[tokio::test]
async fn nothing_in_a_message_is_believed() {
    let world = World::start().await;
    let payment = world.begun().await;
    let forged = message(&changed(&order_id(&payment), "DONE"));
    world.payments().receive_webhook(forged).await.expect("taken");
    eventually("it was read", async || world.number("SELECT count(*) FROM payments WHERE sync_at IS NULL").await == 1)
        .await;
    assert_eq!(world.payment(&payment.id).await, payment);
    let kept: String =
        sqlx::query_scalar("SELECT body::text FROM payment_events").fetch_one(world.database()).await.expect("kept");
    assert!(kept.contains("DONE") && !kept.contains("hidden"), "{kept}");
    world.pay(&payment).await.expect("paid");
    for status in ["CANCELED", "ABORTED", "EXPIRED", "WAITING_FOR_DEPOSIT"] {
        let forged = message(&changed(&order_id(&payment), status));
        world.payments().receive_webhook(forged).await.expect("taken");
    }
    world.change("UPDATE payments SET sync_at = now() WHERE id = $1", &payment.id).await;
    eventually("it was read", async || world.number("SELECT count(*) FROM payments WHERE sync_at IS NULL").await == 1)
        .await;
    assert_eq!(world.payment(&payment.id).await.payment_status(), Completed);
    assert!(world.cases().await.is_empty());
    world.is_sound().await;
}

#[tokio::test]
async fn a_message_that_comes_again_does_nothing_and_many_are_one_reading_in_five_seconds() {
    let world = World::start().await;
    world.sandbox.fails(json!({ "fault": "missing", "count": 10 })).await;
    let payment = world.paid().await;
    let order: String =
        sqlx::query_scalar("SELECT order_id FROM payments").fetch_one(world.database()).await.expect("one");
    sqlx::query("UPDATE payments SET synced_at = now()").execute(world.database()).await.expect("changed");
    let before = world.number("SELECT count(*) FROM payment_events WHERE kind = 'webhook'").await;
    for status in ["DONE", "DONE", "PARTIAL_CANCELED", "DONE"] {
        world.payments().receive_webhook(message(&changed(&order, status))).await.expect("taken");
    }
    assert_eq!(world.number("SELECT count(*) FROM payment_events WHERE kind = 'webhook'").await, before + 2);
    let pause = "SELECT count(*) FROM payments WHERE sync_at = synced_at + interval '5 s'";
    assert_eq!(world.number(pause).await, 1, "it is read, but not before five seconds are over");
    assert_eq!(world.payment(&payment.id).await, payment);
    world.is_sound().await;
}

#[tokio::test]
async fn what_concerns_no_order_of_ours_leaves_no_trace() {
    let world = World::start().await;
    world.payments().receive_webhook(message(&changed("aip-unknown", "DONE"))).await.expect("taken");
    world.payments().receive_webhook(message(&json!({ "eventType": "SOMETHING" }))).await.expect("taken");
    assert_eq!(world.number("SELECT count(*) FROM payment_events").await, 0);
    world.is_sound().await;
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let world = World::start().await;
    let mut payments = world.payments();
    let nonsense = ReceiveWebhookRequest { body: b"\xff\xfe".to_vec(), ..message(&json!({})) };
    let status = refused(payments.receive_webhook(nonsense)).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "INVALID_SIGNATURE"));
    let wrong = ReceiveWebhookRequest {
        provider: "nobody".to_owned(),
        headers: vec!["one".to_owned()],
        body: vec![b' '; 64 * 1024 + 1],
    };
    let status = refused(payments.receive_webhook(wrong)).await;
    assert_eq!(violations(&status), ["body: invalid", "headers: invalid", "provider: unknown_provider"]);
    let elsewhere = ReceiveWebhookRequest { provider: "toss".to_owned(), ..message(&json!({})) };
    assert_eq!(refused(payments.receive_webhook(elsewhere)).await.code(), Code::NotFound);
    world.is_sound().await;
}

#[tokio::test]
async fn another_amount_than_ours_is_a_case_and_is_never_completed() {
    let world = World::start().await;
    let payment = world.begun().await;
    let order = order_id(&payment);
    // Whatever the reason: the provider's idea of the price is another one.
    world.change("UPDATE payments SET original_amount = original_amount + 1000, total_amount = total_amount + 1000 WHERE id = $1", &payment.id).await;
    let key = world.sandbox.authorize(&order).await;
    world.sandbox.charge_now(&order, &key, payment.total_amount).await;
    eventually("a case", async || world.cases().await == ["amount"]).await;
    let held = world.payment(&payment.id).await;
    assert_eq!(held.payment_status().as_str_name(), "PAYMENT_STATUS_CONFIRMING", "a charged one never reads as failed");
    assert_eq!(world.number("SELECT count(*) FROM journals").await, 0);
    assert!(world.events().await.is_empty());
    world.is_sound().await;
}

#[tokio::test]
async fn money_that_a_provider_pays_back_unasked_is_a_case() {
    let world = World::start().await;
    let payment = world.begun().await;
    let order = order_id(&payment);
    world.pay(&payment).await.expect("paid");
    let key = world.sandbox.charge(&order).await["provider_key"].as_str().expect("a number").to_owned();
    world
        .sandbox
        .ask(&format!("{key}/cancel"), json!({ "cancelReason": "at the counter", "cancelAmount": 1000 }))
        .await;
    world.change("UPDATE payments SET sync_at = now() WHERE id = $1", &payment.id).await;
    eventually("a case", async || world.cases().await == ["refund"]).await;
    assert_eq!(world.number("SELECT provider_balance FROM payments").await, 287_000);
    assert_eq!(world.payment(&payment.id).await.payment_status(), Completed);
    world.is_sound().await;
}
