//! Reading the fields of a request: every violation is kept, so that all are told at once.

use std::fmt::Display;
use std::ops::RangeInclusive;

use aipoten_proto::Timestamp;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::{Error, Result, Violation};

/// Collects what is wrong with a request while its fields are read. A read that fails gives a placeholder;
/// [`Fields::finish`] turns the whole into an error, so that no placeholder is ever used.
#[derive(Debug, Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a violation: the key of a text with its parameters, such as `too_long max=80`.
    pub fn violate(&mut self, field: &str, rule: impl Into<String>) {
        self.0.push(Violation { field: field.to_owned(), rule: rule.into() });
    }

    /// Notes a violation unless `fine`.
    pub fn check(&mut self, fine: bool, field: &str, rule: &str) {
        if !fine {
            self.violate(field, rule);
        }
    }

    /// Ok when nothing was wrong, else everything that was.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidArgument(self.0)) }
    }

    /// A text of 1 to `max` characters without control characters (line breaks and tabs are fine), trimmed.
    pub fn text(&mut self, field: &str, value: &str, max: usize) -> String {
        let value = value.trim();
        if value.is_empty() {
            self.violate(field, "required");
        } else if value.chars().count() > max {
            self.violate(field, format!("too_long max={max}"));
        } else if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.violate(field, "control_characters");
        }
        value.to_owned()
    }

    /// A text as in [`Fields::text`] on a single line: names, addresses, anything that may come to stand in a header.
    pub fn line(&mut self, field: &str, value: &str, max: usize) -> String {
        let value = self.text(field, value, max);
        self.check(!value.contains(['\n', '\r', '\t']), field, "control_characters");
        value
    }

    /// A text that may be missing; given, it is as in [`Fields::text`].
    pub fn optional_text(&mut self, field: &str, value: Option<String>, max: usize) -> Option<String> {
        value.map(|value| self.text(field, &value, max))
    }

    /// A number within bounds.
    pub fn number<T: PartialOrd + Display + Copy>(&mut self, field: &str, value: T, bounds: RangeInclusive<T>) -> T {
        if !bounds.contains(&value) {
            self.violate(field, format!("out_of_range min={} max={}", bounds.start(), bounds.end()));
        }
        value
    }

    /// A number that may be missing; given, it is as in [`Fields::number`].
    pub fn optional_number<T: PartialOrd + Display + Copy>(
        &mut self,
        field: &str,
        value: Option<T>,
        bounds: RangeInclusive<T>,
    ) -> Option<T> {
        value.map(|value| self.number(field, value, bounds))
    }

    /// A UUID.
    pub fn uuid(&mut self, field: &str, value: &str) -> Uuid {
        aipoten_proto::uuid(value).unwrap_or_else(|_| {
            self.violate(field, if value.is_empty() { "required" } else { "not_a_uuid" });
            Uuid::nil()
        })
    }

    /// A date YYYY-MM-DD.
    pub fn date(&mut self, field: &str, value: &str) -> NaiveDate {
        aipoten_proto::date(value).unwrap_or_else(|_| {
            self.violate(field, if value.is_empty() { "required" } else { "not_a_date" });
            NaiveDate::default()
        })
    }

    /// A moment.
    pub fn moment(&mut self, field: &str, value: Option<Timestamp>) -> DateTime<Utc> {
        match value.map(aipoten_proto::moment) {
            Some(Ok(moment)) => return moment,
            Some(Err(_)) => self.violate(field, "invalid"),
            None => self.violate(field, "required"),
        }
        DateTime::default()
    }

    /// A value that must be there; `None` stands for absent or unspecified.
    pub fn required<T: Default>(&mut self, field: &str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.violate(field, "required");
            T::default()
        })
    }
}

impl Fields {
    /// The UUID of a request that has no other field to check.
    pub fn only_uuid(field: &str, value: &str) -> Result<Uuid> {
        let mut fields = Self::new();
        let id = fields.uuid(field, value);
        fields.finish().map(|()| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_are_told_at_once() {
        let mut fields = Fields::new();
        fields.text("name", "  ", 10);
        fields.text("nul", "a\0b", 10);
        fields.text("lines", "a\nb", 10);
        fields.line("line", "a\nb", 10);
        fields.number("weeks", 46, 20..=45);
        fields.date("birth_date", "2026-2-30");
        fields.uuid("child_id", "nope");
        let Err(Error::InvalidArgument(violations)) = fields.finish() else { panic!("violations expected") };
        let rules: Vec<&str> = violations.iter().map(|it| it.rule.as_str()).collect();
        assert_eq!(
            rules,
            [
                "required",
                "control_characters",
                "control_characters",
                "out_of_range min=20 max=45",
                "not_a_date",
                "not_a_uuid"
            ]
        );
    }
}
