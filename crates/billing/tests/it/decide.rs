//! What administrators decide about refunds.

use aipoten_billing::consumers;
use aipoten_events::{Delivered, Failure};
use aipoten_proto::billing::v1::RefundDecision::{Approve, Reject, Retry, Transferred};
use aipoten_proto::billing::v1::{
    DecideRefundRequest, ListRefundsRequest, NameRefundAccountRequest, Payment, PaymentStatus, Refund, RefundDecision,
    RefundPolicyApplied, RefundReason, RefundStatus, RevealRefundAccountRequest, RunSettlementsRequest,
};
use aipoten_proto::common::v1::AdminActed;
use aipoten_proto::identity::v1::UserDeleted;
use aipoten_proto::matching::v1::{ConsultationCompleted, ConsultationDisputed, ReportSubmitted};
use aipoten_proto::timestamp;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Asia::Seoul;
use serde_json::json;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::pay_back::{account, deposited, give_back_one, paid, refund_becomes};
use crate::world::{Person, World, delivered, parameter, reason, refused, violations};

/// A paid package whose first session was held and is disputed: 72,000 won.
async fn disputed(world: &World) -> (Payment, Refund) {
    let payment = held(world, Utc::now()).await;
    let refund = dispute(world, &payment).await;
    (payment, refund)
}

/// A paid package whose first session was held then, and reported.
pub(crate) async fn held(world: &World, at: DateTime<Utc>) -> Payment {
    let (payment, _) = paid(world).await;
    let (package_id, consultation_id) = (payment.package_id.clone(), first(world, &payment).await);
    let held = ConsultationCompleted {
        consultation_id: consultation_id.clone(),
        package_id: package_id.clone(),
        session_fee: 72_000,
        platform_fee: 10_800,
        occurred_at: Some(timestamp(at)),
        ..ConsultationCompleted::default()
    };
    take(world, consumers::consultation_completed, held).await;
    let submitted_at = Some(timestamp(at));
    let reported = ReportSubmitted { consultation_id, package_id, submitted_at, ..ReportSubmitted::default() };
    take(world, consumers::report_submitted, reported).await;
    payment
}

async fn dispute(world: &World, payment: &Payment) -> Refund {
    let disputed = ConsultationDisputed {
        consultation_id: first(world, payment).await,
        package_id: payment.package_id.clone(),
        occurred_at: Some(timestamp(Utc::now())),
        ..ConsultationDisputed::default()
    };
    take(world, consumers::consultation_disputed, disputed).await;
    let refund = world.payment(&payment.id).await.refunds.remove(0);
    assert_eq!((refund.refund_status(), refund.refund_reason()), (RefundStatus::Requested, RefundReason::Dispute));
    refund
}

async fn first(world: &World, payment: &Payment) -> String {
    world.package_now(&payment.package_id).await.consultations[0].id.clone()
}

pub(crate) async fn take<E>(
    world: &World,
    handler: impl AsyncFnOnce(&mut sqlx::PgConnection, &Delivered<E>) -> Result<(), Failure>,
    event: E,
) {
    let mut tx = world.database().begin().await.expect("a transaction");
    handler(&mut tx, &delivered(event)).await.expect("taken in");
    tx.commit().await.expect("committed");
}

fn decision(refund: &Refund, decision: RefundDecision) -> DecideRefundRequest {
    DecideRefundRequest {
        refund_id: refund.id.clone(),
        decision: decision.into(),
        reason: "치료사와 통화했습니다.".to_owned(),
        ..DecideRefundRequest::default()
    }
}

async fn decide(world: &World, request: DecideRefundRequest) -> Result<Refund, Status> {
    let admin = world.admin().await;
    Ok(world.refunds().decide_refund(admin.asks(request)).await?.into_inner())
}

async fn acts(world: &World) -> Vec<String> {
    world.published::<AdminActed>().await.into_iter().map(|it| it.action).collect()
}

