//! iCalendar (RFC 5545). Every text in it is ours, short, and free of what would have to be escaped or folded.

use std::fmt::Write as _;

use aipoten_kit::Locale;
use chrono::{DateTime, Utc};

use super::feed::Event;
use crate::kind::Kind;

/// What other calendars are shown: times, and nobody's name.
pub(super) fn calendar(locale: Locale, events: &[Event]) -> String {
    let mut ics = format!(
        "BEGIN:VCALENDAR\r\n\
         VERSION:2.0\r\n\
         PRODID:-//aipoten//calendar//{}\r\n\
         CALSCALE:GREGORIAN\r\n\
         METHOD:PUBLISH\r\n\
         NAME:{name}\r\n\
         X-WR-CALNAME:{name}\r\n\
         REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n\
         X-PUBLISHED-TTL:PT1H\r\n",
        locale.pick("KO", "EN"),
        name = locale.pick("아이포텐 상담", "aipoten sessions"),
    );
    for event in events {
        write(&mut ics, locale, event);
    }
    ics.push_str("END:VCALENDAR\r\n");
    ics
}

fn write(ics: &mut String, locale: Locale, event: &Event) {
    let changed = utc(event.updated_at);
    let lines = [
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}@aipoten", event.consultation_id),
        format!("SEQUENCE:{}", event.version),
        format!("DTSTAMP:{changed}"),
        format!("LAST-MODIFIED:{changed}"),
        format!("DTSTART:{}", utc(event.starts_at)),
        format!("DTEND:{}", utc(event.ends_at)),
        format!("SUMMARY:{}", summary(locale, event.kind)),
        format!("STATUS:{}", if event.cancelled { "CANCELLED" } else { "CONFIRMED" }),
        format!("TRANSP:{}", if event.cancelled { "TRANSPARENT" } else { "OPAQUE" }),
        "CLASS:PRIVATE".to_owned(),
        "END:VEVENT".to_owned(),
    ];
    for line in lines {
        let _ = write!(ics, "{line}\r\n");
    }
}

fn summary(locale: Locale, kind: Kind) -> &'static str {
    match kind {
        Kind::Online => locale.pick("온라인 상담", "Online session"),
        Kind::InPerson => locale.pick("센터 상담", "Session at the practice"),
        Kind::HomeVisit => locale.pick("가정 방문 상담", "Home visit"),
    }
}

fn utc(moment: DateTime<Utc>) -> String {
    moment.format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn no_line_has_to_be_folded_and_no_text_to_be_escaped() {
        for locale in [Locale::Ko, Locale::En] {
            let event = |kind| Event {
                consultation_id: Uuid::max(),
                kind,
                starts_at: DateTime::UNIX_EPOCH,
                ends_at: DateTime::UNIX_EPOCH,
                cancelled: true,
                version: i64::from(i32::MAX),
                updated_at: DateTime::UNIX_EPOCH,
            };
            let ics = calendar(locale, &[Kind::Online, Kind::InPerson, Kind::HomeVisit].map(event));
            assert!(ics.ends_with("END:VCALENDAR\r\n"));
            for line in ics.split_terminator("\r\n") {
                assert!(line.len() <= 75, "{line}");
                assert!(!line.contains(['\r', '\n', ',', '\\']), "{line}");
                let text = line.strip_prefix("SUMMARY:").or(line.strip_prefix("NAME:")).unwrap_or_default();
                assert!(!text.contains([';', ':']), "{line}");
            }
        }
    }
}
