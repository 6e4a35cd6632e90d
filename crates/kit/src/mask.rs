//! Partial updates: which fields a PATCH names, and what that means for each.

use aipoten_proto::FieldMask;

use crate::Fields;

/// The fields that an update names.
#[derive(Debug)]
pub struct Mask(Vec<String>);

impl Mask {
    /// Reads the mask; a path that is not one of `known` is a violation, and so is an empty mask.
    pub fn parse(fields: &mut Fields, mask: Option<FieldMask>, known: &[&str]) -> Self {
        let paths = mask.unwrap_or_default().paths;
        fields.check(!paths.is_empty(), "update_mask", "nothing_to_change");
        for path in paths.iter().filter(|path| !known.contains(&path.as_str())) {
            fields.violate(path, "unknown_field");
        }
        Self(paths)
    }

    fn names(&self, field: &str) -> bool {
        self.0.iter().any(|path| path == field)
    }

    /// A field that cannot be empty: `Some` when it is to be changed; named without a value is a violation.
    pub fn kept<T>(&self, fields: &mut Fields, field: &str, value: Option<T>) -> Option<T> {
        if !self.names(field) {
            return None;
        }
        fields.check(value.is_some(), field, "cannot_be_empty");
        value
    }

    /// A field that can be cleared: `Some(None)` clears it, `Some(Some(value))` sets it, `None` leaves it.
    pub fn clearable<T>(&self, field: &str, value: Option<T>) -> Option<Option<T>> {
        self.names(field).then_some(value)
    }
}
