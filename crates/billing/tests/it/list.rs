//! Seeing payments.

use aipoten_proto::billing::v1::{GetPaymentRequest, ListPaymentsRequest, PaymentStatus, SearchPaymentsRequest};
use tonic::Code;

use crate::world::{World, refused, violations};

#[tokio::test]
async fn payments_are_seen_by_their_parent_alone() {
    let world = World::start().await;
    let payment = world.begun().await;
    let mut payments = world.payments();
    let ask = || GetPaymentRequest { payment_id: payment.id.clone() };
    let stranger = world.identity.parent().await;
    assert_eq!(refused(payments.get_payment(stranger.asks(ask()))).await.code(), Code::NotFound);
    for person in [&world.therapist, &world.admin().await] {
        assert_eq!(refused(payments.get_payment(person.asks(ask()))).await.code(), Code::PermissionDenied);
        let list = payments.list_payments(person.asks(ListPaymentsRequest::default()));
        assert_eq!(refused(list).await.code(), Code::PermissionDenied);
    }
    let list = payments.list_payments(stranger.asks(ListPaymentsRequest::default())).await.expect("a list");
    assert!(list.into_inner().payments.is_empty());
    let wrong = GetPaymentRequest { payment_id: "x".to_owned() };
    let status = refused(payments.get_payment(world.parent.asks(wrong))).await;
    assert_eq!(violations(&status), ["payment_id: not_a_uuid"]);
    let english = payments.get_payment(world.parent.asks_in_english(ask())).await.expect("one").into_inner();
    assert_eq!(english.checkout.expect("it is pending").order_name, "Package of 4 consultations");
}

#[tokio::test]
async fn a_list_shows_the_newest_first_a_page_at_a_time() {
    let world = World::start().await;
    let (first, second) = (world.paid().await, world.begun().await);
    let mut payments = world.payments();
    let mut list = async |ask: ListPaymentsRequest| {
        payments.list_payments(world.parent.asks(ask)).await.expect("a list").into_inner()
    };
    let all = list(ListPaymentsRequest::default()).await;
    assert_eq!(all.payments.iter().map(|it| &it.id).collect::<Vec<_>>(), [&second.id, &first.id]);
    assert!(all.payments.iter().all(|it| it.checkout.is_none()), "lists show no checkout");
    let paid = Some(PaymentStatus::Completed.into());
    let paid = list(ListPaymentsRequest { payment_status: paid, ..ListPaymentsRequest::default() }).await;
    assert_eq!(paid.payments, [first]);
    let page = ListPaymentsRequest { page: Some(2), limit: Some(1), ..ListPaymentsRequest::default() };
    let page = list(page).await;
    assert_eq!((page.payments.len(), page.page_info.expect("a page").total), (1, 2));
    let wrong = ListPaymentsRequest { payment_status: Some(0), page: Some(0), limit: Some(101) };
    let status = refused(world.payments().list_payments(world.parent.asks(wrong))).await;
    assert_eq!(violations(&status).len(), 3);
}

#[tokio::test]
async fn administrators_find_everybodys_payments() {
    let world = World::start().await;
    let (first, second) = (world.paid().await, world.begun().await);
    let admin = world.admin().await;
    let search = async |ask: SearchPaymentsRequest| {
        let found = world.payments().search_payments(admin.asks(ask)).await.expect("a list").into_inner();
        found.payments.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let none = SearchPaymentsRequest::default;
    assert_eq!(search(none()).await, [second.id.clone(), first.id.clone()]);
    assert_eq!(
        search(SearchPaymentsRequest { package_id: Some(first.package_id.clone()), ..none() }).await,
        [first.id]
    );
    let pending = Some(PaymentStatus::Pending.into());
    let user_id = Some(world.parent.id.clone());
    assert_eq!(search(SearchPaymentsRequest { payment_status: pending, user_id, ..none() }).await, [second.id]);
    assert!(search(SearchPaymentsRequest { user_id: Some(world.therapist.id.clone()), ..none() }).await.is_empty());
    for person in [&world.parent, &world.therapist] {
        let status = refused(world.payments().search_payments(person.asks(none()))).await;
        assert_eq!(status.code(), Code::PermissionDenied);
    }
    let wrong = SearchPaymentsRequest { user_id: Some("x".to_owned()), package_id: Some("y".to_owned()), ..none() };
    let status = refused(world.payments().search_payments(admin.asks(wrong))).await;
    assert_eq!(violations(&status), ["package_id: not_a_uuid", "user_id: not_a_uuid"]);
}
