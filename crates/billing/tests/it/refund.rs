//! Asking for money back, and where it goes.

use aipoten_proto::billing::v1::{PutRefundAccountRequest, RefundPaymentRequest, RefundPolicyApplied};
use aipoten_proto::matching::v1::{ConsultationStatus, PackageStatus};
use tonic::Code;

use crate::world::{World, keyed, parameter, reason, refused, violations};

fn wish(payment_id: &str) -> RefundPaymentRequest {
    RefundPaymentRequest {
        payment_id: payment_id.to_owned(),
        consultation_id: None,
        reason: "이사를 갑니다.".to_owned(),
    }
}

#[tokio::test]
async fn a_package_ends_through_its_payment_and_matching_says_what_goes_back() {
    let world = World::start().await;
    let payment = world.paid().await;
    world.tell_matching().await;
    let mut payments = world.payments();
    let ask = || keyed(world.parent.asks(wish(&payment.id)), "once");
    let back = payments.refund_payment(ask()).await.expect("ended").into_inner();
    assert_eq!((back.refund_amount, back.refund_policy()), (288_000, RefundPolicyApplied::PackageEnd));
    assert_eq!(world.package_now(&payment.package_id).await.status(), PackageStatus::Cancelled);
    assert_eq!(payments.refund_payment(ask()).await.expect("the same").into_inner(), back);
    let other = RefundPaymentRequest { reason: "다른 이유".to_owned(), ..wish(&payment.id) };
    let status = refused(payments.refund_payment(keyed(world.parent.asks(other), "once"))).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "IDEMPOTENCY_CONFLICT"));
    let status = refused(payments.refund_payment(world.parent.asks_once(wish(&payment.id)))).await;
    assert_eq!(
        (reason(&status).as_str(), parameter(&status, "state").as_deref()),
        ("INVALID_STATE", Some("cancelled"))
    );
    world.is_sound().await;
}

#[tokio::test]
async fn one_session_goes_back_by_the_policy_of_the_order() {
    let world = World::start().await;
    let package = world.package(4, 2).await;
    let begun = world.begin(&package.id).await.expect("a payment");
    let payment = world.pay(&begun).await.expect("paid");
    world.tell_matching().await;
    let session = package.consultations[0].id.clone();
    let ask = RefundPaymentRequest { consultation_id: Some(session), ..wish(&payment.id) };
    let back = world.payments().refund_payment(world.parent.asks_once(ask)).await.expect("cancelled").into_inner();
    assert_eq!((back.refund_amount, back.refund_policy()), (36_000, RefundPolicyApplied::Partial), "two hours before");
    let left = world.package_now(&package.id).await;
    assert_eq!((left.status(), left.consultations[0].status()), (PackageStatus::Active, ConsultationStatus::Cancelled));
    let other = world.paid().await;
    let foreign = world.package_now(&other.package_id).await.consultations[0].id.clone();
    let ask = RefundPaymentRequest { consultation_id: Some(foreign), ..wish(&payment.id) };
    let status = refused(world.payments().refund_payment(world.parent.asks_once(ask))).await;
    assert_eq!(status.code(), Code::NotFound, "a session of another payment");
    world.is_sound().await;
}

#[tokio::test]
async fn nothing_goes_back_of_what_was_not_paid_and_nothing_for_others() {
    let world = World::start().await;
    let pending = world.begun().await;
    let mut payments = world.payments();
    let status = refused(payments.refund_payment(world.parent.asks_once(wish(&pending.id)))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("pending"));
    let status = refused(payments.refund_payment(world.parent.asks(wish(&pending.id)))).await;
    assert_eq!(reason(&status), "IDEMPOTENCY_KEY_REQUIRED");
    let stranger = world.identity.parent().await;
    let status = refused(payments.refund_payment(stranger.asks_once(wish(&pending.id)))).await;
    assert_eq!(status.code(), Code::NotFound);
    let status = refused(payments.refund_payment(world.therapist.asks_once(wish(&pending.id)))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let consultation_id = Some("x".to_owned());
    let wrong = RefundPaymentRequest { payment_id: "y".to_owned(), consultation_id, reason: " ".to_owned() };
    let status = refused(payments.refund_payment(world.parent.asks_once(wrong))).await;
    assert_eq!(violations(&status), ["consultation_id: not_a_uuid", "payment_id: not_a_uuid", "reason: required"]);
    world.is_sound().await;
}

fn account(payment_id: &str) -> PutRefundAccountRequest {
    PutRefundAccountRequest {
        payment_id: payment_id.to_owned(),
        bank_code: "088".to_owned(),
        account_number: "110123456789".to_owned(),
        account_holder: "김미나".to_owned(),
    }
}

#[tokio::test]
async fn an_account_for_refunds_is_kept_encrypted_and_shown_masked() {
    let world = World::start().await;
    let payment = world.begun().await;
    let mut payments = world.payments();
    let kept = payments.put_refund_account(world.parent.asks(account(&payment.id))).await.expect("kept").into_inner();
    assert_eq!((kept.bank_code.as_str(), kept.account_number_masked.as_str()), ("088", "********6789"));
    let sealed: Vec<u8> =
        sqlx::query_scalar("SELECT refund_account FROM payments").fetch_one(world.database()).await.expect("kept");
    assert!(!String::from_utf8_lossy(&sealed).contains("110123456789"));
    let stranger = world.identity.parent().await;
    let status = refused(payments.put_refund_account(stranger.asks(account(&payment.id)))).await;
    assert_eq!(status.code(), Code::NotFound);
    let status = refused(payments.put_refund_account(world.therapist.asks(account(&payment.id)))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let wrong = PutRefundAccountRequest {
        payment_id: "x".to_owned(),
        bank_code: "88".to_owned(),
        account_number: "110-123".to_owned(),
        account_holder: String::new(),
    };
    let status = refused(payments.put_refund_account(world.parent.asks(wrong))).await;
    assert_eq!(
        violations(&status),
        [
            "account_holder: required",
            "account_number: not_an_account_number",
            "bank_code: not_a_bank_code",
            "payment_id: not_a_uuid"
        ]
    );
    world.is_sound().await;
}

#[tokio::test]
async fn an_account_for_refunds_asks_for_a_fresh_proof() {
    let world = World::start().await;
    let payment = world.begun().await;
    let tired = world.identity.later(&world.parent, 301).await;
    let status = refused(world.payments().put_refund_account(tired.asks(account(&payment.id)))).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "STEP_UP_REQUIRED"));
    world.is_sound().await;
}
