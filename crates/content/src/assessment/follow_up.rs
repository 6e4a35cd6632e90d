//! What should follow a check. No score can soften it.

use serde::{Deserialize, Serialize};

use super::scoring::{AreaResult, Item, Level, Value};

/// Ordered from what is most pressing. An area that was not assessed is no reassurance: it stands before `OnTrack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum FollowUp {
    ReferNow,
    TalkToProfessional,
    Watch,
    Incomplete,
    OnTrack,
}

/// Why an item was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    RedFlag,
    NotYet,
    /// Answered less than yes in an area at caution or `needs_observation`.
    LowScore,
    /// Answered `not_sure` in an area that was not assessed.
    NotSure,
}

/// An item that caused a follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) code: String,
    pub(crate) cause: Cause,
}

/// What should follow, and the items that caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) follow_up: FollowUp,
    pub(crate) causes: Vec<Finding>,
}

/// The verdict on one area from the items asked in it, red flags included.
pub(crate) fn of_area(asked: &[&Item<'_>], level: Level) -> Verdict {
    let not_yet = asked.iter().filter(|item| item.is_not_yet()).count();
    let by_score = match level {
        Level::NeedsObservation => Some(FollowUp::TalkToProfessional),
        Level::Caution => Some(FollowUp::Watch),
        _ => None,
    };
    let by_not_yet = match not_yet {
        0 => None,
        1 => Some(FollowUp::Watch),
        _ => Some(FollowUp::TalkToProfessional),
    };
    let by_red_flag = asked.iter().filter_map(|item| item.raised()).min();
    let found = [by_red_flag, by_not_yet, by_score].into_iter().flatten().min();
    let follow_up = found.unwrap_or(if level == Level::NotAssessed { FollowUp::Incomplete } else { FollowUp::OnTrack });

    let cause = |item: &Item<'_>| match item.red_flag {
        Some(_) => (item.raised() == Some(follow_up)).then_some(Cause::RedFlag),
        None if item.is_not_yet() && by_not_yet == Some(follow_up) => Some(Cause::NotYet),
        None if item.is_below_yes() && by_score == Some(follow_up) => Some(Cause::LowScore),
        None => (item.answer == Value::NotSure && follow_up == FollowUp::Incomplete).then_some(Cause::NotSure),
    };
    let causes =
        asked.iter().filter_map(|item| Some(Finding { code: item.code.to_owned(), cause: cause(item)? })).collect();
    Verdict { follow_up, causes }
}

/// The verdict on the whole check: the worst of its areas and of the red flags that belong to none.
pub(crate) fn overall(items: &[Item<'_>], areas: &[AreaResult]) -> Verdict {
    let of_no_area: Vec<&Item<'_>> = items.iter().filter(|item| item.area.is_none()).collect();
    let whole = of_area(&of_no_area, Level::Excellent);
    let verdicts = || std::iter::once(&whole).chain(areas.iter().map(|area| &area.verdict));
    let follow_up = verdicts().map(|verdict| verdict.follow_up).min().unwrap_or(FollowUp::OnTrack);
    let causes = verdicts()
        .filter(|verdict| verdict.follow_up == follow_up)
        .flat_map(|verdict| verdict.causes.clone())
        .collect();
    Verdict { follow_up, causes }
}

impl Item<'_> {
    /// What this red flag asks for, if its sign is present.
    pub(crate) fn raised(&self) -> Option<FollowUp> {
        self.red_flag.filter(|_| self.answer == Value::Hundredths(100))
    }

    fn is_not_yet(&self) -> bool {
        self.red_flag.is_none() && self.answer == Value::Hundredths(0)
    }

    fn is_below_yes(&self) -> bool {
        matches!(self.answer, Value::Hundredths(..100))
    }
}
