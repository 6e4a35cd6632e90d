//! What payments do to packages: times held for a checkout, payments that cannot be taken, deposits that are taken back.

use aipoten_matching::consumers;
use aipoten_proto::identity::v1::ChildDeleted;
use aipoten_proto::matching::v1::ConsultationStatus::{Scheduled, Unscheduled};
use aipoten_proto::matching::v1::{
    CancelConsultationRequest, CancelPackageRequest, CompleteConsultationRequest, Consultation, ConsultationCancelled,
    CreateScheduleChangeRequest, GetCancelQuoteRequest, GetPackageCancelQuoteRequest, GetPackageRequest,
    HoldForPaymentRequest, MarkNoShowRequest, Package, PackageCancelled, PackagePaymentRefused, PackageStatus,
    ScheduleChangeDecision, ScheduleConsultationRequest, SchedulePackageRequest, StartConsultationRequest,
    UpdateScheduleChangeRequest,
};
use aipoten_proto::timestamp;
use chrono::{DateTime, Utc};
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::care::{Care, hours_ahead};
use crate::planted_package::delivered;
use crate::world::{parameter, reason, refused};

async fn execute(care: &Care, statement: &'static str) {
    sqlx::query(statement).execute(care.world.database()).await.expect("done");
}

async fn cancel(care: &Care, package: &Package) {
    let cancel =
        CancelPackageRequest { package_id: package.id.clone(), reason: "생각이 바뀌었어요.".to_owned() };
    care.world.packages().cancel_package(care.parent.asks(cancel)).await.expect("cancelled");
}

async fn erase_child(care: &Care) {
    let event = ChildDeleted { child_id: care.child_id.clone(), user_id: care.parent.id.clone() };
    let mut tx = care.world.database().begin().await.expect("a transaction");
    consumers::child_deleted(&mut tx, &delivered(&care.child_id, event)).await.expect("erased");
    tx.commit().await.expect("kept");
}

/// Until when the package and its times are held.
async fn holds(care: &Care, package: &Package) -> (DateTime<Utc>, Vec<DateTime<Utc>>) {
    let held = care.package(&package.id).await.hold_expires_at.expect("a hold");
    let times = sqlx::query_scalar("SELECT hold_until FROM calendar_entries WHERE kind = 'hold' ORDER BY session");
    let times = times.fetch_all(care.world.database()).await.expect("the calendar");
    let until = DateTime::from_timestamp(held.seconds, u32::try_from(held.nanos).expect("a fraction"));
    (until.expect("a time"), times)
}

#[tokio::test]
async fn the_order_of_a_package_has_the_prices_of_its_approval() {
    let care = Care::new().await;
    let package = care.approved(4, &[hours_ahead(48)]).await;
    execute(&care, "UPDATE therapist_profiles SET consultation_fee = 90000").await;
    let ask = HoldForPaymentRequest { package_id: package.id.clone() };
    let order = care.world.packages().hold_for_payment(care.parent.asks(ask)).await.expect("an order").into_inner();
    assert_eq!((order.package_id.as_str(), order.therapist_id.as_str()), (&*package.id, &*care.therapist.id));
    assert_eq!((order.original_price, order.discounted_price, order.platform_fee_bp), (320_000, 288_000, 1500));
    let sessions: Vec<_> =
        order.sessions.iter().map(|it| (it.session_number, it.session_fee, it.platform_fee)).collect();
    assert_eq!(sessions, [1, 2, 3, 4].map(|number| (number, 72_000, 10_800)));
    let ids: Vec<_> = order.sessions.iter().map(|it| &it.consultation_id).collect();
    assert_eq!(ids, package.consultations.iter().map(|it| &it.id).collect::<Vec<_>>());
    assert_eq!(order.hold_expires_at, package.hold_expires_at, "held for a day already");
}

