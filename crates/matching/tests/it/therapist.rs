//! Applications, decisions about them, the public profile, regions.

use aipoten_kit::test::eventually;
use aipoten_proto::common::v1::AdminActed;
use aipoten_proto::matching::v1 as proto;
use chrono::Days;
use tonic::Code;

use crate::world::{Person, World, licence, parameter, profile, reason, today, violations};

async fn put(world: &World, who: &Person, profile: proto::PutProfileRequest) -> proto::TherapistProfile {
    world.therapists().put_profile(who.asks(profile)).await.expect("a profile").into_inner()
}

async fn approve(world: &World, admin: &Person, who: &Person) -> Result<proto::TherapistProfile, tonic::Status> {
    let approve = proto::ApproveProfileRequest { therapist_id: who.id.clone() };
    world.therapists().approve_profile(admin.asks(approve)).await.map(tonic::Response::into_inner)
}

async fn reject(
    world: &World,
    admin: &Person,
    who: &Person,
    why: &str,
) -> Result<proto::TherapistProfile, tonic::Status> {
    let reject = proto::RejectProfileRequest { therapist_id: who.id.clone(), reason: why.to_owned() };
    world.therapists().reject_profile(admin.asks(reject)).await.map(tonic::Response::into_inner)
}

async fn suspend(
    world: &World,
    admin: &Person,
    who: &Person,
    why: &str,
) -> Result<proto::TherapistProfile, tonic::Status> {
    let suspend = proto::SuspendProfileRequest { therapist_id: who.id.clone(), reason: why.to_owned() };
    world.therapists().suspend_profile(admin.asks(suspend)).await.map(tonic::Response::into_inner)
}

async fn seen(world: &World, id: &str) -> Result<proto::Therapist, Code> {
    let ask = proto::GetTherapistRequest { therapist_id: id.to_owned() };
    world.therapists().get_therapist(ask).await.map(tonic::Response::into_inner).map_err(|status| status.code())
}

async fn acts(world: &World) -> Vec<String> {
    world.published::<AdminActed>().await.into_iter().map(|it| it.action).collect()
}

#[tokio::test]
async fn an_application_waits_is_approved_and_then_seen_by_everyone() {
    let world = World::start().await;
    let (therapist, admin) = (world.therapist().await, world.admin().await);
    let mine = || world.therapists();
    let before = mine().get_profile(therapist.asks(proto::GetProfileRequest {})).await.expect_err("no profile yet");
    assert_eq!(before.code(), Code::NotFound);

    let applied =
        put(&world, &therapist, proto::PutProfileRequest { region_codes: vec!["42".into()], ..profile() }).await;
    assert_eq!(
        (applied.approval_status(), applied.is_listed, applied.version),
        (proto::ApprovalStatus::Pending, false, 1)
    );
    assert_eq!((applied.session_minutes, applied.buffer_minutes, applied.travel_minutes), (50, 10, 30), "the defaults");
    assert_eq!((applied.horizon_days, applied.daily_limit), (60, 8));
    assert_eq!((applied.regions[0].code.as_str(), applied.regions[0].name.as_str()), ("51", "강원특별자치도"));
    assert_eq!(world.published::<proto::TherapistApplied>().await.len(), 1);
    assert_eq!(seen(&world, &therapist.id).await.expect_err("not listed"), Code::NotFound);

    let none = approve(&world, &admin, &therapist).await.expect_err("no licence");
    assert_eq!((none.code(), reason(&none).as_str()), (Code::FailedPrecondition, "LICENCE_REQUIRED"));
    let until = today() + Days::new(400);
    let document = proto::CreateDocumentRequest { expires_on: Some(until.to_string()), ..licence() };
    world.documents().create_document(therapist.asks(document)).await.expect("a licence");

    let waiting = mine().list_pending_profiles(admin.asks(proto::ListPendingProfilesRequest::default())).await;
    let waiting = waiting.expect("the list").into_inner();
    assert_eq!((waiting.profiles.len(), waiting.page_info.expect("a page").total), (1, 1));
    let approved = approve(&world, &admin, &therapist).await.expect("approved");
    assert_eq!((approved.approval_status(), approved.is_listed), (proto::ApprovalStatus::Approved, true));
    assert_eq!(approved.licence_valid_until, Some(until.to_string()));
    let public = seen(&world, &therapist.id).await.expect("listed");
    assert_eq!((public.display_name.as_str(), public.rating, public.consultation_fee), ("박서준", None, 80_000));
    assert_eq!(world.published::<proto::TherapistApproved>().await.len(), 1);
    assert_eq!(world.published::<proto::TherapistChanged>().await.len(), 1);

    let again = approve(&world, &admin, &therapist).await.expect_err("nothing left to look at");
    assert_eq!((reason(&again).as_str(), parameter(&again, "state").as_deref()), ("INVALID_STATE", Some("approved")));
    world.documents().create_document(therapist.asks(licence())).await.expect("a longer licence");
    let renewed = approve(&world, &admin, &therapist).await.expect("looked at");
    assert_eq!((renewed.licence_valid_until, renewed.is_listed), (None, true), "it does not expire");
    assert_eq!(world.published::<proto::TherapistApproved>().await.len(), 1, "told once");
    assert_eq!(acts(&world).await, ["therapist.approved", "therapist.approved"]);
}

