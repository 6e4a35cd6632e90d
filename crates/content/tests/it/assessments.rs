//! Checks: starting, answering, completing, giving up, reading.

use aipoten_proto::FieldMask;
use aipoten_proto::common::v1::Gender;
use aipoten_proto::content::v1::{
    AgeBasis, Assessment, AssessmentCompleted, AssessmentStatus, CompleteAssessmentRequest, CreateAssessmentRequest,
    FollowUp, GetAssessmentRequest, GetAssessmentResultsRequest, GetChildProgressRequest, ListAssessmentsRequest,
    NewResponse, SaveResponsesRequest, UpdateAssessmentRequest,
};
use prost::Message as _;
use tonic::Code;

use crate::world::{World, days_ago, months_ago, parameter, reason, today, violations};

fn response(question_id: &str, answer: &str) -> NewResponse {
    NewResponse { question_id: question_id.to_owned(), answer: answer.to_owned() }
}

fn responses(check: &Assessment, responses: Vec<NewResponse>) -> SaveResponsesRequest {
    SaveResponsesRequest { assessment_id: check.id.clone(), responses }
}

fn question_id(check: &Assessment, code: &str) -> String {
    let mut questions = check.questions.iter().filter_map(|item| item.question.as_ref());
    questions.find(|question| question.code == code).expect("the question is asked").id.clone()
}

fn give_up(id: &str, expected_version: Option<i64>) -> UpdateAssessmentRequest {
    UpdateAssessmentRequest {
        assessment_id: id.to_owned(),
        status: Some(AssessmentStatus::Cancelled.into()),
        update_mask: Some(FieldMask { paths: vec!["status".to_owned()] }),
        expected_version,
    }
}

#[tokio::test]
async fn a_term_child_of_25_months_goes_through_a_check() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 25).await;

    let check = world.check(&parent, &child_id).await;
    assert_eq!((check.age_in_months, check.corrected_age_in_months), (25, None));
    assert_eq!(check.age_used(), AgeBasis::Chronological);
    assert_eq!((check.checkpoint_months, check.status()), (24, AssessmentStatus::InProgress));
    assert_eq!(check.assessment_date, today().to_string());
    let questions: Vec<_> = check.questions.iter().filter_map(|item| item.question.clone()).collect();
    let scored = questions.iter().filter(|question| !question.is_red_flag);
    assert!(scored.clone().all(|question| question.code.starts_with("Q-24-")), "{questions:?}");
    assert!(scored.count() >= 18 && questions.iter().any(|question| question.code == "R-01"));
    assert!(!check.disclaimer.is_empty());

    // One answer now, on another device the rest.
    let first = &questions[0].id;
    let request = responses(&check, vec![response(first, "sometimes")]);
    let saved = world.assessments().save_responses(parent.asks(request)).await.expect("saved").into_inner();
    assert_eq!((saved.answered_count, saved.question_count), (1, check.question_count));
    assert_eq!(saved.unanswered_question_ids.len(), questions.len() - 1);
    let request = GetAssessmentRequest { assessment_id: check.id.clone() };
    let resumed = world.assessments().get_assessment(parent.asks(request)).await.expect("a check").into_inner();
    assert_eq!(resumed.questions[0].answer.as_deref(), Some("sometimes"));
    assert_eq!((resumed.answered_count, resumed.version), (1, saved.version));
    world.answer_all(&parent, &check, |_| None).await;

    let request = CompleteAssessmentRequest { assessment_id: check.id.clone() };
    let results = world.assessments().complete_assessment(parent.asks(request)).await.expect("results").into_inner();
    assert_eq!(results.follow_up(), FollowUp::OnTrack);
    assert_eq!(results.areas.len(), 6);
    assert!(results.areas.iter().all(|area| area.score == Some(100.0)));
    assert!(results.disclaimer.contains("진단이 아니며"));
    let request = GetAssessmentResultsRequest { assessment_id: check.id.clone() };
    let read = world.assessments().get_assessment_results(parent.asks(request)).await.expect("results").into_inner();
    assert_eq!(read, results);

    let request = ListAssessmentsRequest { child_id: Some(child_id.clone()), ..ListAssessmentsRequest::default() };
    let list = world.assessments().list_assessments(parent.asks(request)).await.expect("a list").into_inner();
    assert_eq!(list.page_info.expect("page info").total, 1);
    assert_eq!(list.assessments[0].status(), AssessmentStatus::Completed);
    assert_eq!(list.assessments[0].follow_up(), FollowUp::OnTrack);
    let request = GetChildProgressRequest { child_id };
    let progress = world.assessments().get_child_progress(parent.asks(request)).await.expect("progress").into_inner();
    assert_eq!(progress.points.len(), 1);
    assert_eq!(progress.points[0].areas.len(), 6);
}