#[tokio::test]
async fn times_are_held_as_long_as_a_checkout_lasts_and_never_shorter_than_before() {
    let care = Care::new().await;
    let package = care.approved(4, &[hours_ahead(48), hours_ahead(72)]).await;
    let ask = || HoldForPaymentRequest { package_id: package.id.clone() };
    let before = holds(&care, &package).await;
    care.world.packages().hold_for_payment(care.parent.asks(ask())).await.expect("an order");
    assert_eq!(holds(&care, &package).await, before);

    // The day is nearly over. One of its times is lost already, as somebody looked at it in between.
    execute(&care, "UPDATE consultation_packages SET hold_expires_at = now() + interval '1 minute'").await;
    execute(
        &care,
        "UPDATE calendar_entries SET hold_until = now() + CASE WHEN lower(session) < now() + interval '60 hours'
             THEN interval '1 minute' ELSE interval '-1 minute' END",
    )
    .await;
    let order = care.world.packages().hold_for_payment(care.parent.asks(ask())).await.expect("an order").into_inner();
    let (until, times) = holds(&care, &package).await;
    assert_eq!(order.hold_expires_at, Some(timestamp(until)));
    let minutes = (until - Utc::now()).num_seconds();
    assert!((570..=600).contains(&minutes), "{minutes} s");
    assert_eq!(times[0], until, "its time with it");
    assert!(times[1] < Utc::now(), "what was lost stays lost");
}

#[tokio::test]
async fn only_the_parent_of_a_package_that_waits_for_payment_begins_to_pay() {
    let care = Care::new().await;
    let package = care.approved(1, &[hours_ahead(48)]).await;
    let ask = || HoldForPaymentRequest { package_id: package.id.clone() };
    let mut packages = care.world.packages();
    let stranger = care.world.parent().await;
    assert_eq!(refused(packages.hold_for_payment(stranger.asks(ask()))).await.code(), Code::NotFound);
    for person in [&care.therapist, &care.world.admin().await] {
        assert_eq!(refused(packages.hold_for_payment(person.asks(ask()))).await.code(), Code::PermissionDenied);
    }
    care.pay(&package).await.expect("paid");
    for state in ["active", "completed", "cancelled", "expired"] {
        sqlx::query("UPDATE consultation_packages SET status = $1")
            .bind(state)
            .execute(care.world.database())
            .await
            .expect("in that state");
        let status = refused(packages.hold_for_payment(care.parent.asks(ask()))).await;
        assert_eq!((reason(&status).as_str(), parameter(&status, "state").as_deref()), ("INVALID_STATE", Some(state)));
    }
}

#[tokio::test]
async fn a_payment_that_cannot_be_taken_goes_back_and_one_that_was_taken_is_taken_once() {
    let care = Care::new().await;
    let (running, cancelled) = (care.approved(4, &[hours_ahead(48)]).await, care.approved(1, &[hours_ahead(96)]).await);
    let [first, second, late] = [(); 3].map(|()| Uuid::now_v7());
    care.tell_paid(&running, 288_000, first, 2).await.expect("taken in");
    cancel(&care, &cancelled).await;
    care.forget_events().await;

    care.tell_paid(&running, 288_000, first, 2).await.expect("known");
    assert!(care.events().await.is_empty(), "the same payment twice does nothing");
    care.tell_paid(&running, 288_000, second, 2).await.expect("taken in");
    care.tell_paid(&cancelled, 80_000, late, 2).await.expect("taken in");
    let refused: Vec<(String, String)> = care
        .world
        .published::<PackagePaymentRefused>()
        .await
        .into_iter()
        .map(|it| (it.package_id, it.payment_id))
        .collect();
    assert_eq!(refused, [(running.id.clone(), second.to_string()), (cancelled.id.clone(), late.to_string())]);
    assert_eq!(care.events().await.len(), 2, "and nothing else");
    assert_eq!(care.package(&running.id).await.status(), PackageStatus::Active);
    assert_eq!(care.package(&cancelled.id).await.status(), PackageStatus::Cancelled);
    care.approved(1, &[hours_ahead(96)]).await;
}