#[tokio::test]
async fn a_rejected_application_says_why_and_is_filed_anew_by_the_next_change() {
    let world = World::start().await;
    let (therapist, admin) = (world.therapist().await, world.admin().await);
    put(&world, &therapist, profile()).await;
    let rejected = reject(&world, &admin, &therapist, "면허증이 흐립니다.").await.expect("rejected");
    assert_eq!(rejected.approval_status(), proto::ApprovalStatus::Rejected);
    assert_eq!(rejected.decision_reason.as_deref(), Some("면허증이 흐립니다."));
    let again = reject(&world, &admin, &therapist, "다시").await.expect_err("not pending");
    assert_eq!((reason(&again).as_str(), parameter(&again, "state").as_deref()), ("INVALID_STATE", Some("rejected")));
    assert_eq!(world.published::<proto::TherapistRejected>().await.len(), 1);

    let anew = put(&world, &therapist, profile()).await;
    assert_eq!(anew.approval_status(), proto::ApprovalStatus::Pending);
    assert_eq!((anew.decision_reason, anew.decided_at), (None, None));
    assert_eq!(world.published::<proto::TherapistApplied>().await.len(), 2);
    put(&world, &therapist, profile()).await;
    assert_eq!(world.published::<proto::TherapistApplied>().await.len(), 2, "it waits already");
    assert_eq!(acts(&world).await, ["therapist.rejected"]);
}

#[tokio::test]
async fn an_approved_therapist_stays_so_by_a_change_and_a_stale_change_is_refused() {
    let world = World::start().await;
    let therapist = world.listed_therapist().await;
    let mine =
        world.therapists().get_profile(therapist.asks(proto::GetProfileRequest {})).await.expect("mine").into_inner();
    let told = world.published::<proto::TherapistChanged>().await.len();
    let change = proto::PutProfileRequest {
        display_name: "박 서준".to_owned(),
        expected_version: Some(mine.version),
        ..profile()
    };
    let changed = put(&world, &therapist, change.clone()).await;
    assert_eq!((changed.approval_status(), changed.is_listed), (proto::ApprovalStatus::Approved, true));
    assert_eq!(changed.version, mine.version + 1);
    assert_eq!(world.published::<proto::TherapistChanged>().await.len(), told + 1);
    let stale = world.therapists().put_profile(therapist.asks(change.clone())).await.expect_err("changed meanwhile");
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "VERSION_MISMATCH"));
    let other = world.therapist().await;
    let nothing = world.therapists().put_profile(other.asks(change)).await.expect_err("there is none to change");
    assert_eq!(reason(&nothing), "VERSION_MISMATCH");
}

#[tokio::test]
async fn a_suspended_therapist_is_hidden_and_the_parents_of_running_packages_are_told() {
    let world = World::start().await;
    let (therapist, admin, parent) = (world.listed_therapist().await, world.admin().await, world.parent().await);
    let child = world.child(&parent).await;
    for (status, hold) in [("active", "NULL"), ("pending_payment", "now()"), ("cancelled", "NULL")] {
        package(&world, &therapist, &parent, &child, status, hold).await;
    }
    let suspended = suspend(&world, &admin, &therapist, "민원이 접수되었습니다.").await.expect("suspended");
    assert_eq!((suspended.approval_status(), suspended.is_listed), (proto::ApprovalStatus::Suspended, false));
    assert_eq!(seen(&world, &therapist.id).await.expect_err("hidden"), Code::NotFound);
    let told = world.published::<proto::TherapistSuspended>().await;
    assert_eq!(told[0].parent_user_ids, [parent.id.as_str()], "once");
    let again = suspend(&world, &admin, &therapist, "다시").await.expect_err("not approved");
    assert_eq!((reason(&again).as_str(), parameter(&again, "state").as_deref()), ("INVALID_STATE", Some("suspended")));

    let changed = put(&world, &therapist, profile()).await;
    assert_eq!(changed.approval_status(), proto::ApprovalStatus::Suspended, "no way back by oneself");
    let back = approve(&world, &admin, &therapist).await.expect("approved again");
    assert!(back.is_listed && back.decision_reason.is_none());
    assert_eq!(acts(&world).await, ["therapist.approved", "therapist.suspended", "therapist.approved"]);
}

