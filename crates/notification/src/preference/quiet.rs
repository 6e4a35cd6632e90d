//! The hours in which push and text messages rest.

use chrono::{DateTime, Days, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Asia::Seoul;

/// When they begin, in Korea.
pub(crate) const FROM: NaiveTime = NaiveTime::from_hms_opt(21, 0, 0).expect("a time of day");
/// When they end, in Korea.
pub(crate) const TO: NaiveTime = NaiveTime::from_hms_opt(8, 0, 0).expect("a time of day");

/// The moment itself, or the end of the quiet hours that it is in.
pub(crate) fn after(moment: DateTime<Utc>) -> DateTime<Utc> {
    let there = moment.with_timezone(&Seoul).naive_local();
    let days = match there.time() {
        time if time >= FROM => 1,
        time if time < TO => 0,
        _ => return moment,
    };
    let end = there.date().and_time(TO) + Days::new(days);
    Seoul.from_local_datetime(&end).earliest().map_or(moment, |end| end.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono::Timelike as _;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    #[test]
    fn the_night_ends_at_eight_in_korea() {
        assert_eq!(after(at("2026-11-25T20:59:59+09:00")), at("2026-11-25T20:59:59+09:00"));
        assert_eq!(after(at("2026-11-25T21:00:00+09:00")), at("2026-11-26T08:00:00+09:00"));
        assert_eq!(after(at("2026-12-31T23:59:59+09:00")), at("2027-01-01T08:00:00+09:00"));
        assert_eq!(after(at("2026-11-26T07:59:59+09:00")), at("2026-11-26T08:00:00+09:00"));
        assert_eq!(after(at("2026-11-26T08:00:00+09:00")), at("2026-11-26T08:00:00+09:00"));
    }

    proptest! {
        #[test]
        fn nothing_is_sent_at_night_nor_earlier_nor_much_later(seconds in 1_600_000_000_i64..4_000_000_000) {
            let moment = DateTime::from_timestamp(seconds, 0).expect("a moment");
            let sent = after(moment);
            let hour = sent.with_timezone(&Seoul).hour();
            prop_assert!((8..21).contains(&hour), "{sent}");
            prop_assert!(sent >= moment && (sent - moment).num_hours() <= 11);
            prop_assert_eq!(after(sent), sent);
        }
    }
}