/// Whatever could be done with the sessions of a package.
async fn acts(care: &Care, package: &Package, change_id: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let [running, due, missed, open] = [0, 1, 2, 4].map(|at| package.consultations[at].id.clone());
    let (mut sessions, mut packages) = (care.world.consultations(), care.world.packages());
    let (parent, therapist) = (&care.parent, &care.therapist);
    let (package_id, starts_at) = (package.id.clone(), Some(timestamp(hours_ahead(200))));
    let text = || "사정이 생겼어요.".to_owned();
    let start = StartConsultationRequest { consultation_id: due };
    let complete = CompleteConsultationRequest { consultation_id: running };
    let miss = MarkNoShowRequest { consultation_id: missed };
    let quote = GetCancelQuoteRequest { consultation_id: open.clone() };
    let cancel = CancelConsultationRequest { consultation_id: open.clone(), reason: text(), keep_credit: None };
    let schedule = ScheduleConsultationRequest { consultation_id: open, starts_at };
    let series = SchedulePackageRequest {
        package_id: package_id.clone(),
        starts_at: vec![timestamp(hours_ahead(210))],
        weekly: None,
    };
    let end_quote = GetPackageCancelQuoteRequest { package_id: package_id.clone() };
    let end = CancelPackageRequest { package_id, reason: text() };
    let approve = UpdateScheduleChangeRequest {
        schedule_change_id: change_id.to_owned(),
        decision: ScheduleChangeDecision::Approve.into(),
        new_start: Some(timestamp(hours_ahead(220))),
        reason: None,
    };
    vec![
        ("quote", done(sessions.get_cancel_quote(parent.asks(quote)).await)),
        ("schedule", done(sessions.schedule_consultation(parent.asks(schedule)).await)),
        ("series", done(packages.schedule_package(parent.asks(series)).await)),
        ("move", done(care.world.schedule_changes().update_schedule_change(therapist.asks(approve)).await)),
        ("start", done(sessions.start_consultation(therapist.asks(start)).await)),
        ("complete", done(sessions.complete_consultation(therapist.asks(complete)).await)),
        ("no-show", done(sessions.mark_no_show(therapist.asks(miss)).await)),
        ("cancel", done(sessions.cancel_consultation(parent.asks(cancel)).await)),
        ("end quote", done(packages.get_package_cancel_quote(parent.asks(end_quote)).await)),
        ("end", done(packages.cancel_package(parent.asks(end)).await)),
    ]
}

fn done<T>(answer: Result<Response<T>, Status>) -> Result<(), Status> {
    answer.map(drop)
}

#[tokio::test]
async fn while_a_deposit_is_taken_back_nothing_of_its_package_goes_on() {
    let care = Care::new().await;
    let package = care.approved(8, &[24, 48, 72, 96].map(hours_ahead)).await;
    let payment = Uuid::now_v7();
    care.tell_paid(&package, package.discounted_price, payment, 2).await.expect("paid");
    let [running, due, missed, moved] = [0, 1, 2, 3].map(|at| package.consultations[at].id.clone());
    care.begun(&running, 70).await;
    let start = StartConsultationRequest { consultation_id: running };
    care.world.consultations().start_consultation(care.therapist.asks(start)).await.expect("begun");
    care.begun(&missed, 140).await;
    care.begun(&due, -5).await;
    let wish = CreateScheduleChangeRequest {
        consultation_id: moved,
        change_reason: "출장이 생겼어요.".to_owned(),
        preferred_dates: vec![timestamp(hours_ahead(220))],
    };
    let wish = care.world.schedule_changes().create_schedule_change(care.parent.asks(wish)).await.expect("asked");
    let wish = wish.into_inner().id;

    care.tell_reversed(&package, payment, 3).await.expect("taken in");
    care.forget_events().await;
    for person in [&care.parent, &care.therapist] {
        let ask = GetPackageRequest { package_id: package.id.clone() };
        let shown = care.world.packages().get_package(person.asks(ask)).await.expect("a package").into_inner();
        assert!(shown.is_frozen && shown.status() == PackageStatus::Active);
    }
    for (act, outcome) in acts(&care, &package, &wish).await {
        let status = outcome.expect_err(act);
        assert_eq!(
            (reason(&status).as_str(), parameter(&status, "state").as_deref()),
            ("INVALID_STATE", Some("frozen")),
            "{act}"
        );
    }
    assert!(care.events().await.is_empty());

    care.tell_paid(&package, package.discounted_price, payment, 4).await.expect("paid again");
    assert!(!care.package(&package.id).await.is_frozen);
    for (act, outcome) in acts(&care, &package, &wish).await {
        match act {
            // One of its sessions is being held by then.
            "end" | "end quote" => {
                assert_eq!(parameter(&outcome.expect_err(act), "state").as_deref(), Some("in_progress"));
            }
            _ => outcome.unwrap_or_else(|status| panic!("{act}: {status:?}")),
        }
    }
}

