//! Conversions between proto values and the types the services compute with.

use chrono::{DateTime, NaiveDate, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

/// A string that is not what the field asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

/// A UUID in its hyphenated form.
pub fn uuid(text: &str) -> Result<Uuid, Invalid> {
    // The parser would also take braces, `urn:uuid:` and no hyphens: one thing has one name.
    if text.len() != 36 {
        return Err(Invalid);
    }
    Uuid::try_parse(text).map_err(|_| Invalid)
}

/// A date YYYY-MM-DD.
pub fn date(text: &str) -> Result<NaiveDate, Invalid> {
    // The parser would also take signs, spaces and single digits.
    let shape = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return Err(Invalid);
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| Invalid)
}

/// A moment as a proto timestamp.
pub fn timestamp(moment: DateTime<Utc>) -> Timestamp {
    let nanos = i32::try_from(moment.timestamp_subsec_nanos()).unwrap_or(999_999_999);
    Timestamp { seconds: moment.timestamp(), nanos }
}

/// A proto timestamp as a moment, if it is one.
pub fn moment(timestamp: Timestamp) -> Result<DateTime<Utc>, Invalid> {
    let nanos = u32::try_from(timestamp.nanos).map_err(|_| Invalid)?;
    DateTime::from_timestamp(timestamp.seconds, nanos).ok_or(Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_one_form() {
        assert_eq!(date("2025-03-04"), Ok(NaiveDate::from_ymd_opt(2025, 3, 4).expect("a day")));
        for odd in ["", "2025-3-4", "+025-03-04", " 2025-3-04", "2025-03- 4", "2025-02-30", "2025/03/04", "２025-03-0"]
        {
            assert_eq!(date(odd), Err(Invalid), "{odd}");
        }
    }

    #[test]
    fn a_uuid_has_one_form() {
        let id = Uuid::from_u128(7);
        assert_eq!(uuid(&id.to_string()), Ok(id));
        for odd in [id.simple().to_string(), id.braced().to_string(), id.urn().to_string(), String::new()] {
            assert_eq!(uuid(&odd), Err(Invalid), "{odd}");
        }
    }
}
