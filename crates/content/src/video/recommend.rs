//! Which play videos follow from a check, in which order, and why.

use std::collections::HashSet;

use uuid::Uuid;

use super::Difficulty;
use crate::area::Area;
use crate::assessment::Level;
use crate::text::Text;

/// A video that may be recommended: published, playable in principle, suits the child's age, not completed by the parent.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) video_id: Uuid,
    pub(crate) areas: Vec<Area>,
    pub(crate) difficulty: Difficulty,
    /// 1 (first) to 10.
    pub(crate) priority: i16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recommendation {
    pub(crate) video_id: Uuid,
    pub(crate) area: Area,
    pub(crate) area_level: Level,
    pub(crate) reason: Text,
    pub(crate) priority_score: i32,
}

/// Recommends for the areas of a check, worst level first; each video once, for the worst area it covers.
/// An area that was not assessed gets none: nothing is known that a video should follow from.
pub(crate) fn recommend(areas: &[(Area, Level)], age_in_months: i32, candidates: &[Candidate]) -> Vec<Recommendation> {
    let mut areas = areas.to_vec();
    areas.sort_by_key(|(area, level)| (std::cmp::Reverse(level_points(*level)), *area));
    let mut taken = HashSet::new();
    let mut recommendations = Vec::new();
    for (area, level) in areas {
        let mut fitting: Vec<_> = candidates
            .iter()
            .filter(|candidate| candidate.areas.contains(&area) && !taken.contains(&candidate.video_id))
            .map(|candidate| (priority_score(level, candidate), candidate))
            .collect();
        fitting.sort_by_key(|(score, candidate)| (std::cmp::Reverse(*score), candidate.video_id));
        for (priority_score, candidate) in fitting.into_iter().take(how_many(level)) {
            taken.insert(candidate.video_id);
            recommendations.push(Recommendation {
                video_id: candidate.video_id,
                area,
                area_level: level,
                reason: reason(area, level, candidate.difficulty, age_in_months),
                priority_score,
            });
        }
    }
    recommendations
}

fn how_many(level: Level) -> usize {
    match level {
        Level::NeedsObservation => 5,
        Level::Caution => 4,
        Level::Good => 2,
        Level::Excellent => 1,
        Level::NotAssessed => 0,
    }
}

/// Levels differ by 100, difficulties by 20, priorities by 1: none outweighs the one before.
fn priority_score(level: Level, candidate: &Candidate) -> i32 {
    level_points(level) + difficulty_points(level, candidate.difficulty) + 10 - i32::from(candidate.priority)
}

fn level_points(level: Level) -> i32 {
    match level {
        Level::NeedsObservation => 400,
        Level::Caution => 300,
        Level::Good => 200,
        Level::Excellent => 100,
        Level::NotAssessed => 0,
    }
}

/// Easy first for the two lowest levels, medium first for good, hard first for excellent.
fn difficulty_points(level: Level, difficulty: Difficulty) -> i32 {
    let order = match level {
        Level::Excellent => [Difficulty::Hard, Difficulty::Medium, Difficulty::Easy],
        Level::Good => [Difficulty::Medium, Difficulty::Easy, Difficulty::Hard],
        _ => [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard],
    };
    match order {
        [first, ..] if first == difficulty => 60,
        [_, second, _] if second == difficulty => 40,
        _ => 20,
    }
}

