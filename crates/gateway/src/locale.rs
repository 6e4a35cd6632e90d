//! Which language an answer is in.

use aipoten_kit::Locale;

/// The best of ours for an `Accept-Language` header; Korean when nothing fits.
pub(crate) fn negotiate(header: &str) -> Locale {
    let mut best = (Locale::default(), 0.0);
    for choice in header.split(',') {
        let (range, weight) = weighted(choice);
        if let Some(locale) = spoken(range)
            && weight > best.1
        {
            best = (locale, weight);
        }
    }
    best.0
}

fn spoken(range: &str) -> Option<Locale> {
    let primary = range.split('-').next().unwrap_or(range);
    if primary.eq_ignore_ascii_case("ko") || primary == "*" {
        Some(Locale::Ko)
    } else if primary.eq_ignore_ascii_case("en") {
        Some(Locale::En)
    } else {
        None
    }
}

/// `en-US;q=0.8` -> ("en-US", 0.8); a weight that is no number counts as none.
fn weighted(choice: &str) -> (&str, f32) {
    let mut parts = choice.split(';');
    let range = parts.next().unwrap_or_default().trim();
    let weight = match parts.next().map(str::trim) {
        None => 1.0,
        Some(text) => text.strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0),
    };
    (range, weight)
}

#[cfg(test)]
mod tests {
    use super::{Locale, negotiate};

    #[test]
    fn the_heaviest_language_we_speak_wins_and_korean_is_the_default() {
        for (header, expected) in [
            ("", Locale::Ko),
            ("en", Locale::En),
            ("en-GB,ko;q=0.9", Locale::En),
            ("fr, en;q=0.3, ko;q=0.7", Locale::Ko),
            ("fr, EN-us;q=0.3", Locale::En),
            ("ko, en", Locale::Ko),
            ("en;q=0", Locale::Ko),
            ("de, *;q=0.5", Locale::Ko),
            ("en;q=much", Locale::Ko),
            (";;;,,,=", Locale::Ko),
        ] {
            assert_eq!(negotiate(header), expected, "{header}");
        }
    }
}
