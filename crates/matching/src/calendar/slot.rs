//! Which times are free: working hours less what takes them. A pure computation.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::booking::Visit;

/// Sessions begin on this grid, counted from the begin of the working hours that they are offered in.
const GRID: TimeDelta = TimeDelta::minutes(30);
/// Minutes of a day: the midnight after it.
pub(crate) const MIDNIGHT: i16 = 24 * 60;

/// A time at which a session can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
}

/// From a moment to another, which is no longer part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
}

/// From and to, in minutes after midnight, up to [`MIDNIGHT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) start_minute: i16,
    pub(crate) end_minute: i16,
}

impl Hours {
    /// Both, or none.
    pub(crate) fn of(start_minute: Option<i16>, end_minute: Option<i16>) -> Option<Self> {
        start_minute.zip(end_minute).map(|(start_minute, end_minute)| Self { start_minute, end_minute })
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.start_minute < other.end_minute && other.start_minute < self.end_minute
    }
}

/// All that decides which times of a therapist are free.
#[derive(Debug, Clone)]
pub(crate) struct Timetable {
    /// Where days, hours and holidays are those of.
    pub(crate) zone: Tz,
    /// With the day of the week, 0 (Sunday) to 6.
    pub(crate) weekly: Vec<(i16, Hours)>,
    /// Worked besides the weekly hours, on holidays too.
    pub(crate) extra: Vec<(NaiveDate, Hours)>,
    /// Days without weekly hours.
    pub(crate) holidays: Vec<NaiveDate>,
    /// What takes the therapist's time: time off, and sessions and holds with what they need around themselves.
    pub(crate) occupied: Vec<Span>,
    /// When the therapist's sessions and holds begin.
    pub(crate) booked: Vec<DateTime<Utc>>,
    /// The child's sessions, with any therapist.
    pub(crate) child: Vec<Span>,
    /// Most sessions on a day.
    pub(crate) daily_limit: i16,
    /// Nothing begins before.
    pub(crate) earliest: DateTime<Utc>,
    /// Nothing begins on a later day.
    pub(crate) last_day: NaiveDate,
}

impl Timetable {
    /// The free times that begin on these days, by their begin. The session lies in working hours; what it needs around itself
    /// may lie outside.
    pub(crate) fn slots(&self, visit: &Visit, from: NaiveDate, to: NaiveDate) -> Vec<Slot> {
        let days = || from.iter_days().take_while(|day| *day <= to.min(self.last_day));
        // The day after is where sessions end that go over midnight.
        let last = days().last().and_then(|day| day.succ_opt());
        let working = merged(days().chain(last).flat_map(|day| self.working(day)));
        let (occupied, child) = (merged(self.occupied.iter().copied()), merged(self.child.iter().copied()));
        let booked = self.booked_by_day();
        let fits = |starts_at: &DateTime<Utc>| {
            let session = Span { from: *starts_at, to: visit.ends_at(*starts_at) };
            let (from, to) = visit.occupied(*starts_at);
            *starts_at >= self.earliest
                && covers(&working, session)
                && !meets(&occupied, Span { from, to })
                && !meets(&child, session)
        };
        let open = days().filter(|day| booked.get(day).is_none_or(|number| *number < self.daily_limit));
        let mut starts: Vec<_> = open.flat_map(|day| self.working(day)).flat_map(grid).filter(fits).collect();
        starts.sort_unstable();
        starts.dedup();
        starts.into_iter().map(|starts_at| Slot { starts_at, ends_at: visit.ends_at(starts_at) }).collect()
    }

    /// The working hours of a day, as they were given.
    fn working(&self, day: NaiveDate) -> impl Iterator<Item = Span> {
        let weekday = day.weekday().num_days_from_sunday();
        let closed = self.holidays.contains(&day);
        let weekly = self.weekly.iter().filter(move |(on, _)| !closed && i64::from(*on) == i64::from(weekday));
        let extra = self.extra.iter().filter(move |(date, _)| *date == day);
        weekly.map(|it| it.1).chain(extra.map(|it| it.1)).map(move |hours| Span {
            from: moment(self.zone, day, hours.start_minute),
            to: moment(self.zone, day, hours.end_minute),
        })
    }

    fn booked_by_day(&self) -> HashMap<NaiveDate, i16> {
        let mut days = HashMap::new();
        for begin in &self.booked {
            *days.entry(begin.with_timezone(&self.zone).date_naive()).or_default() += 1;
        }
        days
    }
}

/// A minute of a day in a zone. Where clocks are put forward over it, the first moment after; where they are put back over it,
/// the first of the two.
pub(crate) fn moment(zone: Tz, day: NaiveDate, minute: i16) -> DateTime<Utc> {
    let known =
        |minute| zone.from_local_datetime(&(day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute))).earliest();
    (i64::from(minute)..).find_map(known).expect("no zone skips all days to come").to_utc()
}

/// The begins that hours offer.
fn grid(hours: Span) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(Some(hours.from), |begin| Some(*begin + GRID)).take_while(move |begin| *begin < hours.to)
}

/// In order, those that touch or overlap as one.
fn merged(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans.collect();
    sorted.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => merged.push(span),
        }
    }
    merged
}

/// Whether one of these, which are in order and apart, holds the whole span.
fn covers(spans: &[Span], span: Span) -> bool {
    let after = spans.partition_point(|it| it.from <= span.from);
    after > 0 && spans[after - 1].to >= span.to
}

/// Whether one of these, which are in order and apart, has a moment of the span.
fn meets(spans: &[Span], span: Span) -> bool {
    let at = spans.partition_point(|it| it.to <= span.from);
    spans.get(at).is_some_and(|it| it.from < span.to)
}

#[cfg(test)]
mod tests;
