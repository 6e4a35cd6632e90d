//! Beginning to pay.

use aipoten_proto::billing::v1::{
    CreatePaymentRequest, Payment, PaymentProvider, PaymentStatus, PaymentType, SearchPaymentsRequest,
};
use aipoten_proto::matching::v1::CancelPackageRequest;
use serde_json::json;
use tonic::Code;

use crate::world::{World, keyed, order_id, parameter, reason, refused, violations};

fn wish(package_id: &str) -> CreatePaymentRequest {
    CreatePaymentRequest { package_id: package_id.to_owned(), provider: None, return_url: None }
}

#[tokio::test]
async fn a_package_is_paid_at_the_price_that_matching_froze() {
    let world = World::start().await;
    let package = world.package(4, 48).await;
    let payment = world.begin(&package.id).await.expect("a payment");
    assert_eq!((payment.original_amount, payment.discount_amount, payment.total_amount), (320_000, 32_000, 288_000));
    assert_eq!((payment.payment_status(), payment.payment_type()), (PaymentStatus::Pending, PaymentType::Package));
    assert_eq!((payment.provider(), payment.total_sessions), (PaymentProvider::Sandbox, 4));
    assert_eq!((&payment.package_id, &payment.user_id), (&package.id, &world.parent.id));
    let checkout = payment.checkout.clone().expect("a checkout");
    assert_eq!(checkout.order_name, "발달 상담 4회 패키지");
    assert!(checkout.checkout_url.expect("a page").ends_with(&checkout.order_id));
    let charge = world.sandbox.charge(&checkout.order_id).await;
    assert_eq!((&charge["total"], &charge["status"]), (&json!(288_000), &json!("ready")));
    assert_eq!(world.number("SELECT sum(session_fee)::bigint FROM sessions").await, 288_000);
    assert_eq!(world.number("SELECT sum(platform_fee)::bigint FROM sessions").await, 43_200);
    assert_eq!(world.payment(&payment.id).await, payment, "read later it is the same");
}

#[tokio::test]
async fn a_payment_that_is_pending_is_answered_again_and_no_second_one_begins() {
    let world = World::start().await;
    let payment = world.begun().await;
    assert_eq!(world.begin(&payment.package_id).await.expect("the same"), payment);
    let at_once = futures::future::join_all((0..10).map(|_| world.begin(&payment.package_id))).await;
    assert!(at_once.into_iter().all(|it| it.expect("the same") == payment));
    let key = "one key";
    let ask = || keyed(world.parent.asks(wish(&payment.package_id)), key);
    let mut payments = world.payments();
    assert_eq!(payments.create_payment(ask()).await.expect("the same").into_inner(), payment);
    world.pay(&payment).await.expect("paid");
    let again = payments.create_payment(ask()).await.expect("the same key").into_inner();
    assert_eq!((again.payment_status(), &again.id), (PaymentStatus::Completed, &payment.id), "as it now stands");
    let other =
        CreatePaymentRequest { return_url: Some("https://app.example.org/x".to_owned()), ..wish(&payment.package_id) };
    let status = refused(payments.create_payment(keyed(world.parent.asks(other), key))).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "IDEMPOTENCY_CONFLICT"));
    let status = world.begin(&payment.package_id).await.expect_err("it is paid");
    assert_eq!(
        (reason(&status).as_str(), parameter(&status, "state").as_deref()),
        ("INVALID_STATE", Some("completed"))
    );
    assert_eq!(world.number("SELECT count(*) FROM payments").await, 1);
}

#[tokio::test]
async fn nobody_but_its_parent_pays_a_package() {
    let world = World::start().await;
    let package = world.package(1, 48).await;
    let mut payments = world.payments();
    let status = refused(payments.create_payment(world.identity.parent().await.asks_once(wish(&package.id)))).await;
    assert_eq!(status.code(), Code::NotFound);
    for person in [&world.therapist, &world.admin().await] {
        let status = refused(payments.create_payment(person.asks_once(wish(&package.id)))).await;
        assert_eq!(status.code(), Code::PermissionDenied);
    }
    assert_eq!(refused(payments.create_payment(wish(&package.id))).await.code(), Code::Unauthenticated);
    let status = refused(payments.create_payment(world.parent.asks(wish(&package.id)))).await;
    assert_eq!(reason(&status), "IDEMPOTENCY_KEY_REQUIRED");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_wish_is_told_at_once() {
    let world = World::start().await;
    let ask = CreatePaymentRequest {
        package_id: "nope".to_owned(),
        provider: Some(PaymentProvider::Toss.into()),
        return_url: Some("https://app.example.org.evil.net/".to_owned()),
    };
    let status = refused(world.payments().create_payment(world.parent.asks_once(ask))).await;
    assert_eq!(
        violations(&status),
        ["package_id: not_a_uuid", "provider: unknown_provider", "return_url: not_allowed_address"]
    );
}

#[tokio::test]
async fn a_package_that_was_given_up_cannot_be_paid() {
    let world = World::start().await;
    let package = world.package(1, 48).await;
    let cancel =
        CancelPackageRequest { package_id: package.id.clone(), reason: "생각이 바뀌었어요.".to_owned() };
    world.packages().cancel_package(world.parent.asks(cancel)).await.expect("cancelled");
    let status = world.begin(&package.id).await.expect_err("it was ended");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(
        (reason(&status).as_str(), parameter(&status, "state").as_deref()),
        ("INVALID_STATE", Some("cancelled"))
    );
}

#[tokio::test]
async fn a_checkout_that_the_provider_could_not_make_is_made_when_asked_for_again() {
    let world = World::start().await;
    let package = world.package(1, 48).await;
    world.sandbox.fails(json!({ "fault": "down", "operation": "checkout" })).await;
    let ask = || keyed(world.parent.asks(wish(&package.id)), "key");
    let status = refused(world.payments().create_payment(ask())).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "PROVIDER_UNAVAILABLE"));
    let payment: Payment = world.payments().create_payment(ask()).await.expect("a checkout").into_inner();
    assert_eq!(payment.payment_type(), PaymentType::SingleSession);
    world.sandbox.authorize(&order_id(&payment)).await;
    let all = SearchPaymentsRequest::default();
    let all = world.payments().search_payments(world.admin().await.asks(all)).await.expect("a list").into_inner();
    assert_eq!(all.payments.len(), 1);
}
