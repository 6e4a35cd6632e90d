//! The one-page report for the paediatrician, read back out of its PDF.

use aipoten_proto::common::v1::{Area, Gender};
use aipoten_proto::content::v1::{
    AskedQuestion, Assessment, AssessmentReport, CompleteAssessmentRequest, CreateGrowthMeasurementRequest,
    GetAssessmentReportRequest,
};
use aipoten_proto::identity::v1::{CreateChildRequest, DeleteChildRequest};
use tonic::Code;

use crate::world::{Person, World, days_ago, months_ago, parameter, reason, today};

/// The text of the only page, with single spaces.
fn text_of(report: &AssessmentReport) -> String {
    let document = lopdf::Document::load_mem(&report.pdf).expect("a PDF");
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    assert_eq!(pages, [1], "one page");
    let text = document.extract_text(&pages).expect("text that can be copied out");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn report(world: &World, parent: &Person, assessment_id: &str, english: bool) -> AssessmentReport {
    let request = GetAssessmentReportRequest { assessment_id: assessment_id.to_owned() };
    let request = if english { parent.asks_in_english(request) } else { parent.asks(request) };
    world.assessments().get_assessment_report(request).await.expect("a report").into_inner()
}

/// Not yet in language, sometimes in social, not sure in emotional; a lost skill; all else is fine.
fn mixed(question: &AskedQuestion) -> Option<&'static str> {
    match (question.code.as_str(), question.is_red_flag, question.area()) {
        ("R-01", ..) => Some("yes"),
        (_, false, Area::Language) => Some("not_yet"),
        (_, false, Area::Social) => Some("sometimes"),
        ("R-02", ..) | (_, false, Area::Emotional) => Some("not_sure"),
        _ => None,
    }
}

/// Starts, answers and completes a check; answers it as it was asked.
async fn completed(
    world: &World,
    parent: &Person,
    child_id: &str,
    answer: impl Fn(&AskedQuestion) -> Option<&'static str>,
) -> Assessment {
    let check = world.check(parent, child_id).await;
    world.answer_all(parent, &check, answer).await;
    let request = CompleteAssessmentRequest { assessment_id: check.id.clone() };
    world.assessments().complete_assessment(parent.asks(request)).await.expect("results");
    check
}

/// The questions of a check that were not answered with the best there is, with the answers.
fn unmet(check: &Assessment) -> Vec<(String, &'static str)> {
    let questions = check.questions.iter().filter_map(|item| item.question.as_ref());
    questions.filter_map(|question| Some((question.text.clone(), mixed(question)?))).collect()
}

async fn measured(world: &World, parent: &Person, child_id: &str) {
    let request = CreateGrowthMeasurementRequest {
        child_id: child_id.to_owned(),
        measured_on: Some(days_ago(3).to_string()),
        height_mm: Some(812),
        weight_g: Some(10_600),
        ..Default::default()
    };
    world.growth().create_growth_measurement(parent.asks(request)).await.expect("a measurement");
}

#[tokio::test]
async fn a_report_tells_ages_areas_unmet_items_word_for_word_growth_and_what_it_is_not() {
    let world = World::start().await;
    let parent = world.parent().await;
    let birth = months_ago(20);
    let child_id = world.identity.child_born(&parent, birth, Gender::Male, Some(31)).await;
    measured(&world, &parent, &child_id).await;
    let check = completed(&world, &parent, &child_id, mixed).await;

    let korean = report(&world, &parent, &check.id, false).await;
    assert_eq!(korean.file_name, format!("development-check-{}.pdf", today()));
    let text = text_of(&korean);
    let birth = birth.to_string();
    for expected in [
        "하준",
        &birth,
        "남아",
        "20개월",
        "교정 나이",
        "17개월",
        "바로 진료",
        "81.2 cm",
        "10.6 kg",
        "백분위",
        "진단이 아니며",
        "K-DST",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for (question, answer) in unmet(&check) {
        assert!(text.contains(&question), "{question} ({answer}): {text}");
    }
    let places = ["언어 0.0", "사회성 50.0", "대근육 운동 100.0"].map(|row| text.find(row).expect(row));
    assert!(places.is_sorted(), "worst first: {text}");
    let answers = ["아직 안 해요", "가끔 해요", "잘 모르겠어요"].map(|answer| text.matches(answer).count());
    let expected =
        ["not_yet", "sometimes", "not_sure"].map(|it| unmet(&check).iter().filter(|(_, answer)| *answer == it).count());
    assert_eq!(answers, expected, "{text}");
    assert!(!text.contains("외 "), "all has room");

    let english = text_of(&report(&world, &parent, &check.id, true).await);
    for expected in
        ["20 months", "17 months", "Boy", "See a doctor now", "Needs observation", "Not yet", "is no diagnosis"]
    {
        assert!(english.contains(expected), "{expected}: {english}");
    }
}

#[tokio::test]
async fn a_report_without_findings_and_measurements_says_so() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, months_ago(30), Gender::NotStated, None).await;
    let check = completed(&world, &parent, &child_id, |_| None).await;
    let text = text_of(&report(&world, &parent, &check.id, true).await);
    for expected in [
        "Does not apply",
        "Not stated",
        "On track",
        "Nothing was measured yet.",
        "None was answered with yes.",
        "None.",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    measured(&world, &parent, &child_id).await;
    let text = text_of(&report(&world, &parent, &check.id, true).await);
    assert!(text.contains("81.2 cm") && text.contains("No percentiles: the gender is not stated."), "{text}");
}

