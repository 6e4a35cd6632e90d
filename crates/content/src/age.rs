//! How old a child is on a day: in completed calendar months, corrected when born early.

use chrono::{Datelike, Days, NaiveDate};

/// The ages, in months, that the question bank has a checklist for.
pub(crate) const CHECKPOINTS: [i32; 12] = [2, 4, 6, 9, 12, 15, 18, 24, 30, 36, 48, 60];
/// A pregnancy is counted to 40 weeks.
const TERM_DAYS: u32 = 280;
/// Born before 37 weeks and 0 days is preterm.
const PRETERM_BEFORE_DAYS: u32 = 259;
/// The corrected age is used until this chronological age.
const CORRECTED_UNTIL_MONTHS: i32 = 24;

/// A child's birth. An unknown gestation counts as born at term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Birth {
    pub(crate) date: NaiveDate,
    pub(crate) gestation_days: Option<u32>,
}

/// Which of the two ages is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    Chronological,
    Corrected,
}

/// A child's age on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    /// Days since birth.
    pub(crate) days: i64,
    pub(crate) chronological_months: i32,
    /// Days since the due date, negative before it; of preterm children only.
    pub(crate) corrected_days: Option<i64>,
    /// Months since the due date, negative before it; of preterm children only.
    pub(crate) corrected_months: Option<i32>,
}

impl Birth {
    /// The day on which 40 weeks were due, for a preterm child.
    pub(crate) fn preterm_due_date(&self) -> Option<NaiveDate> {
        let gestation = self.gestation_days.filter(|days| *days < PRETERM_BEFORE_DAYS)?;
        self.date.checked_add_days(Days::new(u64::from(TERM_DAYS - gestation)))
    }

    /// The age on a day, or `None` before the birth.
    pub(crate) fn age_on(&self, day: NaiveDate) -> Option<Age> {
        if day < self.date {
            return None;
        }
        let due = self.preterm_due_date();
        Some(Age {
            days: (day - self.date).num_days(),
            chronological_months: completed_months(self.date, day),
            corrected_days: due.map(|due| (day - due).num_days()),
            corrected_months: due.map(|due| completed_months(due, day)),
        })
    }
}

impl Basis {
    /// Children born early are counted from the due date until 24 chronological months.
    pub(crate) fn of(chronological_months: i32, preterm: bool) -> Self {
        if preterm && chronological_months < CORRECTED_UNTIL_MONTHS { Self::Corrected } else { Self::Chronological }
    }
}

impl Age {
    pub(crate) fn basis(&self) -> Basis {
        Basis::of(self.chronological_months, self.corrected_months.is_some())
    }

    /// The completed months that select questions and activities.
    pub(crate) fn months_used(&self) -> i32 {
        match (self.basis(), self.corrected_months) {
            (Basis::Corrected, Some(months)) => months,
            _ => self.chronological_months,
        }
    }

    /// The days that select a row of a growth table.
    pub(crate) fn days_used(&self) -> i64 {
        match (self.basis(), self.corrected_days) {
            (Basis::Corrected, Some(days)) => days,
            _ => self.days,
        }
    }
}

/// The checklist of an age in months: the largest checkpoint not above it.
pub(crate) fn checkpoint(months: i32) -> Option<i32> {
    CHECKPOINTS.into_iter().rev().find(|checkpoint| *checkpoint <= months)
}

/// A month is complete on the start's day of the month, or on the last day of a shorter month.
fn completed_months(from: NaiveDate, to: NaiveDate) -> i32 {
    let months = (to.year() - from.year()) * 12 + month(to) - month(from);
    let due_day = from.day().min(u32::from(to.num_days_in_month()));
    if to.day() < due_day { months - 1 } else { months }
}

fn month(day: NaiveDate) -> i32 {
    i32::try_from(day.month()).expect("a month is at most 12")
}

#[cfg(test)]
mod tests {
    use super::checkpoint as checkpoint_of;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_golden_age_is_exact() {
        let mut rows = csv::Reader::from_reader(include_bytes!("../data/growth/age_test_vectors.csv").as_slice());
        let mut seen = 0;
        for row in rows.records() {
            let row = row.expect("a readable row");
            let [birth, weeks, days, on, age_days, months, preterm, due, corrected, used, months_used, checkpoint] =
                std::array::from_fn(|column| row[column].to_owned());
            let birth = Birth {
                date: birth.parse().expect("a date"),
                gestation_days: Some(weeks.parse::<u32>().expect("weeks") * 7 + days.parse::<u32>().expect("days")),
            };
            let age = birth.age_on(on.parse().expect("a date")).expect("a day after birth");

            let shown = |value: Option<i32>| value.map_or_else(String::new, |value| value.to_string());
            assert_eq!(age.days.to_string(), age_days, "{row:?}");
            assert_eq!(age.chronological_months.to_string(), months, "{row:?}");
            assert_eq!(birth.preterm_due_date().is_some(), preterm == "yes", "{row:?}");
            assert_eq!(birth.preterm_due_date().map_or_else(String::new, |due| due.to_string()), due, "{row:?}");
            assert_eq!(shown(age.corrected_months), corrected, "{row:?}");
            assert_eq!(age.basis() == Basis::Corrected, used == "corrected", "{row:?}");
            assert_eq!(age.months_used().to_string(), months_used, "{row:?}");
            assert_eq!(shown(checkpoint_of(age.months_used())), checkpoint, "{row:?}");
            seen += 1;
        }
        assert_eq!(seen, 18);
    }

    #[test]
    fn there_is_no_age_before_the_birth() {
        let birth = Birth { date: day(2025, 3, 1), gestation_days: None };
        assert_eq!(birth.age_on(day(2025, 2, 28)), None);
    }

    #[test]
    fn an_unknown_gestation_is_not_corrected() {
        let age = Birth { date: day(2025, 3, 1), gestation_days: None }.age_on(day(2025, 9, 1)).expect("after birth");
        assert_eq!((age.corrected_months, age.months_used()), (None, 6));
    }

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).expect("a date")
    }

    proptest! {
        #[test]
        fn months_never_run_backwards(start in 0_i64..5000, first in 0_i64..3000, later in 0_i64..3000) {
            let from = day(2015, 1, 1) + chrono::Duration::days(start);
            let near = from + chrono::Duration::days(first.min(later));
            let far = from + chrono::Duration::days(first.max(later));
            prop_assert!(completed_months(from, near) <= completed_months(from, far));
        }

        #[test]
        fn a_day_is_one_month_more_than_the_same_day_a_month_before(start in 0_i64..5000, months in 0_u32..100) {
            let from = day(2015, 1, 1) + chrono::Duration::days(start);
            let to = from + chrono::Months::new(months);
            prop_assert_eq!(completed_months(from, to), i32::try_from(months).expect("small"));
            prop_assert!(completed_months(from, to - chrono::Duration::days(1)) < i32::try_from(months).expect("small"));
        }

        #[test]
        fn a_preterm_child_is_never_counted_older_than_born_at_term(gestation in 140_u32..259, lived in 0_u64..800) {
            let date = day(2024, 2, 29);
            let on = date + Days::new(lived);
            let early = Birth { date, gestation_days: Some(gestation) }.age_on(on).expect("after birth");
            let term = Birth { date, gestation_days: Some(280) }.age_on(on).expect("after birth");
            prop_assert!(early.months_used() <= term.months_used());
            prop_assert_eq!(early.basis() == Basis::Corrected, early.chronological_months < 24);
        }
    }
}
