//! Packages: payment, times, cancellation.

use aipoten_proto::matching::v1::ConsultationStatus::{Scheduled, Unscheduled};
use aipoten_proto::matching::v1::{
    CancelConsultationRequest, CancelPackageRequest, Consultation, ConsultationCancelled, ConsultationStatus,
    GetCancelQuoteRequest, GetPackageCancelQuoteRequest, GetPackageRequest, ListPackagesRequest, Package,
    PackageStatus, RefundPolicy, SchedulePackageRequest, WeeklySeries,
};
use aipoten_proto::timestamp;
use chrono::TimeDelta;
use tonic::Code;
use uuid::Uuid;

use crate::care::{Care, hours_ahead};
use crate::world::{keyed, parameter, reason, refused, violations};

#[tokio::test]
async fn a_payment_sets_the_held_sessions_and_leaves_the_others_to_be_scheduled() {
    let care = Care::new().await;
    let times = [hours_ahead(48), hours_ahead(72)];
    let package = care.approved(4, &times).await;
    care.forget_events().await;
    care.pay(&package).await.expect("taken in");
    let paid = care.package(&package.id).await;
    assert_eq!((paid.status(), paid.hold_expires_at), (PackageStatus::Active, None));
    let states: Vec<_> = paid.consultations.iter().map(Consultation::status).collect();
    assert_eq!(states, [Scheduled, Scheduled, Unscheduled, Unscheduled]);
    let events = care.events().await;
    assert_eq!(events, ["CareRelationStarted", "ConsultationScheduled", "ConsultationScheduled"]);
}

#[tokio::test]
async fn a_payment_of_another_amount_is_not_taken_in() {
    let care = Care::new().await;
    let package = care.approved(1, &[hours_ahead(48)]).await;
    let wrong =
        care.tell_paid(&package, package.discounted_price - 1, Uuid::now_v7(), 2).await.expect_err("too little");
    assert!(wrong.contains("79999 won were paid for a package of 80000"), "{wrong}");
    assert_eq!(care.package(&package.id).await.status(), PackageStatus::PendingPayment);
}

#[tokio::test]
async fn a_hold_that_dies_during_the_payment_costs_the_time_and_never_the_credit() {
    let care = Care::new().await;
    let (kept, lost) = (hours_ahead(48), hours_ahead(72));
    let package = care.approved(4, &[kept, lost]).await;
    sqlx::query("UPDATE calendar_entries SET hold_until = now()").execute(care.world.database()).await.expect("time");
    sqlx::query("UPDATE consultation_packages SET hold_expires_at = now()")
        .execute(care.world.database())
        .await
        .expect("time");
    aipoten_kit::test::eventually("the package is given up", async || {
        care.package(&package.id).await.status() == PackageStatus::Expired
    })
    .await;
    // Somebody else takes one of the times.
    let other = care.paid(1, &[lost]).await;
    assert_eq!(other.status(), PackageStatus::Active);
    care.forget_events().await;
    care.pay(&package).await.expect("the money came late, and counts");
    let paid = care.package(&package.id).await;
    assert_eq!((paid.status(), paid.remaining_sessions), (PackageStatus::Active, 4));
    let states: Vec<_> = paid.consultations.iter().map(Consultation::status).collect();
    assert_eq!(
        states,
        [Scheduled, Unscheduled, Unscheduled, Unscheduled],
        "the free time is taken again, the other is gone"
    );
    assert_eq!(care.events().await, ["CareRelationStarted", "ConsultationScheduled", "ConsultationUnscheduled"]);
}