#[tokio::test]
async fn what_has_no_room_is_counted_and_no_name_breaks_the_page() {
    let world = World::start().await;
    let parent = world.parent().await;
    let name = "남궁뷁쀍 金\u{1F476} (Tj) <b>&\\ 하준이의 아주 긴 이름 하준이의 아주 긴 이름";
    let request = CreateChildRequest {
        name: name.to_owned(),
        birth_date: months_ago(61).to_string(),
        gender: Gender::Female.into(),
        ..Default::default()
    };
    let child = world.identity.children().create_child(parent.asks(request)).await.expect("a child").into_inner();
    let longer = "UPDATE assessment_questions SET text_ko = text_ko || ' ' || text_ko || ' ' || text_ko";
    sqlx::query(longer).execute(world.database()).await.expect("longer questions");
    let worst = |question: &AskedQuestion| Some(if question.is_red_flag { "yes" } else { "not_yet" });
    let check = completed(&world, &parent, &child.id, worst).await;

    let text = text_of(&report(&world, &parent, &check.id, false).await);
    assert!(text.contains(&name.replace(['金', '\u{1F476}'], "□")), "{text}");
    assert!(text.contains("진단이 아니며"), "{text}");
    let count = |red_flag: bool| {
        let questions = check.questions.iter().filter_map(|item| item.question.as_ref());
        questions.filter(|question| question.is_red_flag == red_flag && text.contains(&question.text)).count()
    };
    let asked = check.questions.len();
    let more: usize =
        text.split("외 ").skip(1).filter_map(|rest| rest.split_once("개 문항은")?.0.parse::<usize>().ok()).sum();
    assert!(count(true) > 0 && count(false) > 0 && more > 0, "{text}");
    assert_eq!(count(true) + count(false) + more, asked, "{text}");
}

#[tokio::test]
async fn only_the_parent_gets_a_report_and_only_of_a_completed_check() {
    let world = World::start().await;
    let (parent, stranger, therapist) = (world.parent().await, world.parent().await, world.therapist().await);
    let child_id = world.child(&parent, 24).await;
    let check = world.check(&parent, &child_id).await;
    let ask = |person: &Person| person.asks(GetAssessmentReportRequest { assessment_id: check.id.clone() });
    let mut assessments = world.assessments();
    let open = assessments.get_assessment_report(ask(&parent)).await.expect_err("in progress");
    assert_eq!((open.code(), reason(&open).as_str()), (Code::FailedPrecondition, "INVALID_STATE"));
    assert_eq!(parameter(&open, "state").as_deref(), Some("in_progress"));
    world.answer_all(&parent, &check, |_| None).await;
    let request = CompleteAssessmentRequest { assessment_id: check.id.clone() };
    assessments.complete_assessment(parent.asks(request)).await.expect("results");

    let foreign = assessments.get_assessment_report(ask(&stranger)).await.expect_err("somebody else's");
    assert_eq!(foreign.code(), Code::NotFound);
    let refused = assessments.get_assessment_report(ask(&therapist)).await.expect_err("no parent");
    assert_eq!(refused.code(), Code::PermissionDenied);
    world.identity.children().delete_child(parent.asks(DeleteChildRequest { child_id })).await.expect("deleted");
    let gone = assessments.get_assessment_report(ask(&parent)).await.expect_err("no child any more");
    assert_eq!(gone.code(), Code::NotFound, "before content has heard of it, too");
}
