//! What a check says: scores, levels, follow-ups and the items that caused them, as they reach the parent.

use aipoten_proto::common::v1::Area;
use aipoten_proto::content::v1::{
    AreaResult, AskedQuestion, AssessmentResults, Cause, FollowUp, GetAssessmentRequest, GetAssessmentResultsRequest,
    GetChildProgressRequest, Level,
};

use crate::world::World;

fn area(results: &AssessmentResults, area: Area) -> &AreaResult {
    results.areas.iter().find(|result| result.area() == area).expect("the area was asked")
}

/// One "not yet" in the emotional area, which at 24 months has three questions that score.
fn one_not_yet(question: &AskedQuestion) -> Option<&'static str> {
    (question.code == "Q-24-EMO-S1").then_some("not_yet")
}

#[tokio::test]
async fn one_not_yet_of_three_is_good_and_watched() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let results = world.completed(&parent, &child_id, one_not_yet).await;

    let emotional = area(&results, Area::Emotional);
    assert_eq!((emotional.score, emotional.level(), emotional.question_count), (Some(66.7), Level::Good, 3));
    assert_eq!(emotional.follow_up(), FollowUp::Watch);
    assert_eq!(emotional.causing_items.len(), 1);
    assert_eq!(emotional.causing_items[0].code, "Q-24-EMO-S1");
    assert_eq!(emotional.causing_items[0].cause(), Cause::NotYet);
    assert!(emotional.feedback.contains("4~8주"));
    assert_eq!(results.areas[0].area(), Area::Emotional, "the worst area stands first");
    assert_eq!(results.follow_up(), FollowUp::Watch);
    assert_eq!(results.causing_items, emotional.causing_items);
    assert!(results.check_again_from.is_some() && results.check_again_until > results.check_again_from);
}

#[tokio::test]
async fn a_lost_skill_refers_now_with_every_score_at_100() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let results = world.completed(&parent, &child_id, |question| (question.code == "R-01").then_some("yes")).await;

    assert!(results.areas.iter().all(|area| area.score == Some(100.0) && area.follow_up() == FollowUp::OnTrack));
    assert_eq!(results.follow_up(), FollowUp::ReferNow);
    assert_eq!(results.causing_items.iter().map(|item| item.code.as_str()).collect::<Vec<_>>(), ["R-01"]);
    assert_eq!(results.red_flags.iter().map(|flag| flag.code.as_str()).collect::<Vec<_>>(), ["R-01"]);
    assert_eq!(results.check_again_from, None);
}

#[tokio::test]
async fn a_worry_and_a_red_flag_of_an_area_are_told_apart() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let signs = ["R-02", "R-19"];
    let answer = |question: &AskedQuestion| signs.contains(&question.code.as_str()).then_some("yes");
    let results = world.completed(&parent, &child_id, answer).await;

    assert_eq!(results.follow_up(), FollowUp::ReferNow);
    assert_eq!(results.causing_items.iter().map(|item| item.code.as_str()).collect::<Vec<_>>(), ["R-19"]);
    assert_eq!(results.red_flags.len(), 2, "every raised sign is listed");
    let language = area(&results, Area::Language);
    assert_eq!((language.follow_up(), language.score), (FollowUp::ReferNow, Some(100.0)));
    assert_eq!(language.red_flags[0].code, "R-19");
    assert_eq!(area(&results, Area::Social).follow_up(), FollowUp::OnTrack);
}

#[tokio::test]
async fn an_area_answered_not_sure_is_not_assessed_and_gets_no_recommendation() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let answer =
        |question: &AskedQuestion| (question.area() == Area::Emotional && !question.is_red_flag).then_some("not_sure");
    let results = world.completed(&parent, &child_id, answer).await;

    let emotional = area(&results, Area::Emotional);
    assert_eq!((emotional.score, emotional.level(), emotional.answered_count), (None, Level::NotAssessed, 0));
    assert_eq!((emotional.follow_up(), results.follow_up()), (FollowUp::Incomplete, FollowUp::Incomplete));
    assert!(emotional.causing_items.iter().all(|item| item.cause() == Cause::NotSure));
    let recommended: i64 =
        sqlx::query_scalar("SELECT count(*) FROM recommended_videos WHERE development_area = 'emotional'")
            .fetch_one(world.database())
            .await
            .expect("a count");
    assert_eq!(recommended, 0);
}

