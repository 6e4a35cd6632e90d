//! From answers to scores and levels. Whole numbers decide, so no rounding moves a child over a border.

use serde::{Deserialize, Serialize};

use super::follow_up::{self, FollowUp, Verdict};
use crate::area::Area;

/// Changes whenever the rules here or in `follow_up` do; kept with each check.
pub(crate) const RULE_VERSION: &str = "2026-1";
/// Weights and values count in hundredths.
const HUNDREDTHS: i64 = 100;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum AnswerType {
    #[default]
    Scale,
    YesNo,
    MultipleChoice,
}

/// One option of a multiple-choice question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) code: String,
    pub(crate) text_ko: String,
    pub(crate) text_en: String,
    /// 0 to 1, in hundredths.
    pub(crate) value: u8,
}

/// What scoring has to know of a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item<'a> {
    pub(crate) code: &'a str,
    /// `None` counts for the whole check; only red flags may.
    pub(crate) area: Option<Area>,
    /// Greater than 0, in hundredths.
    pub(crate) weight: i16,
    /// A red flag and what it asks for: never part of a score.
    pub(crate) red_flag: Option<FollowUp>,
    pub(crate) answer: Value,
}

/// What an answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    NotSure,
    /// 0 (not yet, no) to 100 (yes).
    Hundredths(u8),
}

/// Ordered from the worst; what was not assessed may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Level {
    NeedsObservation,
    Caution,
    NotAssessed,
    Good,
    Excellent,
}

/// A score from 0 to 100 as the exact fraction it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score {
    reached: i64,
    possible: i64,
}

/// How one area came out.
#[derive(Debug, Clone)]
pub(crate) struct AreaResult {
    pub(crate) area: Area,
    pub(crate) score: Option<Score>,
    pub(crate) level: Level,
    pub(crate) verdict: Verdict,
}

/// How a whole check came out; areas worst first.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) areas: Vec<AreaResult>,
    pub(crate) overall: Verdict,
}

impl AnswerType {
    /// What an answer counts, or `None` where this question has no such answer.
    pub(crate) fn value(self, answer: &str, choices: &[Choice]) -> Option<Value> {
        match (self, answer) {
            (_, "not_sure") => Some(Value::NotSure),
            (Self::Scale | Self::YesNo, "yes") => Some(Value::Hundredths(100)),
            (Self::Scale, "sometimes") => Some(Value::Hundredths(50)),
            (Self::Scale, "not_yet") | (Self::YesNo, "no") => Some(Value::Hundredths(0)),
            (Self::MultipleChoice, code) => {
                choices.iter().find(|choice| choice.code == code).map(|choice| Value::Hundredths(choice.value))
            }
            _ => None,
        }
    }

    /// The answers a question takes, in the order they are shown.
    pub(crate) fn answers(self, choices: &[Choice]) -> Vec<String> {
        let fixed: &[&str] = match self {
            Self::Scale => &["yes", "sometimes", "not_yet"],
            Self::YesNo => &["yes", "no"],
            Self::MultipleChoice => &[],
        };
        let own = if self == Self::MultipleChoice { choices } else { &[] };
        let codes = fixed.iter().map(ToString::to_string).chain(own.iter().map(|choice| choice.code.clone()));
        codes.chain(["not_sure".to_owned()]).collect()
    }
}

impl Score {
    fn of<'a>(items: impl Iterator<Item = &'a Item<'a>>) -> Option<Self> {
        let mut score = Self { reached: 0, possible: 0 };
        for item in items {
            if let Value::Hundredths(value) = item.answer {
                score.reached += i64::from(item.weight) * i64::from(value);
                score.possible += i64::from(item.weight) * HUNDREDTHS;
            }
        }
        (score.possible > 0).then_some(score)
    }

    pub(crate) fn level(self) -> Level {
        let at_least = |border: i64| 100 * self.reached >= border * self.possible;
        match () {
            () if at_least(80) => Level::Excellent,
            () if at_least(60) => Level::Good,
            () if at_least(40) => Level::Caution,
            () => Level::NeedsObservation,
        }
    }

    /// With the one decimal that is shown, halves up.
    pub(crate) fn shown(self) -> f64 {
        let tenths = (2 * 1000 * self.reached + self.possible) / (2 * self.possible);
        #[expect(clippy::cast_precision_loss, reason = "at most 1000 tenths")]
        let shown = tenths as f64 / 10.0;
        shown
    }

    /// Which of two scores is lower, exactly.
    fn cmp(self, other: Self) -> std::cmp::Ordering {
        (i128::from(self.reached) * i128::from(other.possible))
            .cmp(&(i128::from(other.reached) * i128::from(self.possible)))
    }
}

