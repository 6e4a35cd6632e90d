//! Requests of parents and answers of therapists.

use std::collections::HashSet;

use aipoten_proto::common::v1::ChildAccessed;
use aipoten_proto::identity::v1::{ConsentKind, Role};
use aipoten_proto::matching::v1::{
    CancelMatchingRequestRequest, ConsultationKind, ConsultationStatus, CreateMatchingRequestRequest,
    GetMatchingRequestRequest, ListMatchingRequestsRequest, MatchingDecision, MatchingRequestStatus, PackageStatus,
    RequestRejected, SuspendProfileRequest, UpdateMatchingRequestRequest,
};
use aipoten_proto::timestamp;
use chrono::TimeDelta;
use tonic::Code;
use uuid::Uuid;

use crate::care::{Care, hours_ahead};
use crate::world::{keyed, parameter, reason, refused, violations};

#[tokio::test]
async fn an_approved_request_holds_its_times_and_makes_a_package_at_the_prices_of_the_day() {
    let care = Care::new().await;
    let request = care.asked(4).await;
    assert_eq!((request.status(), request.discounted_price), (MatchingRequestStatus::Pending, 288_000));
    assert_eq!(request.notes.as_deref(), Some("말이 조금 늦은 편이에요."));
    let time = hours_ahead(48);
    let approved = care.approve(&request.id, &[time]).await.expect("approved");
    assert_eq!(approved.status(), MatchingRequestStatus::Approved);
    let package = care.package(&approved.package_id.expect("a package")).await;
    assert_eq!((package.original_price, package.discounted_price, package.discount_rate_bp), (320_000, 288_000, 1000));
    assert_eq!(package.status(), PackageStatus::PendingPayment);
    assert_eq!((package.used_sessions, package.refunded_sessions, package.remaining_sessions), (0, 0, 4));
    assert!(package.hold_expires_at.is_some() && package.refund_policy.contains("24시간"));
    assert_eq!(package.consultations.iter().map(|it| it.session_fee).sum::<i64>(), 288_000);
    assert_eq!(package.consultations[0].scheduled_at, Some(timestamp(time)));
    assert!(package.consultations.iter().all(|it| it.status() == ConsultationStatus::PendingPayment));
    assert_eq!(care.events().await, ["RequestCreated", "RequestApproved", "PackageAwaitingPayment"]);
    // Held: nobody else gets the time, neither for this therapist nor for this child.
    let other = care.asked(1).await;
    let taken = care.approve(&other.id, &[time + TimeDelta::minutes(30)]).await.expect_err("held");
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "SLOT_TAKEN"));
    assert!(parameter(&taken, "taken").is_some());
    assert_eq!(parameter(&taken, "alternatives").expect("others").split_whitespace().count(), 3);
    care.approve(&other.id, &[time + TimeDelta::hours(1)]).await.expect("after the buffer it is free");
}

#[tokio::test]
async fn a_request_names_everything_that_is_wrong_with_it_at_once() {
    let care = Care::new().await;
    let request = CreateMatchingRequestRequest {
        therapist_id: "nobody".to_owned(),
        total_sessions: 5,
        preferred_dates: vec![timestamp(hours_ahead(-48)); 4],
        visit_address: Some("서울".to_owned()),
        kind: ConsultationKind::Online.into(),
        notes: Some(" ".to_owned()),
        ..CreateMatchingRequestRequest::default()
    };
    let status = refused(care.world.requests().create_matching_request(care.parent.asks(request))).await;
    let found = violations(&status);
    for expected in [
        "child_id: required",
        "notes: required",
        "preferred_dates: too_many max=3",
        "preferred_dates[0]: time_past",
        "preferred_dates[1]: duplicate",
        "share_child: must_be_true",
        "therapist_id: not_a_uuid",
        "total_sessions: not_a_package_size",
        "visit_address: only_for_home_visits",
        "visit_address: too_short min=5",
    ] {
        assert!(found.iter().any(|it| it == expected), "{expected} is not in {found:?}");
    }
    let home = CreateMatchingRequestRequest { kind: ConsultationKind::HomeVisit.into(), ..care.wish(1) };
    let status = refused(care.world.requests().create_matching_request(care.parent.asks(home))).await;
    assert_eq!(violations(&status), ["visit_address: required"]);
}

#[tokio::test]
async fn a_parent_asks_for_nothing_before_the_address_is_verified_and_the_token_says_so() {
    let care = Care::new().await;
    let parent = care.world.identity.register(Role::Parent).await;
    let mut requests = care.world.requests();
    let status = refused(requests.create_matching_request(parent.asks(care.wish(1)))).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "EMAIL_NOT_VERIFIED"));
    care.world.identity.verify_email(&parent.id).await;
    let status = refused(requests.create_matching_request(parent.asks(care.wish(1)))).await;
    assert_eq!(reason(&status), "EMAIL_NOT_VERIFIED", "the token is from before");
    let parent = care.world.identity.sign_in(&parent.email).await;
    let status = refused(requests.create_matching_request(parent.asks(care.wish(1)))).await;
    assert_eq!(status.message(), "child not found", "nothing of the address is missing");
}