#[tokio::test]
async fn a_child_born_at_32_weeks_is_asked_by_its_corrected_age() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, months_ago(20), Gender::Male, Some(32)).await;

    let check = world.check(&parent, &child_id).await;
    assert_eq!(check.age_in_months, 20);
    let corrected = check.corrected_age_in_months.expect("a corrected age");
    // 8 weeks early: 56 days are one month and 25 to 28 days.
    assert_eq!(corrected, 18);
    assert_eq!(check.age_used(), AgeBasis::Corrected);
    assert_eq!(check.checkpoint_months, 18);
    let codes: Vec<_> = check.questions.iter().filter_map(|item| Some(item.question.as_ref()?.code.clone())).collect();
    assert!(codes.iter().any(|code| code.starts_with("Q-18-")) && !codes.iter().any(|code| code.starts_with("Q-15-")));
    // Asked at 18 months and not at 20.
    assert!(!codes.contains(&"R-19".to_owned()) && codes.contains(&"R-18".to_owned()));
}

#[tokio::test]
async fn a_child_that_is_too_young_or_too_old_gets_a_clear_answer() {
    let world = World::start().await;
    let parent = world.parent().await;
    for (birth, weeks, expected) in [
        (days_ago(40), None, "CHILD_TOO_YOUNG"),
        // Three months old, and due a month ago.
        (months_ago(3), Some(30), "CHILD_TOO_YOUNG"),
        // Not yet due.
        (days_ago(20), Some(28), "CHILD_TOO_YOUNG"),
        (months_ago(72), None, "CHILD_TOO_OLD"),
    ] {
        let child_id = world.identity.child_born(&parent, birth, Gender::Female, weeks).await;
        let request = CreateAssessmentRequest { child_id };
        let refusal = world.assessments().create_assessment(parent.asks(request)).await.expect_err("no check");
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, expected));
        assert_eq!(parameter(&refusal, "min").as_deref(), Some("2"));
    }
    let eldest = world.child(&parent, 71).await;
    assert_eq!(world.check(&parent, &eldest).await.checkpoint_months, 60);
}

#[tokio::test]
async fn completing_with_unanswered_questions_lists_every_one_of_them() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 9).await;
    let check = world.check(&parent, &child_id).await;
    let first = check.questions[0].question.as_ref().expect("a question").id.clone();
    let request = responses(&check, vec![response(&first, "not_sure")]);
    world.assessments().save_responses(parent.asks(request)).await.expect("saved");

    let request = CompleteAssessmentRequest { assessment_id: check.id.clone() };
    let refusal = world.assessments().complete_assessment(parent.asks(request)).await.expect_err("unanswered");
    let violations = violations(&refusal);
    assert_eq!(violations.len(), check.questions.len() - 1, "not_sure is an answer");
    let second = check.questions[1].question.as_ref().expect("a question");
    assert!(violations.contains(&format!("responses[{}]: unanswered code={}", second.id, second.code)));

    let request = GetAssessmentResultsRequest { assessment_id: check.id };
    let refusal = world.assessments().get_assessment_results(parent.asks(request)).await.expect_err("no results");
    assert_eq!(reason(&refusal), "INVALID_STATE");
}