#[tokio::test]
async fn times_are_set_all_at_once_or_not_at_all() {
    let care = Care::new().await;
    let package = care.paid(4, &[hours_ahead(48)]).await;
    let mut packages = care.world.packages();
    let each = |times: &[chrono::DateTime<chrono::Utc>]| SchedulePackageRequest {
        package_id: package.id.clone(),
        starts_at: times.iter().copied().map(timestamp).collect(),
        weekly: None,
    };
    // One of them is the session that is there already.
    let status = refused(packages.schedule_package(care.parent.asks(each(&[hours_ahead(96), hours_ahead(48)])))).await;
    assert_eq!(reason(&status), "SLOT_TAKEN");
    assert_eq!(parameter(&status, "taken").expect("the time").split_whitespace().count(), 1);
    let open = |package: &Package| package.consultations.iter().filter(|it| it.status() == Unscheduled).count();
    assert_eq!(open(&care.package(&package.id).await), 3, "nothing was set");
    let many = each(&[hours_ahead(96), hours_ahead(120), hours_ahead(144), hours_ahead(168)]);
    let status = refused(packages.schedule_package(care.parent.asks(many))).await;
    assert_eq!((reason(&status).as_str(), parameter(&status, "max").as_deref()), ("TOO_MANY_TIMES", Some("3")));
    let both = SchedulePackageRequest {
        weekly: Some(WeeklySeries { first_starts_at: None, count: Some(13) }),
        ..each(&[hours_ahead(96)])
    };
    let status = refused(packages.schedule_package(care.parent.asks(both))).await;
    let found = violations(&status);
    assert_eq!(found.len(), 3, "{found:?}");
    let weekly = SchedulePackageRequest {
        weekly: Some(WeeklySeries { first_starts_at: Some(timestamp(hours_ahead(50))), count: None }),
        ..each(&[])
    };
    let set = packages.schedule_package(keyed(care.parent.asks(weekly.clone()), "series")).await.expect("a series");
    let set = set.into_inner();
    let begins: Vec<i64> = set.consultations.iter().skip(1).map(|it| it.scheduled_at.expect("set").seconds).collect();
    assert_eq!(begins.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>(), [604_800, 604_800]);
    let again = packages.schedule_package(keyed(care.parent.asks(weekly), "series")).await.expect("the same");
    assert_eq!(again.into_inner(), set);
    // A parent takes offered times alone: none within the night before, none off the grid.
    let off = each(&[hours_ahead(200) + TimeDelta::minutes(7)]);
    let status = refused(packages.schedule_package(care.parent.asks(off))).await;
    assert_eq!(reason(&status), "TOO_MANY_TIMES", "nothing is left to be set");
}

#[tokio::test]
async fn ending_a_package_pays_back_what_its_quote_said() {
    let care = Care::new().await;
    // Prices of the four: 72,000 each. One soon, one later, two without a time.
    let package = care.paid(4, &[hours_ahead(2), hours_ahead(72)]).await;
    let mut packages = care.world.packages();
    let ask = || GetPackageCancelQuoteRequest { package_id: package.id.clone() };
    let quote = packages.get_package_cancel_quote(care.parent.asks(ask())).await.expect("a quote").into_inner();
    assert_eq!((quote.refund_policy(), quote.refund_amount), (RefundPolicy::PackageEnd, 36_000 + 3 * 72_000));
    let theirs = packages.get_package_cancel_quote(care.therapist.asks(ask())).await.expect("a quote").into_inner();
    assert_eq!(theirs.refund_amount, 288_000, "when the therapist ends it, all of it goes back");
    care.forget_events().await;
    let cancel = || CancelPackageRequest { package_id: package.id.clone(), reason: "이사를 갑니다.".to_owned() };
    let done = packages.cancel_package(keyed(care.parent.asks(cancel()), "end")).await.expect("ended").into_inner();
    assert_eq!(done, quote);
    let ended = care.package(&package.id).await;
    assert_eq!(
        (ended.status(), ended.used_sessions, ended.refunded_sessions, ended.remaining_sessions),
        (PackageStatus::Cancelled, 1, 3, 0)
    );
    assert!(ended.consultations.iter().all(|it| it.status() == ConsultationStatus::Cancelled));
    let events = care.events().await;
    assert_eq!(events.iter().filter(|it| *it == "ConsultationCancelled").count(), 4);
    assert!(events.ends_with(&["PackageCancelled".to_owned(), "CareRelationEnded".to_owned()]), "{events:?}");
    let same = packages.cancel_package(keyed(care.parent.asks(cancel()), "end")).await.expect("the same").into_inner();
    assert_eq!(same, quote);
    let status = refused(packages.cancel_package(care.parent.asks(cancel()))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("cancelled"));
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM calendar_entries")
        .fetch_one(care.world.database())
        .await
        .expect("a count");
    assert_eq!(entries, 0, "the times are free again");
}

