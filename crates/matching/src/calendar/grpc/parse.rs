//! Reading what is asked of calendars.

use aipoten_kit::{Fields, Result};
use aipoten_proto::matching::v1 as proto;
use chrono::{Days, Months, NaiveDate};
use uuid::Uuid;

use crate::calendar::blocked_date::{BlockedDate, BlockedDateKind};
use crate::calendar::hours::NewAvailability;
use crate::calendar::slot::{Hours, MIDNIGHT};
use crate::clock;
use crate::kind::Kind;

/// Most weekly hours: six a day.
const MOST_HOURS: usize = 42;
/// Most days that slots are listed for.
const MOST_DAYS: i64 = 62;
/// Days that slots are listed for unless said otherwise.
const DAYS: u64 = 14;

/// Which slots are asked for.
pub(super) struct SlotsAsked {
    pub(super) therapist_id: Uuid,
    pub(super) kind: Option<Kind>,
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

pub(super) fn availability(request: &proto::PutAvailabilityRequest) -> Result<NewAvailability> {
    let mut fields = Fields::new();
    let given = &request.weekly_hours;
    fields.check(given.len() <= MOST_HOURS, "weekly_hours", &format!("too_many max={MOST_HOURS}"));
    let mut weekly: Vec<(i16, Hours)> = Vec::new();
    for (number, item) in given.iter().take(MOST_HOURS).enumerate() {
        let place = format!("weekly_hours[{number}]");
        let day = day_of_week(&mut fields, &format!("{place}.day_of_week"), item.day_of_week);
        if let Some(hours) = hours(&mut fields, &format!("{place}."), &item.start_time, &item.end_time) {
            let overlaps = weekly.iter().any(|(on, other)| *on == day && hours.meets(*other));
            fields.check(!overlaps, &place, "overlapping_hours");
            weekly.push((day, hours));
        }
    }
    fields.finish()?;
    let works_on_holidays = request.works_on_holidays.unwrap_or_default();
    Ok(NewAvailability { weekly, works_on_holidays, expected_version: request.expected_version })
}

pub(super) fn blocked_date(request: proto::CreateBlockedDateRequest) -> Result<BlockedDate> {
    let mut fields = Fields::new();
    let kind = match request.kind() {
        proto::BlockedDateKind::Unspecified => None,
        proto::BlockedDateKind::Blocked => Some(BlockedDateKind::Blocked),
        proto::BlockedDateKind::Extra => Some(BlockedDateKind::Extra),
    };
    let whole_day = request.start_time.is_none() && request.end_time.is_none();
    let may_be_whole_day = kind != Some(BlockedDateKind::Extra);
    let hours = if whole_day && may_be_whole_day {
        None
    } else {
        let (start, end) = (request.start_time.unwrap_or_default(), request.end_time.unwrap_or_default());
        hours(&mut fields, "", &start, &end)
    };
    let date = BlockedDate {
        id: Uuid::now_v7(),
        date: coming_day(&mut fields, &request.date),
        hours,
        kind: fields.required("kind", kind),
        reason: fields.optional_text("reason", request.reason, 200),
    };
    fields.finish()?;
    Ok(date)
}

pub(super) fn slots(request: &proto::ListSlotsRequest) -> Result<SlotsAsked> {
    let mut fields = Fields::new();
    let from = request.from.as_ref().map_or_else(clock::today, |date| fields.date("from", date));
    let to = request.to.as_ref().map_or_else(|| from + Days::new(DAYS - 1), |date| fields.date("to", date));
    let asked = SlotsAsked {
        therapist_id: fields.uuid("therapist_id", &request.therapist_id),
        kind: request.kind.map(|_| Kind::parse(&mut fields, "kind", request.kind())),
        from,
        to,
    };
    let days = (to - from).num_days() + 1;
    fields.check(days >= 1, "to", "before_from");
    fields.check(days <= MOST_DAYS, "to", &format!("too_many_days max={MOST_DAYS}"));
    fields.finish()?;
    Ok(asked)
}

fn day_of_week(fields: &mut Fields, field: &str, day: Option<i32>) -> i16 {
    let day = fields.required(field, day);
    i16::try_from(fields.number(field, day, 0..=6)).unwrap_or_default()
}

/// Both times, the second after the first.
fn hours(fields: &mut Fields, place: &str, start: &str, end: &str) -> Option<Hours> {
    let start_minute = minute(fields, &format!("{place}start_time"), start);
    let end_minute = minute(fields, &format!("{place}end_time"), end);
    let hours = Hours::of(start_minute, end_minute)?;
    let in_order = hours.start_minute < hours.end_minute;
    fields.check(in_order, &format!("{place}end_time"), "not_after_begin");
    in_order.then_some(hours)
}

fn minute(fields: &mut Fields, field: &str, time: &str) -> Option<i16> {
    let minute = parse_minute(time);
    if minute.is_none() {
        fields.violate(field, if time.is_empty() { "required" } else { "not_a_time" });
    }
    minute
}

/// HH:MM in minutes after midnight, up to 24:00.
fn parse_minute(time: &str) -> Option<i16> {
    let (hour, minute) = time.split_once(':')?;
    let number = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
        digits.parse::<i16>().ok().filter(|_| plain)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= MIDNIGHT).then_some(minutes)
}

fn coming_day(fields: &mut Fields, text: &str) -> NaiveDate {
    let date = fields.date("date", text);
    if aipoten_proto::date(text).is_ok() {
        let today = clock::today();
        fields.check(date >= today, "date", "in_the_past");
        fields.check(date <= today + Months::new(24), "date", "too_far_ahead years=2");
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_form() {
        assert_eq!(parse_minute("00:00"), Some(0));
        assert_eq!(parse_minute("23:59"), Some(1439));
        assert_eq!(parse_minute("24:00"), Some(1440));
        for odd in ["24:01", "25:00", "9:00", "09:60", "0900", "09:00:00", "+9:00", "", "09:0०", "99:99"] {
            assert_eq!(parse_minute(odd), None, "{odd}");
        }
    }
}