#[tokio::test]
async fn areas_stand_worst_first_and_low_ones_name_their_items() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let answer = |question: &AskedQuestion| match question.area() {
        _ if question.is_red_flag => None,
        Area::Language => Some("not_yet"),
        Area::Social => Some("sometimes"),
        _ => None,
    };
    let results = world.completed(&parent, &child_id, answer).await;
    assert_eq!(results.areas[0].area(), Area::Language);
    assert_eq!(results.areas[0].level(), Level::NeedsObservation);
    assert_eq!(results.areas[0].follow_up(), FollowUp::TalkToProfessional);
    assert_eq!(results.areas[1].area(), Area::Social);
    assert_eq!((results.areas[1].score, results.areas[1].level()), (Some(50.0), Level::Caution));
    assert!(results.areas[1].causing_items.iter().all(|item| item.cause() == Cause::LowScore));
}

#[tokio::test]
async fn nothing_is_asked_or_scored_anew_when_the_bank_changes() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let check = world.check(&parent, &child_id).await;
    world.answer_all(&parent, &check, one_not_yet).await;
    for change in [
        "UPDATE assessment_questions SET text_ko = 'changed', text_en = 'changed', weight = 1000, version = version + 1",
        "DELETE FROM assessment_questions WHERE area = 'language'",
    ] {
        sqlx::query(change).execute(world.database()).await.expect("an administrator at work");
    }
    let request = GetAssessmentRequest { assessment_id: check.id.clone() };
    let read = world.assessments().get_assessment(parent.asks(request)).await.expect("a check").into_inner();
    let texts = |check: &aipoten_proto::content::v1::Assessment| -> Vec<_> {
        check.questions.iter().filter_map(|item| Some(item.question.as_ref()?.text.clone())).collect()
    };
    assert_eq!(texts(&read), texts(&check));

    let request = aipoten_proto::content::v1::CompleteAssessmentRequest { assessment_id: check.id.clone() };
    let results = world.assessments().complete_assessment(parent.asks(request)).await.expect("results").into_inner();
    assert_eq!(area(&results, Area::Emotional).score, Some(66.7));
    assert_eq!(results.areas.len(), 6);
}

#[tokio::test]
async fn results_are_read_in_the_readers_language() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let results = world.completed(&parent, &child_id, one_not_yet).await;
    let request = GetAssessmentResultsRequest { assessment_id: results.assessment_id.clone() };
    let english = world.assessments().get_assessment_results(parent.asks_in_english(request)).await;
    let english = english.expect("results").into_inner();
    assert!(english.disclaimer.starts_with("This development check is no diagnosis"));
    assert!(english.areas[0].feedback.contains("emotional"));
    assert!(english.causing_items[0].text.is_ascii() && !results.causing_items[0].text.is_ascii());
    let scores = |results: &AssessmentResults| results.areas.iter().map(|area| area.score).collect::<Vec<_>>();
    assert_eq!(scores(&english), scores(&results));
}

#[tokio::test]
async fn progress_shows_every_completed_check_the_oldest_first() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 24).await;
    let first = world.completed(&parent, &child_id, one_not_yet).await;
    let second = world.completed(&parent, &child_id, |_| None).await;
    world.check(&parent, &child_id).await;
    let request = GetChildProgressRequest { child_id };
    let progress = world.assessments().get_child_progress(parent.asks(request)).await.expect("progress").into_inner();
    let ids: Vec<_> = progress.points.iter().map(|point| point.assessment_id.clone()).collect();
    assert_eq!(ids, [first.assessment_id, second.assessment_id]);
    assert_eq!(progress.points[0].follow_up(), FollowUp::Watch);
    let areas = |point: usize| progress.points[point].areas.iter().map(|area| area.area).collect::<Vec<_>>();
    assert_eq!(areas(0), areas(1), "lines can be drawn");
    assert!(progress.disclaimer.contains("진단이 아니며"));
}
