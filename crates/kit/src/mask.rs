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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    const KNOWN: [&str; 2] = ["name", "phone"];

    fn read(
        paths: Vec<String>,
        name: Option<i32>,
        phone: Option<i32>,
    ) -> Result<(Option<i32>, Option<Option<i32>>), Error> {
        let mut fields = Fields::new();
        let mask = Mask::parse(&mut fields, Some(FieldMask { paths }), &KNOWN);
        let (name, phone) = (mask.kept(&mut fields, "name", name), mask.clearable("phone", phone));
        fields.finish().map(|()| (name, phone))
    }

    #[test]
    fn a_missing_mask_names_nothing() {
        let mut fields = Fields::new();
        Mask::parse(&mut fields, None, &KNOWN);
        assert!(fields.finish().is_err());
    }

    proptest! {
        #[test]
        fn a_field_changes_when_the_mask_names_it_and_at_no_other_time(
            paths in proptest::collection::vec("name|phone|id|Name|", 0..4),
            name: Option<i32>,
            phone: Option<i32>,
        ) {
            let named = |field: &str| paths.iter().any(|path| path == field);
            let known = paths.iter().all(|path| KNOWN.contains(&path.as_str()));
            match read(paths.clone(), name, phone) {
                Ok((new_name, new_phone)) => {
                    prop_assert!(known && !paths.is_empty());
                    prop_assert_eq!(new_name, name.filter(|_| named("name")));
                    prop_assert_eq!(new_phone, named("phone").then_some(phone));
                }
                Err(_) => prop_assert!(!known || paths.is_empty() || (named("name") && name.is_none())),
            }
        }
    }
}