fn reason(area: Area, level: Level, difficulty: Difficulty, age_in_months: i32) -> Text {
    // Of the answers, not of the child: a red flag may stand beside the best score.
    let (ko, en) = match level {
        Level::NeedsObservation => ("문항 가운데 아직 보이지 않는 모습이 많아", "Little of what was asked about"),
        Level::Caution => ("문항 가운데 아직 자라는 중인 모습이 여럿 있어", "Only a part of what was asked about"),
        Level::Good => ("문항에서 기대하는 모습이 대체로 보여", "Most of what was asked about"),
        Level::Excellent | Level::NotAssessed => ("문항에서 기대하는 모습이 고르게 보여", "What was asked about"),
    };
    let seen = if level < Level::NotAssessed { "can be seen yet" } else { "is in place" };
    let (how_ko, how_en) = match difficulty {
        Difficulty::Easy => ("쉬운", "an easy"),
        Difficulty::Medium => ("조금 도전이 되는", "a moderately challenging"),
        Difficulty::Hard => ("도전이 되는", "a challenging"),
    };
    Text::new(
        format!("{} 영역의 {ko}, {age_in_months}개월 아이에게 맞는 {how_ko} 놀이를 골랐어요.", area.name_ko()),
        format!(
            "{en} {} development {seen}, so here is {how_en} activity for {age_in_months} months of age.",
            area.name_en()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(number: u128, areas: &[Area], difficulty: Difficulty, priority: i16) -> Candidate {
        Candidate { video_id: Uuid::from_u128(number), areas: areas.to_vec(), difficulty, priority }
    }

    fn ids(recommendations: &[Recommendation]) -> Vec<u128> {
        recommendations.iter().map(|it| it.video_id.as_u128()).collect()
    }

    #[test]
    fn worse_levels_come_first_and_get_more() {
        let candidates: Vec<_> = (0..60)
            .map(|number| {
                candidate(number, &[Area::ALL[usize::try_from(number % 6).expect("small")]], Difficulty::Easy, 5)
            })
            .collect();
        let areas = [
            (Area::GrossMotor, Level::Excellent),
            (Area::FineMotor, Level::Good),
            (Area::Cognitive, Level::Caution),
            (Area::Language, Level::NeedsObservation),
            (Area::Social, Level::NotAssessed),
        ];
        let found = recommend(&areas, 24, &candidates);
        let levels: Vec<_> = found.iter().map(|it| it.area_level).collect();
        let expected = [(Level::NeedsObservation, 5), (Level::Caution, 4), (Level::Good, 2), (Level::Excellent, 1)];
        assert_eq!(levels, expected.into_iter().flat_map(|(level, count)| vec![level; count]).collect::<Vec<_>>());
        assert!(found.is_sorted_by_key(|it| std::cmp::Reverse(it.priority_score)));
    }

    #[test]
    fn difficulty_follows_the_level_and_then_priority() {
        let language = [Area::Language];
        let candidates = [
            candidate(1, &language, Difficulty::Hard, 1),
            candidate(2, &language, Difficulty::Easy, 10),
            candidate(3, &language, Difficulty::Easy, 2),
            candidate(4, &language, Difficulty::Medium, 1),
        ];
        let order = |level| ids(&recommend(&[(Area::Language, level)], 24, &candidates));
        assert_eq!(order(Level::NeedsObservation), [3, 2, 4, 1]);
        assert_eq!(order(Level::Caution), [3, 2, 4, 1]);
        assert_eq!(order(Level::Good), [4, 3]);
        assert_eq!(order(Level::Excellent), [1]);
    }

    #[test]
    fn a_video_is_recommended_once_for_its_worst_area() {
        let candidates = [candidate(1, &[Area::Language, Area::Social], Difficulty::Easy, 1)];
        let found = recommend(&[(Area::Social, Level::Good), (Area::Language, Level::Caution)], 24, &candidates);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].area, Area::Language);
        assert!(found[0].reason.ko.contains("언어") && found[0].reason.en.contains("language"));
        assert!(found[0].reason.en.contains("24 months"));
    }

    proptest! {
        #[test]
        fn the_score_explains_the_order(levels in proptest::collection::vec(0_usize..4, 6), videos in proptest::collection::vec((0_usize..6, 0_usize..3, 1_i16..=10), 0..40)) {
            let all = [Level::NeedsObservation, Level::Caution, Level::Good, Level::Excellent];
            let areas: Vec<_> = Area::ALL.into_iter().zip(levels.into_iter().map(|level| all[level])).collect();
            let difficulties = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];
            let candidates: Vec<_> = videos
                .into_iter()
                .enumerate()
                .map(|(number, (area, difficulty, priority))| {
                    candidate(number as u128, &[Area::ALL[area]], difficulties[difficulty], priority)
                })
                .collect();
            let found = recommend(&areas, 30, &candidates);
            let unique: HashSet<_> = found.iter().map(|it| it.video_id).collect();
            prop_assert_eq!(unique.len(), found.len());
            // worse levels never have a lower score than better ones
            for (first, second) in found.iter().zip(found.iter().skip(1)) {
                prop_assert!(first.area_level <= second.area_level);
                prop_assert!(first.area_level == second.area_level || first.priority_score > second.priority_score);
            }
        }
    }
}
