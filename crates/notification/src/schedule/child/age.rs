//! How old a child is on a day, in completed calendar months, as development checks count it.

use aipoten_proto::identity::v1::ChildBirthDate;
use anyhow::Context as _;
use chrono::{Datelike as _, Days, NaiveDate};

/// A pregnancy is counted to 40 weeks.
const TERM_WEEKS: u64 = 40;
/// Born before is preterm.
const PRETERM_BEFORE_WEEKS: u64 = 37;
/// The corrected age is used until this age in months.
const CORRECTED_UNTIL: i32 = 24;

#[derive(Debug, Clone, Copy)]
pub(super) struct Birth {
    date: NaiveDate,
    /// When 40 weeks were due; of preterm children only.
    due: Option<NaiveDate>,
}

impl Birth {
    pub(super) fn of(child: &ChildBirthDate) -> anyhow::Result<Self> {
        let date = aipoten_proto::date(&child.birth_date).ok().context("identity says when a child was born")?;
        Ok(Self::new(date, child.gestational_weeks.and_then(|weeks| weeks.try_into().ok())))
    }

    pub(super) fn new(date: NaiveDate, gestational_weeks: Option<u64>) -> Self {
        let early = gestational_weeks.filter(|weeks| *weeks < PRETERM_BEFORE_WEEKS);
        Self { date, due: early.map(|weeks| date + Days::new((TERM_WEEKS - weeks) * 7)) }
    }

    /// Since birth; negative before it.
    pub(super) fn months(self, day: NaiveDate) -> i32 {
        completed_months(self.date, day)
    }

    /// Corrected where checks count so.
    pub(super) fn months_of_checks(self, day: NaiveDate) -> i32 {
        let months = self.months(day);
        match self.due {
            Some(due) if months < CORRECTED_UNTIL => completed_months(due, day),
            _ => months,
        }
    }
}

/// A month is complete on the start's day of the month, or on the last day of a shorter month.
fn completed_months(from: NaiveDate, to: NaiveDate) -> i32 {
    let month = |day: NaiveDate| day.year() * 12 + i32::try_from(day.month0()).unwrap_or_default();
    let due_day = from.day().min(u32::from(to.num_days_in_month()));
    month(to) - month(from) - i32::from(to.day() < due_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn months_are_complete_on_the_day_of_birth_or_the_last_of_a_shorter_month() {
        let birth = Birth::new(day("2026-01-31"), None);
        assert_eq!(birth.months(day("2026-02-27")), 0);
        assert_eq!(birth.months(day("2026-02-28")), 1);
        assert_eq!(birth.months(day("2027-01-30")), 11);
        assert_eq!(birth.months(day("2027-01-31")), 12);
    }

    #[test]
    fn children_born_early_are_counted_from_their_due_date_until_two_years() {
        let birth = Birth::new(day("2024-03-10"), Some(30));
        assert_eq!(birth.months_of_checks(day("2024-08-18")), 2, "it was due on May 19");
        assert_eq!(birth.months_of_checks(day("2024-08-19")), 3);
        assert_eq!(birth.months_of_checks(day("2026-03-09")), 21);
        assert_eq!(birth.months_of_checks(day("2026-03-10")), 24);
    }
}
