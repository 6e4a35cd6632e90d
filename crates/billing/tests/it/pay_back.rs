//! Paying back through the provider, whatever it does: once, and never more.

use aipoten_kit::test::eventually;
use aipoten_proto::billing::v1::PaymentStatus::{Completed, Confirming, PartiallyRefunded, Refunded};
use aipoten_proto::billing::v1::{
    Payment, PutRefundAccountRequest, Refund, RefundCompleted, RefundFailed, RefundPaymentRequest, RefundStatus,
};
use serde_json::{Value, json};

use crate::world::{World, order_id};

/// A payment of 288,000 won, and the number of its order at the provider.
pub(crate) async fn paid(world: &World) -> (Payment, String) {
    let begun = world.begun().await;
    let order = order_id(&begun);
    let payment = world.pay(&begun).await.expect("paid");
    world.tell_matching().await;
    (payment, order)
}

/// The parent gives one session back: 72,000 won.
pub(crate) async fn give_back_one(world: &World, payment: &Payment, at: usize) {
    let session = world.package_now(&payment.package_id).await.consultations[at].id.clone();
    cancel(world, &payment.id, Some(session)).await;
}

/// The parent ends the package.
pub(crate) async fn end(world: &World, payment: &Payment) {
    cancel(world, &payment.id, None).await;
}

async fn cancel(world: &World, payment_id: &str, consultation_id: Option<String>) {
    let ask = RefundPaymentRequest { payment_id: payment_id.to_owned(), consultation_id, reason: "이사".to_owned() };
    world.payments().refund_payment(world.parent.asks_once(ask)).await.expect("cancelled");
    world.tell_billing().await;
}

/// Waits until the only refund stands there.
pub(crate) async fn refund_becomes(world: &World, payment: &Payment, status: RefundStatus) -> Refund {
    let now = async || world.payment(&payment.id).await.refunds.remove(0);
    eventually(status.as_str_name(), async || now().await.refund_status() == status).await;
    now().await
}

/// Amounts that the provider has paid back, or is paying back.
async fn cancels(world: &World, order: &str) -> Vec<i64> {
    let charge = world.sandbox.charge(order).await;
    let cancels: &Vec<Value> = charge["cancels"].as_array().expect("cancels");
    cancels.iter().map(|it| it["amount"].as_i64().expect("an amount")).collect()
}

/// Nobody waits in a test: what is to be asked about later is due.
async fn hurry(world: &World) {
    let due = "UPDATE refunds SET next_at = now() WHERE refund_status = 'processing'";
    sqlx::query(due).execute(world.database()).await.expect("due");
}

/// Waits until the refund was asked about so often, and nobody asks.
async fn tried(world: &World, times: i64) {
    let tried = "SELECT count(*) FROM refunds WHERE tries >= $1 AND next_at < now() + interval '90 seconds'";
    eventually("the provider was asked", async || {
        let count: i64 = sqlx::query_scalar(tried).bind(times).fetch_one(world.database()).await.expect("a count");
        count > 0
    })
    .await;
}

pub(crate) fn account(payment: &Payment) -> PutRefundAccountRequest {
    PutRefundAccountRequest {
        payment_id: payment.id.clone(),
        bank_code: "088".to_owned(),
        account_number: "110123456789".to_owned(),
        account_holder: "김미나".to_owned(),
    }
}

#[tokio::test]
async fn a_package_that_ends_is_paid_back_session_by_session() {
    let world = World::start().await;
    let (payment, order) = paid(&world).await;
    give_back_one(&world, &payment, 3).await;
    let part = world.becomes(&payment.id, PartiallyRefunded).await;
    assert_eq!((part.refunded_amount, part.refunds.len()), (72_000, 1));
    end(&world, &payment).await;
    let all = world.becomes(&payment.id, Refunded).await;
    assert_eq!(all.refunded_amount, 288_000);
    assert!(all.refunds.iter().all(|it| it.refund_status() == RefundStatus::Completed && it.processed_at.is_some()));
    assert_eq!(cancels(&world, &order).await, [72_000; 4]);
    let told = world.published::<RefundCompleted>().await;
    assert_eq!(told.iter().map(|it| it.refund_amount).sum::<i64>(), 288_000);
    assert!(told.iter().all(|it| it.user_id == world.parent.id && !it.consultation_id.is_empty()));
    for account in ["provider_receivable", "customer_prepaid", "refund_clearing"] {
        assert_eq!(world.balance(account).await, 0, "{account}");
    }
    let read =
        async || world.number("SELECT count(*) FROM payments WHERE provider_balance = 0 AND sync_at IS NULL").await;
    eventually("what the provider still holds is read", async || read().await == 1).await;
    assert_eq!(world.cases().await, [""; 0]);
    world.is_sound().await;
}