async fn package(world: &World, therapist: &Person, parent: &Person, child: &str, status: &str, hold: &str) {
    let insert = format!(
        "WITH request AS (
             INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions,
                 discounted_price, preferred_dates, status, expires_at)
             VALUES (gen_random_uuid(), $1::uuid, $2::uuid, $3::uuid, 'online', 1, 80000, '{{}}', 'approved', now())
             RETURNING id)
         INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
             total_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price, price_policy_id,
             refund_policy_id, status, hold_expires_at)
         SELECT gen_random_uuid(), request.id, $1::uuid, $2::uuid, $3::uuid, 'online', 50, 1, 1, 0, 80000, 80000, p.id, r.id,
             '{status}', {hold}
         FROM request, price_policies p, refund_policies r",
    );
    sqlx::query(sqlx::AssertSqlSafe(insert))
        .bind(&parent.id)
        .bind(child)
        .bind(&therapist.id)
        .execute(world.database())
        .await
        .expect("a package");
}

#[tokio::test]
async fn a_profile_is_refused_with_all_that_is_wrong_with_it() {
    let world = World::start().await;
    let therapist = world.therapist().await;
    let wrong = proto::PutProfileRequest {
        display_name: "가\n나".to_owned(),
        specialties: vec![proto::Specialty::Play.into(), proto::Specialty::Play.into(), 99],
        years_of_experience: 61,
        certifications: (0..21).map(|n| if n == 3 { " ".to_owned() } else { format!("자격 {n}") }).collect(),
        bio: "가".repeat(2001),
        consultation_fee: 9_999,
        session_minutes: Some(19),
        buffer_minutes: Some(-1),
        travel_minutes: Some(181),
        min_notice_hours: Some(337),
        horizon_days: Some(0),
        daily_limit: Some(25),
        consultation_kinds: vec![proto::ConsultationKind::Unspecified.into()],
        region_codes: vec!["11".to_owned(), "11".to_owned(), "99".to_owned()],
        expected_version: None,
    };
    let refused = world.therapists().put_profile(therapist.asks(wrong)).await.expect_err("wrong");
    assert_eq!(
        violations(&refused),
        [
            "bio: too_long max=2000",
            "buffer_minutes: out_of_range min=0 max=120",
            "certifications: too_many max=20",
            "certifications[3]: required",
            "consultation_fee: out_of_range min=10000 max=1000000",
            "consultation_kinds[0]: required",
            "daily_limit: out_of_range min=1 max=24",
            "display_name: control_characters",
            "horizon_days: out_of_range min=1 max=365",
            "min_notice_hours: out_of_range min=0 max=336",
            "region_codes[1]: duplicate",
            "region_codes[2]: unknown_region",
            "session_minutes: out_of_range min=20 max=180",
            "specialties[1]: duplicate",
            "specialties[2]: required",
            "travel_minutes: out_of_range min=0 max=180",
            "years_of_experience: out_of_range min=0 max=60",
        ]
    );
    let nowhere = proto::PutProfileRequest { region_codes: Vec::new(), ..profile() };
    let refused = world.therapists().put_profile(therapist.asks(nowhere.clone())).await.expect_err("nowhere");
    assert_eq!(violations(&refused), ["region_codes: required"]);
    let online = vec![proto::ConsultationKind::Online.into()];
    put(&world, &therapist, proto::PutProfileRequest { consultation_kinds: online, ..nowhere }).await;
}

