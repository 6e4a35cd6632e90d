//! Begins of sessions, as requests name them.

use aipoten_kit::Fields;
use aipoten_proto::Timestamp;
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock;

/// Nobody plans further ahead.
const YEARS: i64 = 2;

/// A begin that lies ahead, and not too far.
pub(crate) fn begin(fields: &mut Fields, field: &str, moment: Option<Timestamp>) -> DateTime<Utc> {
    let begin = fields.moment(field, moment);
    let now = clock::now();
    if begin > now + TimeDelta::days(YEARS * 365) {
        fields.violate(field, format!("too_far_ahead years={YEARS}"));
    }
    fields.check(moment.is_none() || begin > now, field, "time_past");
    begin
}

/// Several, each but once.
pub(crate) fn begins(fields: &mut Fields, field: &str, moments: &[Timestamp], most: usize) -> Vec<DateTime<Utc>> {
    if moments.len() > most {
        fields.violate(field, format!("too_many max={most}"));
    }
    let mut begins = Vec::new();
    for (at, moment) in moments.iter().enumerate() {
        let path = format!("{field}[{at}]");
        let begin = begin(fields, &path, Some(*moment));
        fields.check(!begins.contains(&begin), &path, "duplicate");
        begins.push(begin);
    }
    begins
}