#[tokio::test]
async fn completing_twice_at_once_answers_the_same_results_and_recommends_once() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 30).await;
    let check = world.check(&parent, &child_id).await;
    world.answer_all(&parent, &check, |_| None).await;

    let complete = || {
        let (mut assessments, parent, id) = (world.assessments(), parent.clone(), check.id.clone());
        tokio::spawn(async move {
            let request = parent.asks(CompleteAssessmentRequest { assessment_id: id });
            assessments.complete_assessment(request).await.map(tonic::Response::into_inner)
        })
    };
    let clicks = [complete(), complete(), complete(), complete()];
    let mut answers = Vec::new();
    for click in clicks {
        answers.push(click.await.expect("no panic").expect("results"));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let twice: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT video_id FROM recommended_videos GROUP BY video_id HAVING count(*) > 1) twice",
    )
    .fetch_one(world.database())
    .await
    .expect("a count");
    assert_eq!(twice, 0);
    let told: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT payload FROM outbox WHERE type = 'aipoten.content.v1.AssessmentCompleted'")
            .fetch_all(world.database())
            .await
            .expect("the outbox");
    let [told] = told.as_slice() else { panic!("told {} times", told.len()) };
    let told = AssessmentCompleted::decode(told.as_slice()).expect("the event");
    assert_eq!((told.assessment_id, told.child_id), (check.id, child_id));
    assert!(told.completed_at.is_some());
}

#[tokio::test]
async fn an_answer_is_overwritten_and_a_completed_check_takes_no_more() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 12).await;
    let check = world.check(&parent, &child_id).await;
    world.answer_all(&parent, &check, |question| (!question.is_red_flag).then_some("not_yet")).await;
    world.answer_all(&parent, &check, |_| None).await;
    let request = CompleteAssessmentRequest { assessment_id: check.id.clone() };
    let results = world.assessments().complete_assessment(parent.asks(request)).await.expect("results").into_inner();
    assert_eq!(results.follow_up(), FollowUp::OnTrack);

    let first = check.questions[0].question.as_ref().expect("a question").id.clone();
    let request = responses(&check, vec![response(&first, "not_yet")]);
    let refusal = world.assessments().save_responses(parent.asks(request)).await.expect_err("completed");
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "INVALID_STATE"));
    assert_eq!(parameter(&refusal, "state").as_deref(), Some("completed"));
    let refusal = world.assessments().update_assessment(parent.asks(give_up(&check.id, None))).await;
    assert_eq!(reason(&refusal.expect_err("completed")), "INVALID_STATE");
}

#[tokio::test]
async fn wrong_answers_are_all_named_and_none_is_saved() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let check = world.check(&parent, &child_id).await;
    let (scale, flag) = (question_id(&check, "Q-24-SOC-1"), question_id(&check, "R-01"));
    let stranger = uuid::Uuid::now_v7().to_string();
    let given = vec![
        response(&scale, "yes"),
        response(&scale, "sometimes"),
        response(&flag, "sometimes"),
        response(&stranger, "yes"),
    ];
    let refusal = world.assessments().save_responses(parent.asks(responses(&check, given))).await.expect_err("wrong");
    assert_eq!(
        violations(&refusal),
        [
            "responses[1].question_id: duplicate",
            "responses[2].answer: not_an_answer",
            "responses[3].question_id: not_in_this_check"
        ]
    );
    let request = GetAssessmentRequest { assessment_id: check.id.clone() };
    let read = world.assessments().get_assessment(parent.asks(request)).await.expect("a check").into_inner();
    assert_eq!(read.answered_count, 0);

    let refusal = world.assessments().save_responses(parent.asks(responses(&check, vec![]))).await;
    assert_eq!(violations(&refusal.expect_err("nothing")), ["responses: required"]);
    let request = responses(&check, vec![response("x", "")]);
    let refusal = world.assessments().save_responses(parent.asks(request)).await.expect_err("no shape");
    assert_eq!(violations(&refusal), ["responses[0].answer: required", "responses[0].question_id: not_a_uuid"]);
}

#[tokio::test]
async fn a_child_has_one_check_in_progress_and_giving_it_up_makes_room() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let start = || {
        let (mut assessments, parent, child_id) = (world.assessments(), parent.clone(), child_id.clone());
        tokio::spawn(
            async move { assessments.create_assessment(parent.asks(CreateAssessmentRequest { child_id })).await },
        )
    };
    let (mut started, mut refused) = (Vec::new(), Vec::new());
    for attempt in [start(), start(), start(), start()] {
        match attempt.await.expect("no panic") {
            Ok(check) => started.push(check.into_inner()),
            Err(status) => refused.push(status),
        }
    }
    assert_eq!((started.len(), refused.len()), (1, 3));
    let open = &started[0];
    for refusal in &refused {
        assert_eq!((refusal.code(), reason(refusal).as_str()), (Code::AlreadyExists, "ASSESSMENT_IN_PROGRESS"));
        assert_eq!(parameter(refusal, "assessment_id").as_ref(), Some(&open.id));
    }

    world.answer_all(&parent, open, |_| None).await;
    let stale = world.assessments().update_assessment(parent.asks(give_up(&open.id, Some(1)))).await;
    assert_eq!(reason(&stale.expect_err("answers raised the version")), "VERSION_MISMATCH");
    let given_up = world.assessments().update_assessment(parent.asks(give_up(&open.id, Some(2)))).await;
    let given_up = given_up.expect("given up").into_inner();
    assert_eq!((given_up.status(), given_up.answered_count), (AssessmentStatus::Cancelled, 0));
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM assessment_responses")
        .fetch_one(world.database())
        .await
        .expect("a count");
    assert_eq!(kept, 0, "answers of a check that was given up are erased");
    world.check(&parent, &child_id).await;
}