#[tokio::test]
async fn who_may_not_is_refused() {
    let world = World::start().await;
    let (parent, therapist, admin) = (world.parent().await, world.therapist().await, world.admin().await);
    let code =
        |answer: Result<tonic::Response<proto::TherapistProfile>, tonic::Status>| answer.expect_err("refused").code();
    assert_eq!(code(world.therapists().put_profile(parent.asks(profile())).await), Code::PermissionDenied);
    assert_eq!(code(world.therapists().put_profile(profile()).await), Code::Unauthenticated);
    let mine = proto::GetProfileRequest {};
    assert_eq!(code(world.therapists().get_profile(admin.asks(mine)).await), Code::PermissionDenied);
    for person in [&parent, &therapist] {
        assert_eq!(approve(&world, person, &therapist).await.expect_err("refused").code(), Code::PermissionDenied);
        assert_eq!(reject(&world, person, &therapist, "x").await.expect_err("refused").code(), Code::PermissionDenied);
        assert_eq!(suspend(&world, person, &therapist, "x").await.expect_err("refused").code(), Code::PermissionDenied);
        let list =
            world.therapists().list_pending_profiles(person.asks(proto::ListPendingProfilesRequest::default())).await;
        assert_eq!(list.expect_err("refused").code(), Code::PermissionDenied);
    }
    assert_eq!(approve(&world, &admin, &parent).await.expect_err("no therapist").code(), Code::NotFound);
    let bad = proto::RejectProfileRequest { therapist_id: "x".to_owned(), reason: " ".to_owned() };
    let bad = world.therapists().reject_profile(admin.asks(bad)).await.expect_err("bad");
    assert_eq!(violations(&bad), ["reason: required", "therapist_id: not_a_uuid"]);
}

#[tokio::test]
async fn a_licence_that_ends_is_told_once_before_and_hides_its_therapist_after() {
    let world = World::start().await;
    let (therapist, admin) = (world.therapist().await, world.admin().await);
    put(&world, &therapist, profile()).await;
    let until = today() + Days::new(30);
    let document = proto::CreateDocumentRequest { expires_on: Some(until.to_string()), ..licence() };
    for _ in 0..2 {
        world.documents().create_document(therapist.asks(document.clone())).await.expect("a licence");
    }
    approve(&world, &admin, &therapist).await.expect("approved");
    eventually("the therapist is warned", async || !world.published::<proto::LicenceExpiring>().await.is_empty()).await;
    let told = world.published::<proto::LicenceExpiring>().await;
    assert_eq!((told.len(), told[0].expires_on.clone()), (1, until.to_string()));

    let changes = world.published::<proto::TherapistChanged>().await.len();
    // Time passes: the licence ended yesterday.
    for table in ["therapist_documents SET expires_on", "therapist_profiles SET licence_valid_until"] {
        let pass = format!("UPDATE {table} = (now() AT TIME ZONE 'Asia/Seoul')::date - 1");
        sqlx::query(sqlx::AssertSqlSafe(pass)).execute(world.database()).await.expect("time passes");
    }
    assert_eq!(seen(&world, &therapist.id).await.expect_err("hidden"), Code::NotFound);
    eventually("gateways are told", async || world.published::<proto::TherapistChanged>().await.len() > changes).await;
    let mine =
        world.therapists().get_profile(therapist.asks(proto::GetProfileRequest {})).await.expect("mine").into_inner();
    assert_eq!((mine.approval_status(), mine.is_listed), (proto::ApprovalStatus::Approved, false));
    let expired = approve(&world, &admin, &therapist).await.expect_err("no valid licence");
    assert_eq!(reason(&expired), "LICENCE_REQUIRED");

    world.documents().create_document(therapist.asks(licence())).await.expect("the next licence");
    assert!(approve(&world, &admin, &therapist).await.expect("approved").is_listed);
    assert_eq!(world.published::<proto::LicenceExpiring>().await.len(), 1, "once");
    assert_eq!(world.published::<proto::TherapistChanged>().await.len(), changes + 2, "hidden and shown, once each");
}

#[tokio::test]
async fn regions_are_listed_by_what_they_are_part_of() {
    let world = World::start().await;
    let list = async |parent: Option<&str>| {
        let ask = proto::ListRegionsRequest { parent_code: parent.map(str::to_owned) };
        world.therapists().list_regions(ask).await.map(|it| it.into_inner().regions)
    };
    let provinces = list(None).await.expect("provinces");
    assert_eq!(
        (provinces.len(), provinces[0].name.as_str(), provinces[0].parent_code.as_deref()),
        (16, "서울특별시", None)
    );
    let districts = list(Some("41110")).await.expect("districts");
    assert_eq!((districts.len(), districts[0].name.as_str()), (4, "경기도 수원시 장안구"));
    assert_eq!(list(Some("42")).await.expect("an old code"), list(Some("51")).await.expect("what it became"));
    let admin = world.admin().await;
    let english = world.therapists().list_regions(admin.asks_in_english(proto::ListRegionsRequest::default())).await;
    assert_eq!(english.expect("provinces").into_inner().regions[0].name, "Seoul");
    assert_eq!(violations(&list(Some("0")).await.expect_err("unknown")), ["parent_code: unknown_region"]);
}
