//! What begins or ends for a child on a day.

use std::sync::LazyLock;

use chrono::{Days, NaiveDate};
use serde::Deserialize;

use super::age::Birth;

/// The template of a development check whose time ends.
pub(super) const CLOSES: &str = "check_closes";
/// Days before the end that it is said.
const BEFORE: u64 = 14;
/// Growth is entered every month until this age in months, then every third, until the last.
const GROWTH_MONTHLY: i32 = 24;
const GROWTH_LAST: i32 = 60;

static WINDOWS: LazyLock<Vec<Window>> = LazyLock::new(|| read().expect("data/ is well formed, as a test checks"));

/// The ages, in completed months, of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Window {
    kind: Kind,
    first_month: i32,
    last_month: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Checklist,
    Checkup,
}

/// Names of the templates that are due.
pub(super) fn due(birth: Birth, day: NaiveDate) -> Vec<&'static str> {
    let mut due = Vec::new();
    for (kind, opens, closes) in
        [(Kind::Checklist, "check_opens", CLOSES), (Kind::Checkup, "checkup_opens", "checkup_closes")]
    {
        let at = |day| window(birth, kind, day);
        let last = at(day + Days::new(BEFORE - 1));
        if at(day).is_some() && at(day) != at(day - Days::new(1)) {
            due.push(opens);
        }
        if last.is_some() && at(day) == last && at(day + Days::new(BEFORE)) != last {
            due.push(closes);
        }
    }
    let months = birth.months(day);
    let growth = matches!(months, 1..=GROWTH_MONTHLY) || months <= GROWTH_LAST && months > 0 && months % 3 == 0;
    if growth && birth.months(day - Days::new(1)) != months {
        due.push("growth_due");
    }
    due
}

/// Whether a development check on one day is the one that is due on the other.
pub(super) fn same_check(birth: Birth, one: NaiveDate, other: NaiveDate) -> bool {
    window(birth, Kind::Checklist, one) == window(birth, Kind::Checklist, other)
}

fn window(birth: Birth, kind: Kind, day: NaiveDate) -> Option<Window> {
    let months = match kind {
        Kind::Checklist => birth.months_of_checks(day),
        Kind::Checkup => birth.months(day),
    };
    let holds = |it: &&Window| it.kind == kind && (it.first_month..=it.last_month).contains(&months);
    WINDOWS.iter().find(holds).copied()
}

fn read() -> csv::Result<Vec<Window>> {
    csv::Reader::from_reader(include_bytes!("../../../data/check_windows.csv").as_slice()).deserialize().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::Months;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    /// On how many days of seven years each is due.
    fn counts(birth: Birth, date: NaiveDate) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for template in date.iter_days().take(7 * 366).flat_map(|day| due(birth, day)) {
            *counts.entry(template).or_default() += 1;
        }
        counts
    }

    #[test]
    fn checklists_follow_one_another_without_a_gap() {
        let checklists: Vec<_> = read().expect("windows").into_iter().filter(|it| it.kind == Kind::Checklist).collect();
        assert_eq!((checklists.len(), checklists[0].first_month), (12, 2));
        assert!(checklists.windows(2).all(|pair| pair[0].last_month + 1 == pair[1].first_month));
        assert_eq!(checklists.last().expect("some").last_month, 71);
    }

    #[test]
    fn a_check_opens_on_its_first_day_and_closes_two_weeks_before_its_last() {
        let birth = Birth::new(day("2026-01-15"), None);
        assert_eq!(due(birth, day("2026-07-15")), ["check_opens", "growth_due"]);
        assert_eq!(due(birth, day("2026-07-16")), Vec::<&str>::new());
        assert_eq!(due(birth, day("2026-10-01")), ["check_closes"], "the next opens on the 15th");
        assert_eq!(due(birth, day("2026-10-15")), ["check_opens", "checkup_opens", "growth_due"]);
        assert!(same_check(birth, day("2026-07-15"), day("2026-10-14")));
        assert!(!same_check(birth, day("2026-07-14"), day("2026-10-01")));
    }

    proptest! {
        #[test]
        fn every_child_is_reminded_of_every_check_once(days in 0_u64..1500, weeks in prop::option::of(22_u64..42)) {
            let date = day("2024-01-01") + Days::new(days);
            let birth = Birth::new(date, weeks);
            let counts = counts(birth, date);
            prop_assert_eq!(counts["checkup_opens"], 6);
            prop_assert_eq!(counts["checkup_closes"], 6);
            // Where the corrected age ends a check may be passed over.
            let early = weeks.is_some_and(|weeks| weeks < 37);
            prop_assert!(counts["check_opens"] == 12 || early && counts["check_opens"] == 11, "{:?}", counts);
            prop_assert!(counts["check_closes"] <= counts["check_opens"] && counts["check_closes"] >= 11 - usize::from(early));
            prop_assert_eq!(counts["growth_due"], 24 + 12);
            prop_assert!(due(birth, date + Months::new(84)).is_empty());
        }
    }
}