#[tokio::test]
async fn a_disputed_session_that_is_approved_goes_back_once() {
    let world = World::start().await;
    let (payment, refund) = disputed(&world).await;
    assert_eq!(world.balance("refund_clearing").await, 0, "nothing is booked before it is decided");
    let stale = DecideRefundRequest { expected_version: Some(refund.version + 1), ..decision(&refund, Approve) };
    let status = decide(&world, stale).await.expect_err("another version");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "VERSION_MISMATCH"));
    let current = DecideRefundRequest { expected_version: Some(refund.version), ..decision(&refund, Approve) };
    let approved = decide(&world, current).await.expect("approved");
    assert_eq!((approved.refund_amount, approved.refund_policy()), (72_000, RefundPolicyApplied::Full));
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    let status = decide(&world, decision(&refund, Approve)).await.expect_err("it is done");
    assert_eq!(parameter(&status, "state").as_deref(), Some("completed"));
    assert_eq!(world.balance("customer_prepaid").await, -216_000);
    assert_eq!(acts(&world).await, ["refund.approved"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_part_is_approved_and_never_more_than_is_asked_for() {
    let world = World::start().await;
    let (payment, refund) = disputed(&world).await;
    let amount = |amount| DecideRefundRequest { refund_amount: Some(amount), ..decision(&refund, Approve) };
    let status = decide(&world, amount(72_001)).await.expect_err("too much");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "TOO_MUCH"));
    assert_eq!(parameter(&status, "max").as_deref(), Some("72000"));
    let approved = decide(&world, amount(30_000)).await.expect("approved");
    assert_eq!((approved.refund_amount, approved.refund_policy()), (30_000, RefundPolicyApplied::Partial));
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    assert_eq!(world.payment(&payment.id).await.refunded_amount, 30_000);
    world.is_sound().await;
}

#[tokio::test]
async fn a_session_that_was_settled_before_it_was_disputed_goes_back_at_the_cost_of_therapist_and_platform() {
    let world = World::start().await;
    let month = Utc::now() - TimeDelta::days(40);
    let payment = held(&world, month).await;
    let period = month.with_timezone(&Seoul).format("%Y-%m").to_string();
    let run = || RunSettlementsRequest { period: period.clone() };
    world.settlements().run_settlements(world.admin().await.asks(run())).await.expect("settled");
    assert_eq!(world.balance("therapist_payable").await, -61_200);
    let refund = dispute(&world, &payment).await;
    decide(&world, decision(&refund, Approve)).await.expect("approved");
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    assert_eq!(world.balance("therapist_receivable").await, 61_200);
    assert_eq!(world.balance("therapist_payable").await, -61_200);
    assert_eq!((world.balance("platform_fee").await, world.balance("vat_payable").await), (0, 0));
    assert_eq!(world.balance("customer_prepaid").await, -216_000);
    world.is_sound().await;
}

