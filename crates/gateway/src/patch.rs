//! Bodies of PATCH: the keys say what changes, a null clears.

use std::fmt;

use aipoten_proto::FieldMask;
use axum::extract::{FromRequest, Request};
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use crate::error::{Failure, Violation};
use crate::input;

/// A change: the new values and the names of all fields it touches.
#[derive(Debug)]
pub(crate) struct Patch<T> {
    pub(crate) body: T,
    pub(crate) mask: Option<FieldMask>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Patch<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        parse(&input::body(request, state).await?)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Patch<T>, Failure> {
    let mut map: Map<String, Value> = input::parse(bytes)?;
    let known = fields_of::<T>();
    let unknown = map.keys().filter(|key| !known.contains(&key.as_str()));
    let unknown: Vec<_> = unknown.map(|key| Violation::new(key, "unknown_field")).collect();
    if !unknown.is_empty() {
        return Err(Failure::invalid(unknown));
    }
    let paths = map.keys().cloned().collect();
    map.retain(|_, value| !value.is_null());
    let body = serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| input::refused(&error))?;
    Ok(Patch { body, mask: Some(FieldMask { paths }) })
}

/// The names a message has in JSON, as its derived `Deserialize` gives them to any deserializer.
fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(AskFields) {
        Err(Fields(names)) => names,
        Ok(_) => &[],
    }
}

struct AskFields;

#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl fmt::Display for Fields {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "fields {:?}", self.0)
    }
}

impl std::error::Error for Fields {}

impl Error for Fields {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for AskFields {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use aipoten_proto::content::v1::UpdateVideoRequest;
    use aipoten_proto::identity::v1::UpdateChildRequest;

    use super::{Patch, Violation, parse};

    fn paths<T>(patch: Patch<T>) -> Vec<String> {
        patch.mask.map(|mask| mask.paths).unwrap_or_default()
    }

    #[test]
    fn every_key_is_in_the_mask_and_a_null_leaves_its_field_empty() {
        let patch = parse::<UpdateChildRequest>(br#"{"name":"Haru","notes":null}"#).expect("known fields");
        assert_eq!(patch.body.name.as_deref(), Some("Haru"));
        assert_eq!(patch.body.notes, None);
        assert_eq!(paths(patch), ["name", "notes"]);
    }

    #[test]
    fn a_list_can_be_cleared_too() {
        let patch = parse::<UpdateVideoRequest>(br#"{"tags":null}"#).expect("known fields");
        assert_eq!(patch.body.tags, [""; 0]);
        assert_eq!(paths(patch), ["tags"]);
    }

    #[test]
    fn unknown_keys_are_refused_all_at_once_with_a_value_or_null() {
        let json = br#"{"name":"x","role":"admin","id":null,"child_id":"y","update_mask":null,"expected_version":1}"#;
        let failure = parse::<UpdateChildRequest>(json).expect_err("five of them are unknown");
        let fields: Vec<_> = failure.violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["child_id", "expected_version", "id", "role", "update_mask"]);
        assert!(failure.violations.iter().all(|it| it.key == "unknown_field"));
    }

    #[test]
    fn a_wrong_type_is_named_and_no_object_is_refused() {
        let failure = parse::<UpdateChildRequest>(br#"{"birth_weight_g":"heavy"}"#).expect_err("a number is wanted");
        assert_eq!(failure.violations, [Violation::new("birth_weight_g", "wrong_type")]);
        assert_eq!(parse::<UpdateChildRequest>(b"[1]").expect_err("no object").code, "VALIDATION_ERROR");
        assert_eq!(parse::<UpdateChildRequest>(b"{").expect_err("no JSON").code, "MALFORMED_REQUEST");
        let deep = format!("{{\"name\":{}", "[".repeat(100_000));
        let failure = parse::<UpdateChildRequest>(deep.as_bytes()).expect_err("deeper than anyone needs");
        assert_eq!(failure.code, "MALFORMED_REQUEST");
    }
}