/// Scores a check whose every question has an answer.
pub(crate) fn score(items: &[Item<'_>]) -> Outcome {
    let mut areas: Vec<AreaResult> = Area::ALL
        .into_iter()
        .filter(|area| items.iter().any(|item| item.area == Some(*area)))
        .map(|area| area_result(area, items))
        .collect();
    areas.sort_by(worse_first);
    let overall = follow_up::overall(items, &areas);
    Outcome { areas, overall }
}

fn area_result(area: Area, items: &[Item<'_>]) -> AreaResult {
    let asked: Vec<&Item<'_>> = items.iter().filter(|item| item.area == Some(area)).collect();
    let scored: Vec<&Item<'_>> = asked.iter().copied().filter(|item| item.red_flag.is_none()).collect();
    let answered = scored.iter().filter(|item| item.answer != Value::NotSure).count();
    let enough = answered * 3 >= scored.len() * 2;
    let score = if enough { Score::of(scored.into_iter()) } else { None };
    let level = score.map_or(Level::NotAssessed, Score::level);
    AreaResult { area, score, level, verdict: follow_up::of_area(&asked, level) }
}

fn worse_first(a: &AreaResult, b: &AreaResult) -> std::cmp::Ordering {
    let by_score = || a.score.zip(b.score).map_or(std::cmp::Ordering::Equal, |(a, b)| a.cmp(b));
    a.verdict
        .follow_up
        .cmp(&b.verdict.follow_up)
        .then(a.level.cmp(&b.level))
        .then_with(by_score)
        .then(a.area.cmp(&b.area))
}

#[cfg(test)]
mod tests {
    use super::super::follow_up::Cause;
    use super::*;
    use proptest::prelude::*;

    const YES: Value = Value::Hundredths(100);
    const SOMETIMES: Value = Value::Hundredths(50);
    const NOT_YET: Value = Value::Hundredths(0);

    fn item(code: &'static str, area: Area, answer: Value) -> Item<'static> {
        Item { code, area: Some(area), weight: 100, red_flag: None, answer }
    }

    fn red_flag(code: &'static str, area: Option<Area>, follow_up: FollowUp, answer: Value) -> Item<'static> {
        Item { code, area, weight: 100, red_flag: Some(follow_up), answer }
    }

    /// Three items of one area, beside which every other area is fine.
    fn language(answers: [Value; 3]) -> Vec<Item<'static>> {
        let codes = ["L-1", "L-2", "L-3"];
        let others = Area::ALL.into_iter().filter(|area| *area != Area::Language);
        codes
            .into_iter()
            .zip(answers)
            .map(|(code, answer)| item(code, Area::Language, answer))
            .chain(others.flat_map(|area| ["O-1", "O-2", "O-3"].map(|code| item(code, area, YES))))
            .collect()
    }

    fn area_of(outcome: &Outcome, area: Area) -> &AreaResult {
        outcome.areas.iter().find(|result| result.area == area).expect("the area was asked")
    }

    fn codes(verdict: &Verdict) -> Vec<&str> {
        verdict.causes.iter().map(|cause| cause.code.as_str()).collect()
    }

    #[test]
    fn one_not_yet_of_three_is_good_but_watched() {
        let outcome = score(&language([YES, YES, NOT_YET]));
        let language = area_of(&outcome, Area::Language);
        assert_eq!(language.score.map(Score::shown), Some(66.7));
        assert_eq!(language.level, Level::Good);
        assert_eq!(language.verdict.follow_up, FollowUp::Watch);
        assert_eq!(codes(&language.verdict), ["L-3"]);
        assert_eq!(outcome.overall.follow_up, FollowUp::Watch);
        assert_eq!(codes(&outcome.overall), ["L-3"]);
        assert_eq!(outcome.areas[0].area, Area::Language);
    }

    #[test]
    fn a_lost_skill_refers_now_with_every_score_at_100() {
        let mut items = language([YES; 3]);
        items.push(red_flag("R-01", None, FollowUp::ReferNow, YES));
        let outcome = score(&items);
        assert!(outcome.areas.iter().all(|area| area.score.map(Score::shown) == Some(100.0)));
        assert!(outcome.areas.iter().all(|area| area.verdict.follow_up == FollowUp::OnTrack));
        assert_eq!(outcome.overall.follow_up, FollowUp::ReferNow);
        assert_eq!(codes(&outcome.overall), ["R-01"]);
    }

    #[test]
    fn a_caregivers_worry_asks_to_talk_to_a_professional() {
        let mut items = language([YES; 3]);
        items.push(red_flag("R-02", None, FollowUp::TalkToProfessional, YES));
        assert_eq!(score(&items).overall.follow_up, FollowUp::TalkToProfessional);
    }

    #[test]
    fn a_red_flag_of_an_area_counts_there_and_never_in_the_score() {
        let mut items = language([YES; 3]);
        items.push(red_flag("R-13", Some(Area::Language), FollowUp::ReferNow, YES));
        let outcome = score(&items);
        let language = area_of(&outcome, Area::Language);
        assert_eq!((language.score.map(Score::shown), language.verdict.follow_up), (Some(100.0), FollowUp::ReferNow));
        assert_eq!(outcome.overall.follow_up, FollowUp::ReferNow);
        assert_eq!(area_of(&outcome, Area::Social).verdict.follow_up, FollowUp::OnTrack);
    }

    #[test]
    fn a_red_flag_answered_no_or_not_sure_changes_nothing() {
        for answer in [NOT_YET, Value::NotSure] {
            let mut items = language([YES; 3]);
            items.push(red_flag("R-13", Some(Area::Language), FollowUp::ReferNow, answer));
            let outcome = score(&items);
            assert_eq!(outcome.overall.follow_up, FollowUp::OnTrack);
            assert_eq!(area_of(&outcome, Area::Language).score.map(Score::shown), Some(100.0));
        }
    }

    #[test]
    fn two_not_yet_in_one_area_ask_to_talk_to_a_professional_and_in_two_areas_to_watch() {
        let mut items = language([NOT_YET, NOT_YET, YES]);
        let language_area = score(&items);
        assert_eq!(language_area.overall.follow_up, FollowUp::TalkToProfessional);
        assert_eq!(codes(&language_area.overall), ["L-1", "L-2"]);

        items = language([NOT_YET, YES, YES]);
        items.retain(|item| !(item.area == Some(Area::Social) && item.code == "O-1"));
        items.push(item("S-1", Area::Social, NOT_YET));
        assert_eq!(score(&items).overall.follow_up, FollowUp::Watch);
    }

    #[test]
    fn an_area_at_caution_is_watched_and_its_lowering_items_named() {
        let outcome = score(&language([SOMETIMES; 3]));
        let language = area_of(&outcome, Area::Language);
        assert_eq!((language.level, language.verdict.follow_up), (Level::Caution, FollowUp::Watch));
        assert_eq!(codes(&language.verdict), ["L-1", "L-2", "L-3"]);
        assert!(language.verdict.causes.iter().all(|finding| finding.cause == Cause::LowScore));
    }

    #[test]
    fn an_area_that_needs_observation_asks_to_talk_to_a_professional() {
        let outcome = score(&language([SOMETIMES, SOMETIMES, NOT_YET]));
        let language = area_of(&outcome, Area::Language);
        assert_eq!(language.level, Level::NeedsObservation);
        assert_eq!(language.verdict.follow_up, FollowUp::TalkToProfessional);
        assert_eq!(codes(&language.verdict), ["L-1", "L-2", "L-3"]);
    }

    #[test]
    fn not_sure_is_left_out_of_the_sum() {
        let outcome = score(&language([YES, SOMETIMES, Value::NotSure]));
        assert_eq!(area_of(&outcome, Area::Language).score.map(Score::shown), Some(75.0));
    }

    #[test]
    fn less_than_two_thirds_answered_is_not_assessed_and_never_zero() {
        let outcome = score(&language([YES, Value::NotSure, Value::NotSure]));
        let language = area_of(&outcome, Area::Language);
        assert!(language.score.is_none());
        assert_eq!((language.level, language.verdict.follow_up), (Level::NotAssessed, FollowUp::Incomplete));
        assert_eq!(codes(&language.verdict), ["L-2", "L-3"]);
        assert_eq!(outcome.overall.follow_up, FollowUp::Incomplete);
    }

    #[test]
    fn a_not_yet_outweighs_that_its_area_was_not_assessed() {
        let outcome = score(&language([NOT_YET, Value::NotSure, Value::NotSure]));
        let language = area_of(&outcome, Area::Language);
        assert_eq!((language.level, language.verdict.follow_up), (Level::NotAssessed, FollowUp::Watch));
    }

    #[test]
    fn borders_belong_to_the_better_level() {
        let level = |reached, possible| Score { reached, possible }.level();
        assert_eq!([level(80, 100), level(60, 100), level(40, 100)], [Level::Excellent, Level::Good, Level::Caution]);
        assert_eq!(
            [level(79, 100), level(59, 100), level(39, 100)],
            [Level::Good, Level::Caution, Level::NeedsObservation]
        );
        // shown as 80.0, and yet below the border
        let nearly = Score { reached: 79_999, possible: 100_000 };
        assert_eq!((nearly.shown(), nearly.level()), (80.0, Level::Good));
    }

    #[test]
    fn weights_count() {
        let mut items = language([YES, NOT_YET, YES]);
        items[1].weight = 300;
        let outcome = score(&items);
        assert_eq!(area_of(&outcome, Area::Language).score.map(Score::shown), Some(40.0));
    }

    #[test]
    fn each_type_of_question_takes_its_own_answers() {
        let choices = [Choice {
            code: "two_words".to_owned(),
            text_ko: "두 단어".to_owned(),
            text_en: "Two words".to_owned(),
            value: 75,
        }];
        let value = |kind: AnswerType, answer: &str| kind.value(answer, &choices);
        assert_eq!(value(AnswerType::Scale, "sometimes"), Some(SOMETIMES));
        assert_eq!(value(AnswerType::Scale, "no"), None);
        assert_eq!(value(AnswerType::YesNo, "no"), Some(NOT_YET));
        assert_eq!(value(AnswerType::YesNo, "sometimes"), None);
        assert_eq!(value(AnswerType::MultipleChoice, "two_words"), Some(Value::Hundredths(75)));
        assert_eq!(value(AnswerType::MultipleChoice, "yes"), None);
        for kind in [AnswerType::Scale, AnswerType::YesNo, AnswerType::MultipleChoice] {
            assert_eq!(value(kind, "not_sure"), Some(Value::NotSure));
            assert!(kind.answers(&choices).iter().all(|answer| value(kind, answer).is_some()));
        }
    }

    fn any_answer() -> impl Strategy<Value = Value> {
        prop_oneof![Just(YES), Just(SOMETIMES), Just(NOT_YET), Just(Value::NotSure)]
    }

    proptest! {
        #[test]
        fn a_score_lies_between_0_and_100_and_the_level_holds_it(answers in proptest::collection::vec((any_answer(), 1_i16..1000), 1..12)) {
            let items: Vec<_> = answers.into_iter().map(|(answer, weight)| Item { weight, ..item("X", Area::Social, answer) }).collect();
            let outcome = score(&items);
            if let Some(score) = outcome.areas[0].score {
                prop_assert!((0.0..=100.0).contains(&score.shown()));
                prop_assert_eq!(score.level(), outcome.areas[0].level);
            } else {
                prop_assert_eq!(outcome.areas[0].level, Level::NotAssessed);
            }
        }

        #[test]
        fn no_better_answer_makes_a_check_come_out_worse(answers in proptest::collection::vec(any_answer(), 3), better in 0_usize..3) {
            let before: [Value; 3] = answers.try_into().expect("three answers");
            let mut after = before;
            prop_assume!(before[better] != Value::NotSure);
            after[better] = YES;
            prop_assert!(score(&language(before)).overall.follow_up <= score(&language(after)).overall.follow_up);
        }

        #[test]
        fn no_score_softens_a_sign_to_refer(answers in proptest::collection::vec(any_answer(), 3)) {
            let mut items = language(answers.try_into().expect("three answers"));
            items.push(red_flag("R-13", Some(Area::Language), FollowUp::ReferNow, YES));
            let outcome = score(&items);
            prop_assert_eq!(outcome.overall.follow_up, FollowUp::ReferNow);
            prop_assert_eq!(outcome.areas[0].area, Area::Language);
        }
    }
}
