//! Sessions: held, missed, cancelled, disputed, moved.

use aipoten_proto::FieldMask;
use aipoten_proto::matching::v1::{
    CancelConsultationRequest, CompleteConsultationRequest, Consultation, ConsultationCancelled, ConsultationKind,
    ConsultationStatus, CreateMatchingRequestRequest, CreateScheduleChangeRequest, DisputeConsultationRequest,
    GetCancelQuoteRequest, GetConsultationRequest, GetConsultationRoomRequest, ListConsultationsRequest,
    ListScheduleChangesRequest, MarkNoShowRequest, PackageStatus, RefundPolicy, ScheduleChange, ScheduleChangeDecision,
    ScheduleChangeStatus, ScheduleConsultationRequest, StartConsultationRequest, UpdateConsultationRequest,
    UpdateScheduleChangeRequest,
};
use aipoten_proto::timestamp;
use chrono::TimeDelta;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::care::{Care, hours_ahead};
use crate::world::{Person, parameter, reason, refused, violations};

#[tokio::test]
async fn the_last_session_that_is_held_completes_the_package() {
    let care = Care::new().await;
    let package = care.paid(1, &[hours_ahead(1)]).await;
    let id = package.consultations[0].id.clone();
    let mut sessions = care.world.consultations();
    let start = || StartConsultationRequest { consultation_id: id.clone() };
    let status = refused(sessions.start_consultation(care.therapist.asks(start()))).await;
    assert_eq!(reason(&status), "TOO_EARLY");
    care.begun(&id, 0).await;
    let status = refused(sessions.start_consultation(care.parent.asks(start()))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let complete = || CompleteConsultationRequest { consultation_id: id.clone() };
    let status = refused(sessions.complete_consultation(care.therapist.asks(complete()))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("scheduled"), "only after the start");
    care.forget_events().await;
    sessions.start_consultation(care.therapist.asks(start())).await.expect("begun");
    let held = sessions.complete_consultation(care.therapist.asks(complete())).await.expect("held").into_inner();
    assert!(held.started_at.is_some() && held.completed_at.is_some());
    let done = care.package(&package.id).await;
    assert_eq!((done.status(), done.used_sessions, done.remaining_sessions), (PackageStatus::Completed, 1, 0));
    let expected = ["ConsultationStarted", "ConsultationCompleted", "PackageCompleted", "CareRelationEnded"];
    assert_eq!(care.events().await, expected);
    let held: i32 = sqlx::query_scalar("SELECT total_consultations FROM therapist_profiles")
        .fetch_one(care.world.database())
        .await
        .expect("a count");
    assert_eq!(held, 1);
}

#[tokio::test]
async fn a_family_that_does_not_come_uses_the_session_up_and_can_dispute_it_for_a_week() {
    let care = Care::new().await;
    let package = care.paid(4, &[hours_ahead(1), hours_ahead(48)]).await;
    let [id, later] = [0, 1].map(|at| package.consultations[at].id.clone());
    let mut sessions = care.world.consultations();
    let missed = || MarkNoShowRequest { consultation_id: id.clone() };
    care.begun(&id, 14).await;
    assert_eq!(reason(&refused(sessions.mark_no_show(care.therapist.asks(missed()))).await), "TOO_EARLY");
    let dispute = |consultation_id: &str| DisputeConsultationRequest {
        consultation_id: consultation_id.to_owned(),
        reason: "기다렸지만 연결되지 않았어요.".to_owned(),
    };
    let status = refused(sessions.dispute_consultation(care.parent.asks(dispute(&later)))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("scheduled"));
    care.begun(&id, 16).await;
    sessions.mark_no_show(care.therapist.asks(missed())).await.expect("missed");
    assert_eq!(care.package(&package.id).await.used_sessions, 1);
    let status = refused(sessions.dispute_consultation(care.therapist.asks(dispute(&id)))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let disputed = sessions.dispute_consultation(care.parent.asks(dispute(&id))).await.expect("disputed").into_inner();
    assert!(disputed.disputed_at.is_some());
    let status = refused(sessions.dispute_consultation(care.parent.asks(dispute(&id)))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("disputed"));
    care.begun(&later, 120).await;
    sessions
        .mark_no_show(care.therapist.asks(MarkNoShowRequest { consultation_id: later.clone() }))
        .await
        .expect("missed");
    care.begun(&later, 8 * 24 * 60).await;
    assert_eq!(reason(&refused(sessions.dispute_consultation(care.parent.asks(dispute(&later)))).await), "TOO_LATE");
}

#[tokio::test]
async fn what_a_cancelled_session_pays_back_follows_the_policy_of_the_order() {
    let care = Care::new().await;
    let package = care.paid(8, &[hours_ahead(2), hours_ahead(48), hours_ahead(72), hours_ahead(96)]).await;
    let ids: Vec<String> = package.consultations.iter().map(|it| it.id.clone()).collect();
    let mut sessions = care.world.consultations();
    let mut cancel = async |person: &Person, id: &str, keep_credit: Option<bool>| {
        let quote =
            sessions.get_cancel_quote(person.asks(GetCancelQuoteRequest { consultation_id: id.to_owned() })).await;
        let quote = quote.expect("a quote").into_inner();
        let request = CancelConsultationRequest {
            consultation_id: id.to_owned(),
            reason: "사정이 생겼어요.".to_owned(),
            keep_credit,
        };
        let done = sessions.cancel_consultation(person.asks(request)).await.map(Response::into_inner);
        (quote, done)
    };
    let (quote, late) = cancel(&care.parent, &ids[0], Some(true)).await;
    assert_eq!(
        (quote.refund_policy(), quote.refund_amount, quote.can_keep_credit),
        (RefundPolicy::Partial, 34_000, false)
    );
    assert_eq!(reason(&late.expect_err("too late for that")), "CREDIT_NOT_KEPT");
    let (_, late) = cancel(&care.parent, &ids[0], None).await;
    assert_eq!(late.expect("cancelled").refund_amount, 34_000);
    let (quote, early) = cancel(&care.parent, &ids[1], None).await;
    let early = early.expect("cancelled");
    assert_eq!((early.refund_policy(), early.refund_amount), (RefundPolicy::Full, 68_000));
    assert_eq!((quote.refund_amount, quote.can_keep_credit), (68_000, true));
    let (_, kept) = cancel(&care.parent, &ids[2], Some(true)).await;
    let kept = kept.expect("kept");
    let session = kept.consultation.expect("the session");
    assert_eq!((kept.refund_amount, kept.credit_kept, session.status()), (0, true, ConsultationStatus::Unscheduled));
    let (_, theirs) = cancel(&care.therapist, &ids[3], None).await;
    assert_eq!(theirs.expect("cancelled").refund_amount, 68_000);
    let (_, credit) = cancel(&care.parent, &ids[4], None).await;
    assert_eq!(credit.expect("given back").refund_amount, 68_000);
    let counted = care.package(&package.id).await;
    assert_eq!((counted.used_sessions, counted.refunded_sessions, counted.remaining_sessions), (1, 3, 4));
    let told = care.world.published::<ConsultationCancelled>().await;
    let told: Vec<_> = told.iter().map(|it| (it.refund_amount, it.settled_amount, it.cancellation_fee)).collect();
    assert_eq!(told, [(34_000, 34_000, 0), (68_000, 0, 0), (68_000, 0, 0), (68_000, 0, 0)], "of 68,000 each");
}

#[tokio::test]
async fn either_side_can_ask_for_another_time_and_the_other_answers() {
    let care = Care::new().await;
    let (from, to) = (hours_ahead(48), hours_ahead(80));
    let package = care.paid(4, &[from, hours_ahead(100)]).await;
    let id = package.consultations[0].id.clone();
    let mut changes = care.world.schedule_changes();
    let wish = |times: &[chrono::DateTime<chrono::Utc>]| CreateScheduleChangeRequest {
        consultation_id: id.clone(),
        change_reason: "출장이 생겼어요.".to_owned(),
        preferred_dates: times.iter().copied().map(timestamp).collect(),
    };
    let status = refused(changes.create_schedule_change(care.parent.asks(wish(&[])))).await;
    assert_eq!(violations(&status), ["preferred_dates: required"]);
    let asked = changes.create_schedule_change(care.parent.asks(wish(&[to, hours_ahead(100)]))).await.expect("asked");
    let asked = asked.into_inner();
    let status = refused(changes.create_schedule_change(care.therapist.asks(wish(&[to])))).await;
    assert_eq!(reason(&status), "ALREADY_PENDING");
    let answer = |decision: ScheduleChangeDecision, new_start| UpdateScheduleChangeRequest {
        schedule_change_id: asked.id.clone(),
        decision: decision.into(),
        new_start,
        reason: None,
    };
    let approve = |to| answer(ScheduleChangeDecision::Approve, Some(timestamp(to)));
    let stranger = care.world.parent().await;
    assert_eq!(refused(changes.update_schedule_change(stranger.asks(approve(to)))).await.code(), Code::NotFound);
    let own = refused(changes.update_schedule_change(care.parent.asks(approve(to)))).await;
    assert_eq!(own.code(), Code::PermissionDenied, "nobody answers their own wish");
    let other = refused(changes.update_schedule_change(care.therapist.asks(approve(hours_ahead(81))))).await;
    assert_eq!(violations(&other), ["new_start: not_preferred"]);
    let taken = refused(changes.update_schedule_change(care.therapist.asks(approve(hours_ahead(100))))).await;
    assert_eq!(reason(&taken), "SLOT_TAKEN");
    assert_eq!(care.session(&id).await.scheduled_at, Some(timestamp(from)), "it still has its time");
    care.forget_events().await;
    let moved = changes.update_schedule_change(care.therapist.asks(approve(to))).await.expect("moved").into_inner();
    assert_eq!((moved.status(), moved.new_start), (ScheduleChangeStatus::Approved, Some(timestamp(to))));
    assert_eq!(care.session(&id).await.scheduled_at, Some(timestamp(to)));
    assert_eq!(care.events().await, ["ConsultationRescheduled", "ScheduleChangeResolved"]);
    let over = refused(changes.update_schedule_change(care.therapist.asks(approve(to)))).await;
    assert_eq!(parameter(&over, "state").as_deref(), Some("approved"));
    care.approved(1, &[from]).await;

    // What is overtaken by a cancellation is closed.
    changes.create_schedule_change(care.therapist.asks(wish(&[hours_ahead(130)]))).await.expect("asked");
    let cancel =
        CancelConsultationRequest { consultation_id: id.clone(), reason: "아파요.".to_owned(), keep_credit: None };
    care.world.consultations().cancel_consultation(care.parent.asks(cancel)).await.expect("cancelled");
    let list =
        changes.list_schedule_changes(care.parent.asks(ListScheduleChangesRequest { consultation_id: id })).await;
    let states: Vec<_> =
        list.expect("a list").into_inner().schedule_changes.iter().map(ScheduleChange::status).collect();
    assert_eq!(states, [ScheduleChangeStatus::Cancelled, ScheduleChangeStatus::Approved]);
}

#[tokio::test]
async fn the_room_of_an_online_session_is_open_around_its_time_for_its_two_sides() {
    let care = Care::new().await;
    let package = care.paid(1, &[hours_ahead(1)]).await;
    let id = package.consultations[0].id.clone();
    let mut sessions = care.world.consultations();
    let enter = || GetConsultationRoomRequest { consultation_id: id.clone() };
    assert_eq!(reason(&refused(sessions.get_consultation_room(care.parent.asks(enter()))).await), "TOO_EARLY");
    care.begun(&id, -14).await;
    for side in [&care.parent, &care.therapist] {
        let room = sessions.get_consultation_room(side.asks(enter())).await.expect("open").into_inner();
        assert_eq!(room.consultation_id, id);
    }
    let stranger = care.world.parent().await;
    assert_eq!(refused(sessions.get_consultation_room(stranger.asks(enter()))).await.code(), Code::NotFound);
    care.begun(&id, 51).await;
    assert_eq!(reason(&refused(sessions.get_consultation_room(care.parent.asks(enter()))).await), "TOO_LATE");
}

#[tokio::test]
async fn the_address_of_a_home_visit_is_the_parents_to_change_and_its_reading_is_told() {
    let care = Care::new().await;
    let wish = CreateMatchingRequestRequest {
        kind: ConsultationKind::HomeVisit.into(),
        visit_address: Some("서울시 종로구 어딘가 1길 2".to_owned()),
        ..care.wish(1)
    };
    let request = care.world.requests().create_matching_request(care.parent.asks(wish)).await.expect("asked");
    let approved = care.approve(&request.into_inner().id, &[hours_ahead(48)]).await.expect("approved");
    let package = care.package(&approved.package_id.expect("a package")).await;
    care.pay(&package).await.expect("paid");
    let id = package.consultations[0].id.clone();
    assert_eq!(care.session(&id).await.visit_address.as_deref(), Some("서울시 종로구 어딘가 1길 2"));
    let stored: Vec<u8> = sqlx::query_scalar("SELECT visit_address FROM consultations")
        .fetch_one(care.world.database())
        .await
        .expect("a row");
    assert!(!String::from_utf8_lossy(&stored).contains("종로구"), "it is kept encrypted");
    let mut sessions = care.world.consultations();
    let change = |field: &str, text: Option<&str>| UpdateConsultationRequest {
        consultation_id: id.clone(),
        visit_address: (field == "visit_address").then(|| text.map(str::to_owned)).flatten(),
        notes: (field == "notes").then(|| text.map(str::to_owned)).flatten(),
        update_mask: Some(FieldMask { paths: vec![field.to_owned()] }),
        expected_version: None,
    };
    sessions
        .update_consultation(care.parent.asks(change("visit_address", Some("부산시 중구 3로 4"))))
        .await
        .expect("moved");
    let notes = change("notes", Some("낯을 가린다."));
    let status = refused(sessions.update_consultation(care.parent.asks(notes.clone()))).await;
    assert_eq!(status.code(), Code::PermissionDenied, "the notes are the therapist's");
    sessions.update_consultation(care.therapist.asks(notes)).await.expect("noted");
    let status = refused(sessions.update_consultation(care.parent.asks(change("visit_address", None)))).await;
    assert_eq!(violations(&status), ["visit_address: cannot_be_empty"]);
    assert_eq!(care.session(&id).await.notes, None, "a parent does not see them");
    let ask = GetConsultationRequest { consultation_id: id.clone() };
    let seen = sessions.get_consultation(care.therapist.asks(ask)).await.expect("a session").into_inner();
    assert_eq!(
        (seen.visit_address.as_deref(), seen.notes.as_deref()),
        (Some("부산시 중구 3로 4"), Some("낯을 가린다."))
    );
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE type LIKE '%ChildAccessed'")
        .fetch_one(care.world.database())
        .await
        .expect("a count");
    assert_eq!(told, 3, "of the request's notes once, of the address twice");
}

#[tokio::test]
async fn lists_are_filtered_and_ordered_by_their_begin() {
    let care = Care::new().await;
    let package = care.paid(4, &[hours_ahead(96), hours_ahead(48)]).await;
    care.approved(1, &[hours_ahead(30)]).await;
    let mut sessions = care.world.consultations();
    let mut list = async |person: &Person, filter: ListConsultationsRequest| -> Result<Vec<Consultation>, Status> {
        Ok(sessions.list_consultations(person.asks(filter)).await?.into_inner().consultations)
    };
    let all = list(&care.parent, ListConsultationsRequest::default()).await.expect("a list");
    assert_eq!(all.len(), 5);
    let numbers: Vec<_> = all.iter().skip(1).map(|it| it.session_number).collect();
    assert_eq!(numbers, [2, 1, 3, 4], "by their begin, those without one last");
    let scheduled = ListConsultationsRequest {
        status: Some(ConsultationStatus::Scheduled.into()),
        child_id: Some(care.child_id.clone()),
        therapist_id: Some(care.therapist.id.clone()),
        ..ListConsultationsRequest::default()
    };
    assert_eq!(list(&care.therapist, scheduled).await.expect("a list").len(), 2);
    let day = (hours_ahead(48) + TimeDelta::hours(9)).date_naive().to_string();
    let on = ListConsultationsRequest { from: Some(day.clone()), to: Some(day), ..ListConsultationsRequest::default() };
    let found = list(&care.parent, on).await.expect("a list");
    assert!(found.iter().any(|it| it.package_id == package.id && it.session_number == 2));
    let stranger = care.world.parent().await;
    assert!(list(&stranger, ListConsultationsRequest::default()).await.expect("a list").is_empty());
    let wrong = ListConsultationsRequest {
        from: Some("2026-02-01".to_owned()),
        to: Some("2026-01-01".to_owned()),
        child_id: Some("x".to_owned()),
        limit: Some(101),
        ..ListConsultationsRequest::default()
    };
    let found = violations(&list(&care.parent, wrong).await.expect_err("refused"));
    assert_eq!(found, ["child_id: not_a_uuid", "limit: out_of_range min=1 max=100", "to: before_from"]);
}

/// Every act on a session in every state: done, or refused naming the state.
#[tokio::test]
async fn a_session_is_moved_from_each_state_as_the_table_says_and_in_no_other_way() {
    let care = Care::new().await;
    let package = care.paid(1, &[hours_ahead(1)]).await;
    let id = package.consultations[0].id.clone();
    let uuid = Uuid::parse_str(&id).expect("an id");
    let acts: [(&str, &[&str]); 6] = [
        ("start", &["scheduled"]),
        ("complete", &["in_progress"]),
        ("no_show", &["scheduled"]),
        ("cancel", &["pending_payment", "scheduled", "unscheduled"]),
        ("schedule", &["unscheduled"]),
        ("dispute", &["completed", "no_show"]),
    ];
    let states = ["pending_payment", "unscheduled", "scheduled", "in_progress", "completed", "cancelled", "no_show"];
    for (act, allowed) in acts {
        for state in states {
            reset(&care, uuid, state, &package.id).await;
            let outcome = perform(&care, act, &id).await;
            if allowed.contains(&state) {
                outcome.unwrap_or_else(|status| panic!("{act} from {state}: {status:?}"));
            } else {
                let status = outcome.expect_err("a refusal");
                let named = parameter(&status, "state").unwrap_or_default();
                assert_eq!((reason(&status).as_str(), named.as_str()), ("INVALID_STATE", state), "{act}");
            }
        }
    }
}

/// Puts the session into a state, twenty minutes after its begin where it has one.
async fn reset(care: &Care, id: Uuid, state: &str, package_id: &str) {
    let package_id = Uuid::parse_str(package_id).expect("an id");
    let timed = state != "unscheduled";
    sqlx::query("DELETE FROM calendar_entries").execute(care.world.database()).await.expect("emptied");
    sqlx::query(
        "UPDATE consultation_packages SET status = 'active', used_sessions = 0, refunded_sessions = 0, remaining_sessions = 1
         WHERE id = $1",
    )
    .bind(package_id)
    .execute(care.world.database())
    .await
    .expect("as new");
    sqlx::query(
        "UPDATE consultations SET status = $2, disputed_at = NULL, dispute_reason = NULL,
             scheduled_at = CASE WHEN $3 THEN now() - interval '20 minutes' END,
             ends_at = CASE WHEN $3 THEN now() + interval '30 minutes' END,
             cancelled_at = CASE $2 WHEN 'cancelled' THEN now() END, cancelled_by = CASE $2 WHEN 'cancelled' THEN 'parent' END,
             refund_policy = CASE $2 WHEN 'cancelled' THEN 'full' END, refund_amount = CASE $2 WHEN 'cancelled' THEN 0 END
         WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(timed)
    .execute(care.world.database())
    .await
    .expect("in that state");
}

async fn perform(care: &Care, act: &str, id: &str) -> Result<(), Status> {
    let consultation_id = id.to_owned();
    let mut sessions = care.world.consultations();
    match act {
        "start" => {
            drop(sessions.start_consultation(care.therapist.asks(StartConsultationRequest { consultation_id })).await?);
        }
        "complete" => {
            let complete = CompleteConsultationRequest { consultation_id };
            drop(sessions.complete_consultation(care.therapist.asks(complete)).await?);
        }
        "no_show" => drop(sessions.mark_no_show(care.therapist.asks(MarkNoShowRequest { consultation_id })).await?),
        "cancel" => {
            let cancel =
                CancelConsultationRequest { consultation_id, reason: "아파요.".to_owned(), keep_credit: None };
            drop(sessions.cancel_consultation(care.therapist.asks(cancel)).await?);
        }
        "schedule" => {
            let schedule = ScheduleConsultationRequest { consultation_id, starts_at: Some(timestamp(hours_ahead(60))) };
            drop(sessions.schedule_consultation(care.parent.asks(schedule)).await?);
        }
        _ => {
            let dispute = DisputeConsultationRequest { consultation_id, reason: "아니에요.".to_owned() };
            drop(sessions.dispute_consultation(care.parent.asks(dispute)).await?);
        }
    }
    Ok(())
}
