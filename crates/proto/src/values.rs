//! Conversions between proto values and the types the services compute with.

use chrono::{DateTime, NaiveDate, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

/// A string that is not what the field asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

/// A UUID in its hyphenated form.
pub fn uuid(text: &str) -> Result<Uuid, Invalid> {
    Uuid::try_parse(text).map_err(|_| Invalid)
}

/// A date YYYY-MM-DD.
pub fn date(text: &str) -> Result<NaiveDate, Invalid> {
    if text.len() != 10 {
        return Err(Invalid);
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| Invalid)
}

/// A moment as a proto timestamp.
pub fn timestamp(moment: DateTime<Utc>) -> Timestamp {
    let nanos = i32::try_from(moment.timestamp_subsec_nanos()).unwrap_or(999_999_999);
    Timestamp { seconds: moment.timestamp(), nanos }
}
