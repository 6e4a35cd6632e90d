//! Reports: drafts, handing in, amendments, and who reads them.

use aipoten_proto::common::v1::ChildAccessed;
use aipoten_proto::matching::v1::{GetReportRequest, PutReportRequest, Report, ReportStatus, ReportSubmitted};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::planted_package::{Care, count, told};
use crate::world::{Person, World, parameter, reason, violations};

fn written(consultation_id: &str, status: ReportStatus, content: &str) -> PutReportRequest {
    PutReportRequest {
        consultation_id: consultation_id.to_owned(),
        status: status.into(),
        child_assessment: "두 낱말을 이어 말하기 시작했어요.".to_owned(),
        session_content: content.to_owned(),
        home_activities: "그림책을 함께 읽어 주세요.".to_owned(),
        next_session_goal: Some("세 낱말 문장".to_owned()),
        next_session_suggestions: None,
        recommended_video_ids: Vec::new(),
        expected_version: None,
    }
}

async fn put(world: &World, by: &Person, request: PutReportRequest) -> Result<Report, Status> {
    world.reports().put_report(by.asks(request)).await.map(tonic::Response::into_inner)
}

async fn get(world: &World, by: &Person, consultation_id: &str) -> Result<Report, Status> {
    let request = GetReportRequest { consultation_id: consultation_id.to_owned() };
    world.reports().get_report(by.asks(request)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_draft_is_for_the_therapist_alone_and_what_is_handed_in_is_read_by_the_parent() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let held = care.held(&world).await;

    let draft = put(&world, &care.therapist, written(&held, ReportStatus::Draft, "까꿍 놀이")).await.expect("a draft");
    assert_eq!((draft.status(), draft.version, draft.submitted_at), (ReportStatus::Draft, 1, None));
    assert_eq!(get(&world, &care.therapist, &held).await.expect("the own draft"), draft);
    assert_eq!(get(&world, &care.parent, &held).await.expect_err("a draft").code(), Code::NotFound);
    assert!(told::<ReportSubmitted>(world.database()).await.is_empty());

    let mut request = written(&held, ReportStatus::Submitted, "블록 쌓기");
    let video = Uuid::now_v7().to_string();
    request.recommended_video_ids = vec![video.clone()];
    request.expected_version = Some(1);
    let report = put(&world, &care.therapist, request).await.expect("handed in");
    assert_eq!((report.status(), report.version, report.amended_at), (ReportStatus::Submitted, 2, None));
    assert_eq!(report.id, draft.id);
    assert_eq!(get(&world, &care.parent, &held).await.expect("for the parent"), report);
    let events = told::<ReportSubmitted>(world.database()).await;
    let [(seq, event)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((*seq, &event.consultation_id, &event.child_id), (2, &held, &care.child_id));
    assert_eq!((event.submitted_at, &event.recommended_video_ids), (report.submitted_at, &vec![video]));
    let noted = "SELECT count(*) FROM consultations WHERE id = $1 AND report_submitted_at IS NOT NULL";
    assert_eq!(count(world.database(), noted, &held).await, 1);
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn an_amendment_keeps_what_was_handed_in_before_it() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let held = care.held(&world).await;
    put(&world, &care.therapist, written(&held, ReportStatus::Draft, "하나")).await.expect("a draft");
    let first = put(&world, &care.therapist, written(&held, ReportStatus::Submitted, "둘")).await.expect("handed in");
    let second = put(&world, &care.therapist, written(&held, ReportStatus::Submitted, "셋")).await.expect("amended");
    assert_eq!(second.submitted_at, first.submitted_at, "the first handing in stays");
    assert!(second.amended_at.is_some() && second.session_content == "셋");

    let versions: Vec<i64> = sqlx::query_scalar("SELECT version FROM consultation_report_versions ORDER BY version")
        .fetch_all(world.database())
        .await
        .expect("versions");
    assert_eq!(versions, [2], "the draft was nobody's to keep");
    let refusal =
        put(&world, &care.therapist, written(&held, ReportStatus::Draft, "넷")).await.expect_err("no way back");
    assert_eq!(
        (reason(&refusal), parameter(&refusal, "state")),
        ("INVALID_STATE".to_owned(), Some("submitted".to_owned()))
    );
    let seqs: Vec<i64> = told::<ReportSubmitted>(world.database()).await.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [2, 3], "an amendment is newer than what it amends");
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn only_the_own_therapist_reports_and_only_on_a_session_that_was_held() {
    let world = World::start().await;
    let (care, other) = (Care::begin(&world).await, Care::begin(&world).await);
    let [held, missed, ahead, open] = care.package(&world, ["completed", "no_show", "scheduled", "unscheduled"]).await;
    for (session, state) in [(missed, "no_show"), (ahead, "scheduled"), (open, "unscheduled")] {
        let refusal = put(&world, &care.therapist, written(&session, ReportStatus::Draft, "놀이")).await;
        let refusal = refusal.expect_err("was not held");
        assert_eq!(
            (reason(&refusal), parameter(&refusal, "state").as_deref()),
            ("INVALID_STATE".to_owned(), Some(state))
        );
    }
    put(&world, &care.therapist, written(&held, ReportStatus::Submitted, "놀이")).await.expect("handed in");
    for (by, code) in [(&care.parent, Code::PermissionDenied), (&other.therapist, Code::NotFound)] {
        let refusal = put(&world, by, written(&held, ReportStatus::Submitted, "놀이")).await.expect_err("not theirs");
        assert_eq!(refusal.code(), code);
    }
    for by in [&other.therapist, &other.parent] {
        assert_eq!(get(&world, by, &held).await.expect_err("not theirs").code(), Code::NotFound);
    }
    let admin = world.admin().await;
    assert_eq!(get(&world, &admin, &held).await.expect_err("not theirs").code(), Code::PermissionDenied);
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn a_report_is_refused_with_everything_that_is_wrong_with_it() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let held = care.held(&world).await;
    let video = Uuid::now_v7().to_string();
    let wrong = PutReportRequest {
        consultation_id: "1".to_owned(),
        session_content: "가".repeat(4001),
        home_activities: "a\0b".to_owned(),
        next_session_goal: Some(" ".to_owned()),
        recommended_video_ids: [vec![video.clone(), "x".to_owned(), video], vec![Uuid::now_v7().to_string(); 8]]
            .concat(),
        ..PutReportRequest::default()
    };
    let refusal = put(&world, &care.therapist, wrong).await.expect_err("wrong");
    let mut expected = vec![
        "child_assessment: required".to_owned(),
        "consultation_id: not_a_uuid".to_owned(),
        "home_activities: control_characters".to_owned(),
        "next_session_goal: required".to_owned(),
        "recommended_video_ids: too_many max=10".to_owned(),
        "recommended_video_ids[1]: not_a_uuid".to_owned(),
        "recommended_video_ids[2]: duplicate".to_owned(),
        "session_content: too_long max=4000".to_owned(),
        "status: required".to_owned(),
    ];
    expected.extend((4..10).map(|index| format!("recommended_video_ids[{index}]: duplicate")));
    expected.sort();
    assert_eq!(violations(&refusal), expected);

    let mut stale = written(&held, ReportStatus::Draft, "놀이");
    stale.expected_version = Some(1);
    let refusal = put(&world, &care.therapist, stale.clone()).await.expect_err("nothing is there");
    assert_eq!(reason(&refusal), "VERSION_MISMATCH");
    put(&world, &care.therapist, written(&held, ReportStatus::Draft, "놀이")).await.expect("a draft");
    put(&world, &care.therapist, written(&held, ReportStatus::Draft, "놀이")).await.expect("a draft");
    assert_eq!(reason(&put(&world, &care.therapist, stale).await.expect_err("stale")), "VERSION_MISMATCH");
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn the_texts_lie_encrypted_and_a_therapists_reading_is_told() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let held = care.held(&world).await;
    put(&world, &care.therapist, written(&held, ReportStatus::Submitted, "블록 쌓기")).await.expect("handed in");
    put(&world, &care.therapist, written(&held, ReportStatus::Submitted, "블록 쌓기")).await.expect("amended");
    let kept: Vec<u8> = sqlx::query_scalar(
        "SELECT r.child_assessment || r.session_content || r.home_activities || r.next_session_goal || v.child_assessment
             || v.session_content || v.home_activities || v.next_session_goal
         FROM consultation_reports r JOIN consultation_report_versions v ON v.report_id = r.id",
    )
    .fetch_one(world.database())
    .await
    .expect("a row");
    for text in ["낱말", "블록", "그림책"] {
        assert!(!kept.windows(text.len()).any(|window| window == text.as_bytes()), "{text} lies open in the table");
    }

    get(&world, &care.parent, &held).await.expect("read");
    get(&world, &care.therapist, &held).await.expect("read");
    let told = told::<ChildAccessed>(world.database()).await;
    let purposes: Vec<&str> = told.iter().map(|(_, it)| it.purpose.as_str()).collect();
    assert_eq!(purposes, ["PutReport", "PutReport", "GetReport"], "the parent's reading is nobody's business");
    let (_, read) = &told[2];
    assert_eq!(
        (&read.child_id, &read.actor_id, read.actor_role.as_str()),
        (&care.child_id, &care.therapist.id, "therapist")
    );
    assert_eq!(read.fields, ["child_assessment", "session_content", "home_activities", "next_session_goal"]);
    world.process.shut_down().await.expect("both services stop");
}