#[tokio::test]
async fn a_check_can_only_be_given_up_by_an_update() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let check = world.check(&parent, &child_id).await;
    let mut request = give_up(&check.id, None);
    request.status = Some(AssessmentStatus::Completed.into());
    let refusal = world.assessments().update_assessment(parent.asks(request)).await.expect_err("not that way");
    assert_eq!(violations(&refusal), ["status: only_cancelled"]);
    let mut request = give_up(&check.id, None);
    request.update_mask = Some(FieldMask { paths: vec!["child_id".to_owned()] });
    let refusal = world.assessments().update_assessment(parent.asks(request)).await.expect_err("unknown");
    assert_eq!(violations(&refusal), ["child_id: unknown_field"]);
}

#[tokio::test]
async fn a_check_expires_after_30_days_and_makes_room_by_itself() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let old = world.check(&parent, &child_id).await;
    world.answer_all(&parent, &old, |_| None).await;
    sqlx::query("UPDATE development_assessments SET created_at = now() - interval '31 days'")
        .execute(world.database())
        .await
        .expect("time passes");

    let first = old.questions[0].question.as_ref().expect("a question").id.clone();
    let request = responses(&old, vec![response(&first, "yes")]);
    let refusal = world.assessments().save_responses(parent.asks(request)).await.expect_err("expired");
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "ASSESSMENT_EXPIRED"));
    let request = CompleteAssessmentRequest { assessment_id: old.id.clone() };
    let refusal = world.assessments().complete_assessment(parent.asks(request)).await.expect_err("expired");
    assert_eq!(reason(&refusal), "ASSESSMENT_EXPIRED");

    let new = world.check(&parent, &child_id).await;
    assert_ne!(new.id, old.id);
    let request = GetAssessmentRequest { assessment_id: old.id };
    let read = world.assessments().get_assessment(parent.asks(request)).await.expect("a check").into_inner();
    assert_eq!((read.status(), read.answered_count), (AssessmentStatus::Cancelled, 0));
}

#[tokio::test]
async fn parent_b_finds_nothing_of_parent_a() {
    let world = World::start().await;
    let (a, b) = (world.parent().await, world.parent().await);
    let child_id = world.child(&a, 24).await;
    let check = world.check(&a, &child_id).await;
    let id = check.id.clone();
    let first = check.questions[0].question.as_ref().expect("a question").id.clone();
    let mut assessments = world.assessments();

    let request = CreateAssessmentRequest { child_id: child_id.clone() };
    let refusals = [
        assessments.create_assessment(b.asks(request)).await.map(|_| ()),
        assessments.get_assessment(b.asks(GetAssessmentRequest { assessment_id: id.clone() })).await.map(|_| ()),
        assessments.save_responses(b.asks(responses(&check, vec![response(&first, "yes")]))).await.map(|_| ()),
        assessments.update_assessment(b.asks(give_up(&id, None))).await.map(|_| ()),
        assessments
            .complete_assessment(b.asks(CompleteAssessmentRequest { assessment_id: id.clone() }))
            .await
            .map(|_| ()),
        assessments
            .get_assessment_results(b.asks(GetAssessmentResultsRequest { assessment_id: id.clone() }))
            .await
            .map(|_| ()),
        assessments
            .get_child_progress(b.asks(GetChildProgressRequest { child_id: child_id.clone() }))
            .await
            .map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.expect_err("not theirs").code(), Code::NotFound);
    }
    let request = ListAssessmentsRequest { child_id: Some(child_id), ..ListAssessmentsRequest::default() };
    let list = assessments.list_assessments(b.asks(request)).await.expect("a list").into_inner();
    assert!(list.assessments.is_empty());
    let request = GetAssessmentRequest { assessment_id: id };
    let untouched = assessments.get_assessment(a.asks(request)).await.expect("a check").into_inner();
    assert_eq!((untouched.version, untouched.answered_count), (1, 0));
}