#[tokio::test]
async fn the_price_of_each_cancelled_session_goes_somewhere_and_of_an_unpaid_one_nowhere() {
    let care = Care::new().await;
    sqlx::query("UPDATE refund_policies SET end_penalty_bp = 500")
        .execute(care.world.database())
        .await
        .expect("a policy");
    // 72,000 each; the penalty is 14,400.
    let package = care.paid(4, &[hours_ahead(2)]).await;
    let cancel = |package: &Package| CancelPackageRequest {
        package_id: package.id.clone(),
        reason: "이사를 갑니다.".to_owned(),
    };
    care.world.packages().cancel_package(care.parent.asks(cancel(&package))).await.expect("ended");
    let unpaid = care.approved(4, &[hours_ahead(2)]).await;
    care.world.packages().cancel_package(care.parent.asks(cancel(&unpaid))).await.expect("ended");
    let told = care.world.published::<ConsultationCancelled>().await;
    let amounts: Vec<_> = told.iter().map(|it| (it.refund_amount, it.settled_amount, it.cancellation_fee)).collect();
    let (late, full, last) = ((36_000, 36_000, 0), (72_000, 0, 0), (57_600, 0, 14_400));
    assert_eq!(amounts[..4], [late, full, full, last]);
    assert_eq!(amounts[4..], [(0, 0, 0); 4]);
    assert!(told.iter().all(|it| it.session_fee == 72_000));
}

#[tokio::test]
async fn a_parent_whose_therapist_is_suspended_gets_all_of_it_back() {
    let care = Care::new().await;
    let package = care.paid(4, &[hours_ahead(2)]).await;
    sqlx::query("UPDATE therapist_profiles SET approval_status = 'suspended'")
        .execute(care.world.database())
        .await
        .expect("suspended");
    let mut consultations = care.world.consultations();
    let id = package.consultations[0].id.clone();
    let quote = consultations.get_cancel_quote(care.parent.asks(GetCancelQuoteRequest { consultation_id: id.clone() }));
    assert_eq!(
        quote.await.expect("a quote").into_inner().refund_amount,
        72_000,
        "two hours before, and not their fault"
    );
    let keep =
        CancelConsultationRequest {
            consultation_id: id, reason: "치료사 정지".to_owned(), keep_credit: Some(true)
        };
    let kept = consultations.cancel_consultation(care.parent.asks(keep)).await.expect("moved").into_inner();
    assert!(kept.credit_kept);
    let ask = GetPackageCancelQuoteRequest { package_id: package.id };
    let quote =
        care.world.packages().get_package_cancel_quote(care.parent.asks(ask)).await.expect("a quote").into_inner();
    assert_eq!(quote.refund_amount, 288_000);
}

#[tokio::test]
async fn packages_are_seen_by_their_two_sides_alone() {
    let care = Care::new().await;
    let package = care.paid(1, &[hours_ahead(48)]).await;
    let (parent, therapist) = (care.world.parent().await, care.world.listed_therapist().await);
    let mut packages = care.world.packages();
    for stranger in [&parent, &therapist] {
        let ask = || stranger.asks(GetPackageRequest { package_id: package.id.clone() });
        assert_eq!(refused(packages.get_package(ask())).await.code(), Code::NotFound);
        let cancel = CancelPackageRequest { package_id: package.id.clone(), reason: "x".to_owned() };
        assert_eq!(refused(packages.cancel_package(stranger.asks(cancel))).await.code(), Code::NotFound);
        let list = packages.list_packages(stranger.asks(ListPackagesRequest::default())).await.expect("a list");
        assert!(list.into_inner().packages.is_empty());
    }
    let admin = care.world.admin().await;
    let ask = admin.asks(GetPackageRequest { package_id: package.id.clone() });
    assert_eq!(refused(packages.get_package(ask)).await.code(), Code::PermissionDenied);
    let active = ListPackagesRequest { status: Some(PackageStatus::Active.into()), ..ListPackagesRequest::default() };
    let list = packages.list_packages(care.therapist.asks(active)).await.expect("a list").into_inner();
    assert_eq!((list.packages.len(), list.page_info.expect("a page").total), (1, 1));
}
