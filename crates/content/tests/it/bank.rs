//! The question bank: reading it by age, keeping it as an administrator.

use aipoten_proto::FieldMask;
use aipoten_proto::common::v1::Area;
use aipoten_proto::content::v1::{
    AnswerType, CreateQuestionRequest, DeleteQuestionRequest, FollowUp, GetQuestionRequest, ListAgeQuestionsRequest,
    ListQuestionsRequest, NewChoice, QuestionKind, UpdateQuestionRequest,
};
use tonic::Code;

use crate::world::{World, reason, violations};

fn of_age(age: i32) -> ListAgeQuestionsRequest {
    ListAgeQuestionsRequest { age: Some(age) }
}

fn new(code: &str) -> CreateQuestionRequest {
    CreateQuestionRequest {
        code: code.to_owned(),
        kind: QuestionKind::Supplementary.into(),
        area: Area::Language.into(),
        age_range_start: Some(24),
        age_range_end: Some(29),
        text_ko: "두 단어를 이어 말하나요?".to_owned(),
        text_en: "Does your child put two words together?".to_owned(),
        answer_type: AnswerType::Scale.into(),
        ..Default::default()
    }
}

fn change(id: &str, paths: &[&str]) -> UpdateQuestionRequest {
    let paths = paths.iter().map(ToString::to_string).collect();
    UpdateQuestionRequest { question_id: id.to_owned(), update_mask: Some(FieldMask { paths }), ..Default::default() }
}

#[tokio::test]
async fn the_questions_of_an_age_are_read_before_a_check() {
    let world = World::start().await;
    let parent = world.parent().await;
    let answer = world.questions().list_age_questions(parent.asks(of_age(24))).await.expect("questions").into_inner();
    assert!(answer.advice.is_none() && answer.questions.len() > 18);
    let scale = answer.questions.iter().find(|question| question.code == "Q-24-SOC-1").expect("asked at 24 months");
    let codes: Vec<_> = scale.answers.iter().map(|answer| answer.code.as_str()).collect();
    assert_eq!(codes, ["yes", "sometimes", "not_yet", "not_sure"]);
    assert_eq!(scale.answers[3].text, "잘 모르겠어요");
    let flag = answer.questions.iter().find(|question| question.code == "R-01").expect("asked at every age");
    assert_eq!((flag.area(), flag.answers.len(), flag.is_red_flag), (Area::Any, 3, true));
    let flags: Vec<_> = answer.questions.iter().map(|question| question.is_red_flag).collect();
    assert!(flags.is_sorted(), "red flags are asked last");

    let english = world.questions().list_age_questions(parent.asks_in_english(of_age(24))).await.expect("questions");
    assert!(english.into_inner().questions.iter().all(|question| question.answers.iter().all(|it| it.text.is_ascii())));
    for (age, words) in [(1, "2 months"), (72, "71 months")] {
        let answer = world.questions().list_age_questions(parent.asks_in_english(of_age(age))).await.expect("advice");
        let answer = answer.into_inner();
        assert!(answer.questions.is_empty() && answer.advice.expect("advice").contains(words));
    }
    assert_eq!(
        world.questions().list_age_questions(of_age(24)).await.expect_err("nobody").code(),
        Code::Unauthenticated
    );
    let refusal = world.questions().list_age_questions(parent.asks(ListAgeQuestionsRequest::default())).await;
    assert_eq!(violations(&refusal.expect_err("which age?")), ["age: required"]);
}