#[tokio::test]
async fn only_parents_who_are_signed_in_come_to_checks() {
    let world = World::start().await;
    let (parent, therapist, admin) = (world.parent().await, world.therapist().await, world.admin().await);
    let child_id = world.child(&parent, 24).await;
    let check = world.check(&parent, &child_id).await;
    let mut assessments = world.assessments();
    let anonymous = assessments.get_assessment(GetAssessmentRequest { assessment_id: check.id.clone() }).await;
    assert_eq!(anonymous.expect_err("nobody").code(), Code::Unauthenticated);
    for (person, code) in [(therapist, Code::NotFound), (admin, Code::PermissionDenied)] {
        let id = || check.id.clone();
        let child_id = || child_id.clone();
        let list = ListAssessmentsRequest::default();
        let refusals = [
            assessments
                .create_assessment(person.asks(CreateAssessmentRequest { child_id: child_id() }))
                .await
                .map(|_| ()),
            assessments.get_assessment(person.asks(GetAssessmentRequest { assessment_id: id() })).await.map(|_| ()),
            assessments.list_assessments(person.asks(list)).await.map(|_| ()),
            assessments.update_assessment(person.asks(give_up(&check.id, None))).await.map(|_| ()),
            assessments
                .complete_assessment(person.asks(CompleteAssessmentRequest { assessment_id: id() }))
                .await
                .map(|_| ()),
        ];
        for refusal in refusals {
            assert_eq!(refusal.expect_err("no parent").code(), Code::PermissionDenied);
        }
        // Of a child that is shared with them, therapists read these.
        let refusals = [
            assessments
                .get_assessment_results(person.asks(GetAssessmentResultsRequest { assessment_id: id() }))
                .await
                .map(|_| ()),
            assessments
                .get_child_progress(person.asks(GetChildProgressRequest { child_id: child_id() }))
                .await
                .map(|_| ()),
        ];
        for refusal in refusals {
            assert_eq!(refusal.expect_err("not shared").code(), code);
        }
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let world = World::start().await;
    let parent = world.parent().await;
    let (younger, older) = (world.child(&parent, 9).await, world.child(&parent, 30).await);
    let first = world.completed(&parent, &younger, |_| None).await.assessment_id;
    let second = world.completed(&parent, &older, |_| None).await.assessment_id;
    let third = world.check(&parent, &younger).await.id;
    let list = |request: ListAssessmentsRequest| {
        let (mut assessments, parent) = (world.assessments(), parent.clone());
        async move {
            let list = assessments.list_assessments(parent.asks(request)).await.expect("a list").into_inner();
            let ids: Vec<String> = list.assessments.into_iter().map(|it| it.id).collect();
            (ids, list.page_info.expect("page info").total)
        }
    };
    let ids = |ids: &[&String]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();

    assert_eq!(list(ListAssessmentsRequest::default()).await, (ids(&[&third, &second, &first]), 3));
    let request = ListAssessmentsRequest { sort: Some("started_at".into()), limit: Some(2), ..Default::default() };
    assert_eq!(list(request.clone()).await, (ids(&[&first, &second]), 3));
    assert_eq!(list(ListAssessmentsRequest { page: Some(2), ..request }).await, (ids(&[&third]), 3));
    let status = Some(AssessmentStatus::Completed.into());
    let request = ListAssessmentsRequest { status, child_id: Some(younger), ..Default::default() };
    assert_eq!(list(request).await, (ids(&[&first]), 1));

    let request = ListAssessmentsRequest {
        page: Some(0),
        limit: Some(101),
        sort: Some("child_id".into()),
        child_id: Some("x".into()),
        status: Some(0),
    };
    let refusal = world.assessments().list_assessments(parent.asks(request)).await.expect_err("all wrong");
    assert_eq!(violations(&refusal).len(), 5, "{:?}", violations(&refusal));
}