#[tokio::test]
async fn only_an_own_child_with_consent_and_a_therapist_who_can_be_booked_are_taken() {
    let care = Care::new().await;
    let stranger = care.world.parent().await;
    let mut requests = care.world.requests();
    let status = refused(requests.create_matching_request(stranger.asks(care.wish(1)))).await;
    assert_eq!((status.code(), status.message()), (Code::NotFound, "child not found"));
    let status = refused(requests.create_matching_request(care.therapist.asks(care.wish(1)))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let nobody = CreateMatchingRequestRequest { therapist_id: Uuid::now_v7().to_string(), ..care.wish(1) };
    let status = refused(requests.create_matching_request(care.parent.asks(nobody))).await;
    assert_eq!(reason(&status), "THERAPIST_UNAVAILABLE");
    sqlx::query("UPDATE therapist_profiles SET licence_valid_until = current_date - 2")
        .execute(care.world.database())
        .await
        .expect("an expired licence");
    let status = refused(requests.create_matching_request(care.parent.asks(care.wish(1)))).await;
    assert_eq!(reason(&status), "THERAPIST_UNAVAILABLE");
    care.world.identity.consent(&care.parent, ConsentKind::ChildSensitiveData, false).await;
    let status = refused(requests.create_matching_request(care.parent.asks(care.wish(1)))).await;
    assert_eq!(
        (reason(&status).as_str(), parameter(&status, "kind").as_deref()),
        ("CONSENT_REQUIRED", Some("child_sensitive_data"))
    );
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_wish_under_it_is_refused() {
    let care = Care::new().await;
    let mut requests = care.world.requests();
    let mut send = async |wish, key: Option<&str>| {
        let request = care.parent.asks(wish);
        let request = match key {
            Some(key) => keyed(request, key),
            None => request,
        };
        requests.create_matching_request(request).await.map(tonic::Response::into_inner)
    };
    let wish = care.wish(4);
    let first = send(wish.clone(), Some("a-key")).await.expect("a request");
    assert_eq!(send(wish.clone(), Some("a-key")).await.expect("the same"), first);
    let other = send(care.wish(8), Some("a-key")).await.expect_err("another body");
    assert_eq!(reason(&other), "IDEMPOTENCY_CONFLICT");
    let again = send(wish.clone(), None).await.expect_err("one is pending");
    assert_eq!((again.code(), reason(&again).as_str()), (Code::AlreadyExists, "ALREADY_PENDING"));
    // A refusal is not kept: the key can be used once it can be done.
    assert_eq!(reason(&send(wish.clone(), Some("b-key")).await.expect_err("one is pending")), "ALREADY_PENDING");
    let cancel = CancelMatchingRequestRequest { request_id: first.id.clone() };
    care.world.requests().cancel_matching_request(care.parent.asks(cancel)).await.expect("taken back");
    assert_ne!(send(wish, Some("b-key")).await.expect("a new one").id, first.id);
}

#[tokio::test]
async fn requests_are_seen_and_answered_by_their_two_sides_alone() {
    let care = Care::new().await;
    let request = care.asked(1).await;
    let (parent, therapist) = (care.world.parent().await, care.world.listed_therapist().await);
    let mut requests = care.world.requests();
    let get = || GetMatchingRequestRequest { request_id: request.id.clone() };
    for stranger in [&parent, &therapist] {
        assert_eq!(refused(requests.get_matching_request(stranger.asks(get()))).await.code(), Code::NotFound);
        let list = requests.list_matching_requests(stranger.asks(ListMatchingRequestsRequest::default()));
        assert!(list.await.expect("a list").into_inner().requests.is_empty());
    }
    let reject = |reason: Option<&str>| UpdateMatchingRequestRequest {
        request_id: request.id.clone(),
        decision: MatchingDecision::Reject.into(),
        reason: reason.map(str::to_owned),
        ..UpdateMatchingRequestRequest::default()
    };
    let status = refused(requests.update_matching_request(therapist.asks(reject(Some("바쁩니다."))))).await;
    assert_eq!(status.code(), Code::NotFound);
    let status = refused(requests.update_matching_request(care.parent.asks(reject(Some("바쁩니다."))))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let status = refused(requests.update_matching_request(care.therapist.asks(reject(None)))).await;
    assert_eq!(violations(&status), ["reason: required"]);
    let stale = UpdateMatchingRequestRequest { expected_version: Some(7), ..reject(Some("바쁩니다.")) };
    let status = refused(requests.update_matching_request(care.therapist.asks(stale))).await;
    assert_eq!(reason(&status), "VERSION_MISMATCH");
    let seen = requests.get_matching_request(care.therapist.asks(get())).await.expect("asked").into_inner();
    assert_eq!(seen.notes.as_deref(), Some("말이 조금 늦은 편이에요."));
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE type LIKE '%ChildAccessed'")
        .fetch_one(care.world.database())
        .await
        .expect("a count");
    assert_eq!(told, 1, "the therapist's reading of the notes is told to identity");
    requests.update_matching_request(care.therapist.asks(reject(Some("바쁩니다.")))).await.expect("rejected");
    let status = refused(requests.update_matching_request(care.therapist.asks(reject(Some("바쁩니다."))))).await;
    assert_eq!((reason(&status).as_str(), parameter(&status, "state").as_deref()), ("INVALID_STATE", Some("rejected")));
    let cancel = CancelMatchingRequestRequest { request_id: request.id.clone() };
    let status = refused(requests.cancel_matching_request(care.parent.asks(cancel))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("rejected"));
}

#[tokio::test]
async fn a_request_that_nobody_answers_expires() {
    let care = Care::new().await;
    let request = care.asked(1).await;
    sqlx::query("UPDATE matching_requests SET expires_at = now()").execute(care.world.database()).await.expect("time");
    let late = care.approve(&request.id, &[hours_ahead(48)]).await.expect_err("too late");
    assert_eq!(parameter(&late, "state").as_deref(), Some("expired"), "also before the job has been by");
    aipoten_kit::test::eventually("the request has expired", async || {
        care.events().await.last().is_some_and(|it| it == "RequestExpired")
    })
    .await;
}

async fn suspend(care: &Care) {
    let admin = care.world.admin().await;
    let suspend = SuspendProfileRequest {
        therapist_id: care.therapist.id.clone(),
        reason: "민원이 접수되었습니다.".to_owned(),
    };
    care.world.therapists().suspend_profile(admin.asks(suspend)).await.expect("suspended");
}

#[tokio::test]
async fn requests_that_wait_for_a_suspended_therapist_are_declined_at_once() {
    let care = Care::new().await;
    let (answered, waiting) = (care.approved(1, &[hours_ahead(48)]).await, care.asked(1).await);
    care.forget_events().await;
    suspend(&care).await;
    let told = care.world.published::<RequestRejected>().await;
    assert_eq!(told.iter().map(|it| &it.request_id).collect::<Vec<_>>(), [&waiting.id]);
    let get = |request_id: &str| care.parent.asks(GetMatchingRequestRequest { request_id: request_id.to_owned() });
    let mut requests = care.world.requests();
    let declined = requests.get_matching_request(get(&waiting.id)).await.expect("a request").into_inner();
    assert_eq!(declined.status(), MatchingRequestStatus::Rejected);
    let reason = declined.response_reason.expect("a reason");
    assert!(reason.contains("지금은 상담을 맡을 수 없는") && !reason.contains("민원"), "{reason}");
    let kept = requests.get_matching_request(get(&answered.request_id)).await.expect("a request").into_inner();
    assert_eq!(kept.status(), MatchingRequestStatus::Approved);
    // The parent is free to ask somebody else.
    let another = care.world.listed_therapist().await;
    let wish = CreateMatchingRequestRequest { therapist_id: another.id, ..care.wish(1) };
    requests.create_matching_request(care.parent.asks(wish)).await.expect("asked");
}

#[tokio::test]
async fn a_request_that_comes_while_its_therapist_is_being_suspended_is_refused() {
    let care = Care::new().await;
    let mut decision = care.world.database().begin().await.expect("a transaction");
    sqlx::query("UPDATE therapist_profiles SET approval_status = 'suspended'")
        .execute(&mut *decision)
        .await
        .expect("set");
    let mut requests = care.world.requests();
    let asked = requests.create_matching_request(care.parent.asks(care.wish(1)));
    let waiting = "SELECT EXISTS (SELECT FROM pg_locks a JOIN pg_locks b USING (pid) WHERE NOT a.granted
         AND b.relation = 'therapist_profiles'::regclass AND b.mode = 'RowShareLock')";
    let decided = async {
        aipoten_kit::test::eventually("the request waits", async || {
            sqlx::query_scalar(waiting).fetch_one(care.world.database()).await.expect("an answer")
        })
        .await;
        decision.commit().await.expect("suspended");
    };
    let (asked, ()) = tokio::join!(asked, decided);
    assert_eq!(reason(&asked.expect_err("refused")), "THERAPIST_UNAVAILABLE");
}

#[tokio::test]
async fn a_therapist_who_reads_a_list_of_requests_has_read_of_each_child_once() {
    let care = Care::new().await;
    let sibling = care.world.child(&care.parent).await;
    care.approved(1, &[hours_ahead(48)]).await;
    care.asked(1).await;
    let wish = CreateMatchingRequestRequest { child_id: sibling.clone(), ..care.wish(1) };
    care.world.requests().create_matching_request(care.parent.asks(wish)).await.expect("asked");
    care.forget_events().await;
    for (person, count) in [(&care.parent, 0), (&care.therapist, 2)] {
        let list = person.asks(ListMatchingRequestsRequest::default());
        let list = care.world.requests().list_matching_requests(list).await.expect("a list").into_inner();
        assert!(list.requests.len() == 3 && list.requests.iter().all(|it| it.notes.is_some()));
        let told = care.world.published::<ChildAccessed>().await;
        let children: HashSet<&str> = told.iter().map(|it| it.child_id.as_str()).collect();
        assert_eq!((told.len(), children.len()), (count, count));
    }
}