#[tokio::test]
async fn an_administrator_adds_changes_and_deletes_a_question() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut questions = world.questions();
    let created = questions.create_question(admin.asks(new("X-24-1"))).await.expect("created").into_inner();
    assert_eq!((created.weight, created.order_index, created.version), (1.0, 1000, 1));
    assert!(created.is_active && !created.reviewed && created.source == "own");
    let request = GetQuestionRequest { question_id: created.id.clone() };
    let read = questions.get_question(admin.asks(request)).await.expect("a question").into_inner();
    assert_eq!(read, created);
    let asked = questions.list_age_questions(admin.asks(of_age(25))).await.expect("questions").into_inner();
    assert!(asked.questions.iter().any(|question| question.code == "X-24-1"));

    let taken = questions.create_question(admin.asks(new("X-24-1"))).await.expect_err("taken");
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "CODE_TAKEN"));

    let mut request = change(&created.id, &["weight", "hint_ko", "is_active"]);
    (request.weight, request.hint_ko, request.is_active) = (Some(2.5), Some("예: 엄마 물".to_owned()), Some(false));
    request.expected_version = Some(1);
    request.text_ko = Some("not named in the mask".to_owned());
    let changed = questions.update_question(admin.asks(request.clone())).await.expect("changed").into_inner();
    assert_eq!((changed.weight, changed.version, changed.is_active), (2.5, 2, false));
    assert_eq!((changed.hint_ko.as_deref(), &changed.text_ko), (Some("예: 엄마 물"), &created.text_ko));
    let stale = questions.update_question(admin.asks(request)).await.expect_err("stale");
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "VERSION_MISMATCH"));
    let cleared = questions.update_question(admin.asks(change(&created.id, &["hint_ko"]))).await.expect("cleared");
    assert_eq!(cleared.into_inner().hint_ko, None);
    let asked = questions.list_age_questions(admin.asks(of_age(25))).await.expect("questions").into_inner();
    assert!(!asked.questions.iter().any(|question| question.code == "X-24-1"), "not asked any more");

    let delete = || admin.asks(DeleteQuestionRequest { question_id: created.id.clone() });
    questions.delete_question(delete()).await.expect("deleted");
    assert_eq!(questions.delete_question(delete()).await.expect_err("deleted already").code(), Code::NotFound);
}

#[tokio::test]
async fn a_multiple_choice_question_is_answered_by_its_options() {
    let world = World::start().await;
    let (admin, parent) = (world.admin().await, world.parent().await);
    let option = |code: &str, value: f64| NewChoice {
        code: code.to_owned(),
        text_ko: "글".to_owned(),
        text_en: "Text".to_owned(),
        value: Some(value),
    };
    let request = CreateQuestionRequest {
        answer_type: AnswerType::MultipleChoice.into(),
        options: vec![option("many", 1.0), option("few", 0.25), option("none", 0.0)],
        ..new("X-MC-1")
    };
    world.questions().create_question(admin.asks(request)).await.expect("created");
    let child_id = world.child(&parent, 24).await;
    let results = world.completed(&parent, &child_id, |question| (question.code == "X-MC-1").then_some("few")).await;
    let language = results.areas.iter().find(|area| area.area() == Area::Language).expect("language");
    // Four questions of the checklist at 1 and this one at 0.25.
    assert_eq!((language.question_count, language.score), (5, Some(85.0)));
}