#[tokio::test]
async fn a_session_that_stands_is_not_paid_back() {
    let world = World::start().await;
    let (payment, refund) = disputed(&world).await;
    let rejected = decide(&world, decision(&refund, Reject)).await.expect("rejected");
    assert!(rejected.refund_status() == RefundStatus::Rejected && rejected.processed_at.is_some());
    for again in [Approve, Reject, Retry, Transferred] {
        let status = decide(&world, decision(&refund, again)).await.expect_err("it is decided");
        assert_eq!(parameter(&status, "state").as_deref(), Some("rejected"), "{again:?}");
    }
    assert_eq!(world.payment(&payment.id).await.refunded_amount, 0);
    assert_eq!(world.number("SELECT count(*) FROM sessions WHERE dispute_decided_at IS NOT NULL").await, 1);
    assert_eq!(acts(&world).await, ["refund.rejected"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_refused_refund_is_tried_again_under_another_key_or_transferred_by_hand() {
    let world = World::start().await;
    let mut failed = Vec::new();
    for _ in 0..2 {
        let (payment, order) = paid(&world).await;
        let fault = json!({ "fault": "refuse_partial", "operation": "cancel", "order_id": order });
        world.sandbox.fails(fault).await;
        give_back_one(&world, &payment, 0).await;
        let refund = refund_becomes(&world, &payment, RefundStatus::Failed).await;
        failed.push((payment, refund));
    }
    let (tried, by_hand) = (&failed[0], &failed[1]);
    decide(&world, decision(&tried.1, Retry)).await.expect("tried again");
    let done = refund_becomes(&world, &tried.0, RefundStatus::Completed).await;
    assert!(!done.is_by_hand && done.failure_code.is_none());

    let status = decide(&world, decision(&by_hand.1, Transferred)).await.expect_err("where to is not known");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "NO_REFUND_ACCOUNT"));
    world.payments().put_refund_account(world.parent.asks(account(&by_hand.0))).await.expect("kept");
    assert_eq!(
        refund_becomes(&world, &by_hand.0, RefundStatus::Failed).await.version,
        by_hand.1.version,
        "the provider refused for another reason"
    );
    let done = decide(&world, decision(&by_hand.1, Transferred)).await.expect("noted");
    assert!(done.is_by_hand && done.refund_status() == RefundStatus::Completed);
    let payment = world.payment(&by_hand.0.id).await;
    assert_eq!((payment.payment_status(), payment.refunded_amount), (PaymentStatus::PartiallyRefunded, 72_000));
    assert_eq!((world.balance("bank").await, world.balance("refund_clearing").await), (-72_000, 0));
    assert_eq!(acts(&world).await, ["refund.retried", "refund.transferred"]);
    world.is_sound().await;
}

fn reveal(refund: &Refund) -> RevealRefundAccountRequest {
    RevealRefundAccountRequest {
        refund_id: refund.id.clone(), reason: "은행 이체를 위해 확인합니다.".to_owned()
    }
}

fn named(refund: &Refund) -> NameRefundAccountRequest {
    NameRefundAccountRequest {
        refund_id: refund.id.clone(),
        bank_code: "088".to_owned(),
        account_number: "110123456789".to_owned(),
        account_holder: "김미나".to_owned(),
        reason: "전화로 본인을 확인했습니다.".to_owned(),
    }
}

#[tokio::test]
async fn the_whole_account_is_shown_to_whoever_transfers_by_hand_while_there_is_something_to_transfer() {
    let world = World::start().await;
    let (payment, order) = paid(&world).await;
    world.sandbox.fails(json!({ "fault": "refuse_partial", "operation": "cancel", "order_id": order })).await;
    give_back_one(&world, &payment, 0).await;
    let refund = refund_becomes(&world, &payment, RefundStatus::Failed).await;
    let admin = world.admin().await;
    let reveal = async |person: &Person| world.refunds().reveal_refund_account(person.asks(reveal(&refund))).await;
    assert_eq!(reason(&reveal(&admin).await.expect_err("there is none")), "NO_REFUND_ACCOUNT");
    world.payments().put_refund_account(world.parent.asks(account(&payment))).await.expect("kept");
    for (person, why) in [
        (&world.parent, "PERMISSION_DENIED"),
        (&world.therapist, "PERMISSION_DENIED"),
        (&world.identity.later(&admin, 3600).await, "STEP_UP_REQUIRED"),
    ] {
        assert_eq!(reason(&reveal(person).await.expect_err(why)), why);
    }
    let shown = reveal(&admin).await.expect("the account").into_inner();
    let expected = account(&payment);
    assert_eq!((shown.bank_code, shown.account_number), (expected.bank_code, expected.account_number));
    decide(&world, decision(&refund, Transferred)).await.expect("noted");
    let over = reveal(&admin).await.expect_err("there is nothing to transfer");
    assert_eq!(parameter(&over, "state").as_deref(), Some("completed"));
    assert_eq!(acts(&world).await, ["refund.account_revealed", "refund.transferred"]);
    let silent = RevealRefundAccountRequest { refund_id: "x".to_owned(), reason: String::new() };
    let status = refused(world.refunds().reveal_refund_account(admin.asks(silent))).await;
    assert_eq!(violations(&status), ["reason: required", "refund_id: not_a_uuid"]);
    world.is_sound().await;
}

#[tokio::test]
async fn for_a_parent_who_is_gone_an_administrator_names_the_account_and_the_deposit_goes_back() {
    let world = World::start().await;
    let (payment, _) = deposited(&world).await;
    give_back_one(&world, &payment, 0).await;
    let refund = refund_becomes(&world, &payment, RefundStatus::Failed).await;
    let admin = world.admin().await;
    let name = async |person: &Person| world.refunds().name_refund_account(person.asks(named(&refund))).await;
    assert_eq!(reason(&name(&admin).await.expect_err("the parent is there")), "PARENT_NAMES_ACCOUNT");
    take(&world, consumers::user_deleted, UserDeleted { user_id: world.parent.id.clone() }).await;
    for (person, why) in
        [(&world.parent, "PERMISSION_DENIED"), (&world.identity.later(&admin, 3600).await, "STEP_UP_REQUIRED")]
    {
        assert_eq!(reason(&name(person).await.expect_err(why)), why);
    }
    let asked = name(&admin).await.expect("named").into_inner();
    assert_eq!(asked.refund_status(), RefundStatus::Processing, "nothing else was missing");
    refund_becomes(&world, &payment, RefundStatus::Completed).await;
    let over = name(&admin).await.expect_err("it went back");
    assert_eq!(parameter(&over, "state").as_deref(), Some("completed"));
    assert_eq!(acts(&world).await, ["refund.account_named"]);
    let wrong = NameRefundAccountRequest { bank_code: "8".to_owned(), ..NameRefundAccountRequest::default() };
    let status = refused(world.refunds().name_refund_account(admin.asks(wrong))).await;
    assert_eq!(violations(&status).len(), 5, "all of it is told at once: {:?}", violations(&status));
    world.is_sound().await;
}

#[tokio::test]
async fn administrators_alone_see_and_decide_refunds() {
    let world = World::start().await;
    let (payment, refund) = disputed(&world).await;
    let (other, _) = disputed(&world).await;
    decide(&world, decision(&refund, Reject)).await.expect("rejected");
    for person in [&world.parent, &world.therapist] {
        let status = refused(world.refunds().list_refunds(person.asks(ListRefundsRequest::default()))).await;
        assert_eq!(status.code(), Code::PermissionDenied);
        let status = refused(world.refunds().decide_refund(person.asks(decision(&refund, Approve)))).await;
        assert_eq!(status.code(), Code::PermissionDenied);
    }
    let admin = world.admin().await;
    let list = async |request: ListRefundsRequest| {
        let page = world.refunds().list_refunds(admin.asks(request)).await.expect("a list").into_inner();
        let ids: Vec<String> = page.refunds.into_iter().map(|it| it.payment_id).collect();
        (ids, page.page_info.expect("where it stands").total)
    };
    let all = ListRefundsRequest::default;
    assert_eq!(list(all()).await, (vec![other.id.clone(), payment.id.clone()], 2), "the newest first");
    let of_payment = ListRefundsRequest { payment_id: Some(payment.id.clone()), ..all() };
    assert_eq!(list(of_payment).await, (vec![payment.id.clone()], 1));
    let requested = ListRefundsRequest { refund_status: Some(RefundStatus::Requested.into()), ..all() };
    assert_eq!(list(requested).await, (vec![other.id], 1));
    assert_eq!(list(ListRefundsRequest { limit: Some(1), page: Some(2), ..all() }).await, (vec![payment.id], 2));
    let wrong = ListRefundsRequest { refund_status: Some(0), payment_id: Some("x".to_owned()), ..all() };
    let status = refused(world.refunds().list_refunds(admin.asks(wrong))).await;
    assert_eq!(violations(&status), ["payment_id: not_a_uuid", "refund_status: required"]);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_decision_is_told_at_once() {
    let world = World::start().await;
    let empty = DecideRefundRequest {
        refund_id: Uuid::now_v7().to_string(),
        refund_amount: Some(0),
        ..DecideRefundRequest::default()
    };
    let status = decide(&world, empty).await.expect_err("nothing is said");
    let range = format!("refund_amount: out_of_range min=1 max={}", i64::MAX);
    assert_eq!(violations(&status), ["decision: required".to_owned(), "reason: required".to_owned(), range]);
    let amount = DecideRefundRequest {
        refund_id: Uuid::now_v7().to_string(),
        decision: Reject.into(),
        refund_amount: Some(1),
        reason: "x".to_owned(),
        ..DecideRefundRequest::default()
    };
    let status = decide(&world, amount.clone()).await.expect_err("an amount of what?");
    assert_eq!(violations(&status), ["refund_amount: invalid"]);
    let nowhere = DecideRefundRequest { refund_amount: None, ..amount };
    assert_eq!(decide(&world, nowhere).await.expect_err("there is none").code(), Code::NotFound);
}