#[tokio::test]
async fn what_is_told_of_a_payment_counts_once_in_whatever_order_it_comes() {
    let care = Care::new().await;
    let package = care.approved(4, &[hours_ahead(48)]).await;
    let (payment, other) = (Uuid::now_v7(), Uuid::now_v7());
    let paid = async |seq| care.tell_paid(&package, 288_000, payment, seq).await.expect("taken in");
    let reversed = async |seq| care.tell_reversed(&package, payment, seq).await.expect("taken in");
    let state = async || {
        let package = care.package(&package.id).await;
        (package.is_frozen, package.version)
    };
    let early = care.tell_reversed(&package, payment, 3).await.expect_err("what it takes back has still to come");
    assert!(early.contains("not known yet"), "{early}");
    paid(2).await;
    reversed(3).await;
    let frozen = state().await;
    assert!(frozen.0);
    reversed(3).await;
    paid(2).await;
    care.tell_reversed(&package, other, 9).await.expect("of no package");
    assert_eq!(state().await, frozen);

    paid(4).await;
    let running = state().await;
    assert!(!running.0);
    paid(4).await;
    reversed(3).await;
    assert_eq!(state().await, running);
    // Paid again overtakes taken back.
    paid(6).await;
    reversed(5).await;
    assert!(!state().await.0);
    reversed(7).await;
    assert!(state().await.0);
    assert_eq!(care.world.published::<PackagePaymentRefused>().await, []);
}

#[tokio::test]
async fn a_time_that_passes_while_the_package_rests_does_not_cost_its_session() {
    let care = Care::new().await;
    let package = care.approved(4, &[24, 48, 72].map(hours_ahead)).await;
    let payment = Uuid::now_v7();
    care.tell_paid(&package, 288_000, payment, 2).await.expect("paid");
    let [before, meanwhile, after] = [0, 1, 2].map(|at| package.consultations[at].id.clone());
    care.begun(&before, 180).await;
    care.tell_reversed(&package, payment, 3).await.expect("taken in");
    execute(&care, "UPDATE consultation_packages SET frozen_at = now() - interval '2 hours'").await;
    care.begun(&meanwhile, 60).await;
    care.forget_events().await;
    care.tell_paid(&package, 288_000, payment, 4).await.expect("paid again");
    let states: Vec<_> = care.package(&package.id).await.consultations.iter().map(Consultation::status).collect();
    assert_eq!(states, [Scheduled, Unscheduled, Scheduled, Unscheduled]);
    assert_eq!(care.events().await, ["ConsultationUnscheduled"]);
    assert_eq!(care.session(&meanwhile).await.scheduled_at, None);
    assert!(care.session(&after).await.scheduled_at.is_some());
}

#[tokio::test]
async fn of_a_deposit_that_was_taken_back_nothing_is_paid_back_until_it_comes_once_more() {
    let care = Care::new().await;
    let (ended, erased) = (care.approved(4, &[hours_ahead(48)]).await, care.approved(4, &[hours_ahead(72)]).await);
    let (early, late) = (Uuid::now_v7(), Uuid::now_v7());
    care.tell_paid(&ended, 288_000, early, 2).await.expect("paid");
    care.tell_paid(&erased, 288_000, late, 2).await.expect("paid");
    cancel(&care, &ended).await;
    care.tell_reversed(&ended, early, 3).await.expect("taken in");
    care.tell_reversed(&erased, late, 3).await.expect("taken in");
    care.forget_events().await;

    erase_child(&care).await;
    let cancelled = care.world.published::<ConsultationCancelled>().await;
    let moved = |it: &ConsultationCancelled| it.refund_amount + it.settled_amount + it.cancellation_fee;
    assert_eq!(cancelled.iter().map(moved).collect::<Vec<_>>(), [0; 4]);
    assert_eq!(care.world.published::<PackageCancelled>().await.iter().map(|it| it.refund_amount).sum::<i64>(), 0);
    // What was decided before it was taken back holds; of what ended meanwhile all goes back.
    care.tell_paid(&ended, 288_000, early, 4).await.expect("taken in");
    care.tell_paid(&erased, 288_000, late, 4).await.expect("taken in");
    let refused: Vec<String> =
        care.world.published::<PackagePaymentRefused>().await.into_iter().map(|it| it.payment_id).collect();
    assert_eq!(refused, [late.to_string()]);
}