#[tokio::test]
async fn every_fault_of_a_question_is_named() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut questions = world.questions();
    let refusal = questions.create_question(admin.asks(CreateQuestionRequest::default())).await.expect_err("empty");
    assert_eq!(
        violations(&refusal),
        [
            "age_range_end: required",
            "age_range_start: required",
            "answer_type: required",
            "area: required",
            "code: not_a_code",
            "kind: required",
            "text_en: required",
            "text_ko: required"
        ]
    );
    let request = CreateQuestionRequest {
        area: Area::Any.into(),
        age_range_start: Some(30),
        age_range_end: Some(20),
        follow_up: Some(FollowUp::ReferNow.into()),
        answer_type: AnswerType::MultipleChoice.into(),
        ..new("X-1")
    };
    let refusal = questions.create_question(admin.asks(request)).await.expect_err("contradictions");
    assert_eq!(
        violations(&refusal),
        [
            "age_range_end: before_start",
            "area: any_only_for_red_flags",
            "follow_up: exactly_for_red_flags",
            "options: exactly_for_multiple_choice min=2 max=10"
        ]
    );
    let request = CreateQuestionRequest {
        weight: Some(0.125),
        follow_up: Some(FollowUp::Watch.into()),
        order_index: Some(0),
        ..new("x")
    };
    let refusal = questions.create_question(admin.asks(request)).await.expect_err("bad values");
    assert_eq!(
        violations(&refusal),
        [
            "code: not_a_code",
            "follow_up: not_for_red_flags",
            "order_index: out_of_range min=1 max=1000",
            "weight: too_many_decimals max=2"
        ]
    );
    let flag = CreateQuestionRequest { kind: QuestionKind::RedFlag.into(), ..new("X-R-1") };
    let refusal = questions.create_question(admin.asks(flag)).await.expect_err("a red flag asks yes or no");
    assert_eq!(violations(&refusal), ["answer_type: red_flags_are_yes_no", "follow_up: exactly_for_red_flags"]);

    let created = questions.create_question(admin.asks(new("X-2"))).await.expect("created").into_inner();
    let mut request = change(&created.id, &["text_ko", "code", "area"]);
    request.area = Some(Area::Any.into());
    let refusal = questions.update_question(admin.asks(request)).await.expect_err("bad change");
    assert_eq!(violations(&refusal), ["code: unknown_field", "text_ko: cannot_be_empty"]);
    let refusal = questions.update_question(admin.asks(change(&created.id, &[]))).await.expect_err("no change");
    assert_eq!(violations(&refusal), ["update_mask: nothing_to_change"]);
}

#[tokio::test]
async fn the_bank_is_listed_with_filters() {
    let world = World::start().await;
    let admin = world.admin().await;
    let total = async |request: ListQuestionsRequest| {
        let list = world.questions().list_questions(admin.asks(request)).await.expect("a list").into_inner();
        list.page_info.expect("page info").total
    };
    assert_eq!(total(ListQuestionsRequest::default()).await, 257);
    let kind = Some(QuestionKind::RedFlag.into());
    assert_eq!(total(ListQuestionsRequest { kind, ..Default::default() }).await, 27);
    let area = Some(Area::Any.into());
    assert_eq!(total(ListQuestionsRequest { area, ..Default::default() }).await, 2);
    assert_eq!(total(ListQuestionsRequest { kind, age: Some(0), ..Default::default() }).await, 3);
    assert_eq!(total(ListQuestionsRequest { is_active: Some(false), ..Default::default() }).await, 0);
    let request = ListQuestionsRequest { sort: Some("-code".into()), limit: Some(1), ..Default::default() };
    let list = world.questions().list_questions(admin.asks(request)).await.expect("a list").into_inner();
    assert_eq!(list.questions[0].code, "R-27");
    assert!(!list.questions[0].reviewed, "no specialist has reviewed the bank yet, and administrators see it");
}

#[tokio::test]
async fn only_administrators_keep_the_bank() {
    let world = World::start().await;
    let parent = world.parent().await;
    let id = uuid::Uuid::now_v7().to_string();
    let mut questions = world.questions();
    let mut request = change(&id, &["is_active"]);
    request.is_active = Some(false);
    let refusals = [
        questions.list_questions(parent.asks(ListQuestionsRequest::default())).await.map(|_| ()),
        questions.get_question(parent.asks(GetQuestionRequest { question_id: id.clone() })).await.map(|_| ()),
        questions.create_question(parent.asks(new("X-1"))).await.map(|_| ()),
        questions.update_question(parent.asks(request.clone())).await.map(|_| ()),
        questions.delete_question(parent.asks(DeleteQuestionRequest { question_id: id.clone() })).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.expect_err("a parent").code(), Code::PermissionDenied);
    }
    let admin = world.admin().await;
    let missing = [
        questions.get_question(admin.asks(GetQuestionRequest { question_id: id.clone() })).await.map(|_| ()),
        questions.update_question(admin.asks(request)).await.map(|_| ()),
        questions.delete_question(admin.asks(DeleteQuestionRequest { question_id: id })).await.map(|_| ()),
    ];
    for refusal in missing {
        assert_eq!(refusal.expect_err("no such question").code(), Code::NotFound);
    }
}