#[tokio::test]
async fn what_was_paid_back_and_not_answered_is_not_paid_back_again() {
    let world = World::start().await;
    for fault in ["then_hang", "then_reset", "then_error", "then_in_flight", "then_replayed_error"] {
        let (payment, order) = paid(&world).await;
        world.sandbox.fails(json!({ "fault": fault, "operation": "cancel", "order_id": order })).await;
        give_back_one(&world, &payment, 0).await;
        tried(&world, 1).await;
        hurry(&world).await;
        let refund = refund_becomes(&world, &payment, RefundStatus::Completed).await;
        assert_eq!(refund.refund_amount, 72_000, "{fault}");
        assert_eq!(cancels(&world, &order).await, [72_000], "{fault}");
    }
    assert_eq!(world.cases().await, [""; 0]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_until_it_is_back_and_a_person_is_told_after_hours() {
    let world = World::start().await;
    let (payment, order) = paid(&world).await;
    world.sandbox.fails(json!({ "fault": "down", "count": 1000 })).await;
    give_back_one(&world, &payment, 0).await;
    tried(&world, 1).await;
    let pause = "SELECT extract(epoch FROM next_at - now())::bigint FROM refunds";
    assert!((0..=5).contains(&world.number(pause).await), "five seconds after the first try");
    sqlx::query("UPDATE refunds SET tries = 5, next_at = now()").execute(world.database()).await.expect("hours later");
    eventually("a person is told", async || world.cases().await == ["refund"]).await;
    assert!((3500..=3600).contains(&world.number(pause).await), "each hour then");
    assert_eq!(refund_becomes(&world, &payment, RefundStatus::Processing).await.failure_code, None);
    world.sandbox.recovers().await;
    hurry(&world).await;
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    assert_eq!(cancels(&world, &order).await, [72_000]);
}

#[tokio::test]
async fn a_reading_of_the_payment_ends_a_refund_whose_answer_is_still_awaited() {
    let world = World::start().await;
    let (payment, order) = paid(&world).await;
    world.sandbox.fails(json!({ "fault": "then_error", "operation": "cancel", "order_id": order })).await;
    give_back_one(&world, &payment, 0).await;
    tried(&world, 1).await;
    world.change("UPDATE payments SET sync_at = now() WHERE id = $1", &payment.id).await;
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    assert_eq!(world.balance("refund_clearing").await, 0);
    world.is_sound().await;
}

#[tokio::test]
async fn a_cancel_that_takes_its_time_is_waited_for_and_one_that_comes_to_nothing_fails() {
    let world = World::start().await;
    for (done, expected) in [(true, RefundStatus::Completed), (false, RefundStatus::Failed)] {
        let (payment, order) = paid(&world).await;
        world.sandbox.fails(json!({ "fault": "slow", "operation": "cancel", "order_id": order })).await;
        give_back_one(&world, &payment, 0).await;
        give_back_one(&world, &payment, 1).await;
        tried(&world, 1).await;
        assert_eq!(world.payment(&payment.id).await.refunds[0].refund_status(), RefundStatus::Processing);
        assert_eq!(cancels(&world, &order).await.len(), 1, "the second waits for the first");
        world.sandbox.finish_cancel(&order, done).await;
        hurry(&world).await;
        let is_over = async || world.payment(&payment.id).await.refunds[0].refund_status() == expected;
        eventually("the first is over", is_over).await;
        let second = async || world.payment(&payment.id).await.refunds[1].refund_status() == RefundStatus::Completed;
        eventually("the second went back", second).await;
    }
    assert_eq!(world.cases().await, ["refund"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_refusal_fails_the_refund_and_opens_a_case() {
    let world = World::start().await;
    let (payment, order) = paid(&world).await;
    world.sandbox.fails(json!({ "fault": "refuse_partial", "operation": "cancel", "order_id": order })).await;
    give_back_one(&world, &payment, 0).await;
    let refund = refund_becomes(&world, &payment, RefundStatus::Failed).await;
    assert!(refund.failure_code.is_some() && refund.processed_at.is_none());
    assert_eq!(world.published::<RefundFailed>().await.len(), 1);
    assert_eq!(world.cases().await, ["refund"]);
    assert_eq!(world.payment(&payment.id).await.payment_status(), Completed, "nothing has gone back");
    assert_eq!(world.balance("refund_clearing").await, -72_000);
    world.is_sound().await;
}

/// As [`paid`], by a deposit.
pub(crate) async fn deposited(world: &World) -> (Payment, String) {
    let begun = world.begun().await;
    let order = order_id(&begun);
    let key = world.sandbox.authorize_with(json!({ "order_id": order, "method": "virtual_account" })).await;
    world.confirm(&begun, &key).await.expect("an account");
    world.sandbox.deposit(&order).await;
    let payment = world.becomes(&begun.id, Completed).await;
    world.tell_matching().await;
    (payment, order)
}

#[tokio::test]
async fn what_goes_back_of_a_deposit_that_was_taken_back_rests_until_it_comes_again() {
    let world = World::start().await;
    let (payment, order) = deposited(&world).await;
    world.payments().put_refund_account(world.parent.asks(account(&payment))).await.expect("kept");
    let consultation_id = Some(world.package_now(&payment.package_id).await.consultations[0].id.clone());
    let ask = RefundPaymentRequest { payment_id: payment.id.clone(), consultation_id, reason: "이사".to_owned() };
    world.payments().refund_payment(world.parent.asks_once(ask)).await.expect("cancelled");
    world.sandbox.take_back_deposit(&order).await;
    world.becomes(&payment.id, Confirming).await;
    world.tell_billing().await;
    world.is_sound().await;

    // What is asked of the provider after it: the job came by, and left it alone.
    let (other, _) = paid(&world).await;
    give_back_one(&world, &other, 0).await;
    refund_becomes(&world, &other, RefundStatus::Completed).await;
    assert_eq!(refund_becomes(&world, &payment, RefundStatus::Processing).await.failure_code, None);
    assert_eq!(world.number("SELECT sum(tries)::bigint FROM refunds WHERE refund_status = 'processing'").await, 0);

    world.sandbox.deposit(&order).await;
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    assert_eq!(cancels(&world, &order).await, [72_000]);
    assert_eq!(world.cases().await, ["reversed"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_deposit_goes_back_once_the_parent_has_named_an_account() {
    let world = World::start().await;
    let (payment, order) = deposited(&world).await;
    give_back_one(&world, &payment, 0).await;
    let refund = refund_becomes(&world, &payment, RefundStatus::Failed).await;
    assert_eq!(refund.failure_code.as_deref(), Some("NO_REFUND_ACCOUNT"));
    assert_eq!(world.cases().await, [""; 0], "the parent is asked, and nobody else");
    world.payments().put_refund_account(world.parent.asks(account(&payment))).await.expect("kept");
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    assert_eq!(cancels(&world, &order).await, [72_000]);
    world.is_sound().await;
}

#[tokio::test]
async fn money_that_the_provider_paid_back_by_itself_is_a_case_that_stays_closed() {
    let world = World::start().await;
    let (payment, order) = paid(&world).await;
    let key = world.sandbox.charge(&order).await["provider_key"].as_str().expect("a number").to_owned();
    let by_hand = json!({ "cancelReason": "by a person at the provider", "cancelAmount": 10_000 });
    world.sandbox.ask(&format!("{key}/cancel"), by_hand).await;
    eventually("its message opens a case", async || world.cases().await == ["refund"]).await;
    let close = "UPDATE reconciliation_cases SET closed_at = now(), resolution = 'seen'";
    sqlx::query(close).execute(world.database()).await.expect("closed");
    let read_again = "UPDATE payments SET sync_at = now(), synced_at = now() - interval '1 minute' WHERE id = $1";
    world.change(read_again, &payment.id).await;
    let read = "SELECT count(*) FROM payments WHERE sync_at IS NULL AND synced_at > now() - interval '30 seconds'";
    eventually("it is read again", async || world.number(read).await == 1).await;
    assert_eq!(world.cases().await, [""; 0]);
    assert_eq!(world.payment(&payment.id).await.refunded_amount, 0);
    world.is_sound().await;
}

#[tokio::test]
async fn many_refunds_at_once_end_in_the_providers_truth_whatever_goes_wrong() {
    let world = World::start().await;
    let faults = ["then_reset", "then_error", "then_in_flight", "down", "then_replayed_error"];
    let mut payments = Vec::new();
    for at in 0..10 {
        let (payment, order) = paid(&world).await;
        let fault = json!({ "fault": faults[at % faults.len()], "operation": "cancel", "order_id": order, "count": 2 });
        world.sandbox.fails(fault).await;
        payments.push((payment, order));
    }
    for (payment, _) in &payments {
        end(&world, payment).await;
    }
    let open = async || world.number("SELECT count(*) FROM refunds WHERE refund_status = 'processing'").await;
    eventually("all went back", async || {
        hurry(&world).await;
        open().await == 0
    })
    .await;
    for (payment, order) in &payments {
        assert_eq!(cancels(&world, order).await, [72_000; 4]);
        assert_eq!(world.payment(&payment.id).await.payment_status(), Refunded);
    }
    assert_eq!(world.number("SELECT count(*) FROM refunds WHERE refund_status = 'completed'").await, 40);
    world.is_sound().await;
}
