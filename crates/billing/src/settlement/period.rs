//! Months, as they are in Korea.

use std::fmt;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Asia::Seoul;

/// A month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) first_day: NaiveDate,
    pub(super) last_day: NaiveDate,
    pub(super) begins_at: DateTime<Utc>,
    /// The first instant of the next month: what happens then or later belongs to another run.
    pub(super) cut_off: DateTime<Utc>,
}

impl Period {
    /// Reads YYYY-MM.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let first_day = aipoten_proto::date(&format!("{text}-01")).ok()?;
        let next = first_day.checked_add_months(Months::new(1))?;
        Some(Self {
            first_day,
            last_day: next.checked_sub_days(Days::new(1))?,
            begins_at: midnight(first_day)?,
            cut_off: midnight(next)?,
        })
    }

    pub(super) fn is_over(self, now: DateTime<Utc>) -> bool {
        now >= self.cut_off
    }

    pub(super) fn has_begun(self, now: DateTime<Utc>) -> bool {
        now >= self.begins_at
    }

    /// When what is settled for it is booked.
    pub(super) fn last_moment(self) -> DateTime<Utc> {
        self.cut_off - TimeDelta::microseconds(1)
    }
}

/// 2026-02
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first_day.format("%Y-%m"))
    }
}

fn midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(Seoul).earliest()?;
    Some(midnight.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_at_midnight_in_seoul() {
        let february = Period::parse("2028-02").expect("a month");
        assert_eq!(february.last_day.to_string(), "2028-02-29");
        assert_eq!(february.begins_at.to_rfc3339(), "2028-01-31T15:00:00+00:00");
        assert_eq!(february.cut_off.to_rfc3339(), "2028-02-29T15:00:00+00:00");
        assert_eq!(Period::parse("2027-12").expect("a month").cut_off.to_rfc3339(), "2027-12-31T15:00:00+00:00");
        assert_eq!(february.to_string(), "2028-02");
    }

    #[test]
    fn a_month_is_over_at_the_first_instant_of_the_next() {
        let month = Period::parse("2026-07").expect("a month");
        assert!(!month.is_over(month.last_moment()));
        assert!(month.is_over(month.cut_off));
    }

    #[test]
    fn a_month_has_one_form() {
        for odd in ["", "2026", "2026-7", "2026-13", "2026-00", "26-07", "2026-07-01", "+026-07", "2026/07", "٢026-07"]
        {
            assert_eq!(Period::parse(odd), None, "{odd}");
        }
    }
}
