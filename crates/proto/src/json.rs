//! How proto values that Rust holds as numbers or structs become JSON and back; named by the derives of the build script.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// A proto enum: kept as `i32` by prost, shown by name.
pub trait Named: TryFrom<i32> + Into<i32> + Serialize + for<'de> Deserialize<'de> {}
impl<E: TryFrom<i32> + Into<i32> + Serialize + for<'de> Deserialize<'de>> Named for E {}

fn name<E: Named, S: Serializer>(number: i32) -> Result<E, S::Error> {
    E::try_from(number).map_err(|_| ser::Error::custom(format!("no enum value has the number {number}")))
}

/// A derived `Deserialize` would take `{"name": null}` for `"name"` too.
fn number<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    let name: String = String::deserialize(from)?;
    E::deserialize(name.into_deserializer()).map(Into::into)
}

/// An enum field.
pub mod single {
    use super::{Deserializer, Named, Serializer, name, number};

    /// Writes the name.
    pub fn serialize<E: Named, S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
        name::<E, S>(*number)?.serialize(to)
    }

    /// Reads the name.
    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
        number::<E, D>(from)
    }
}

/// One of an enum's names inside something else.
struct Number<E>(i32, PhantomData<E>);

impl<'de, E: Named> Deserialize<'de> for Number<E> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        number::<E, D>(from).map(|number| Self(number, PhantomData))
    }
}

/// An optional enum field.
pub mod optional {
    use super::{Deserialize, Deserializer, Named, Number, Serialize, Serializer, name};

    /// Writes the name or null.
    pub fn serialize<E: Named, S: Serializer>(number: &Option<i32>, to: S) -> Result<S::Ok, S::Error> {
        number.map(name::<E, S>).transpose()?.serialize(to)
    }

    /// Reads the name or null.
    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<Option<i32>, D::Error> {
        Ok(Option::<Number<E>>::deserialize(from)?.map(|it| it.0))
    }
}

/// A repeated enum field.
pub mod repeated {
    use super::{Deserialize, Deserializer, Named, Number, Serializer, name};

    /// Writes the names.
    pub fn serialize<E: Named, S: Serializer>(numbers: &[i32], to: S) -> Result<S::Ok, S::Error> {
        let names: Result<Vec<E>, S::Error> = numbers.iter().map(|number| name::<E, S>(*number)).collect();
        to.collect_seq(names?)
    }

    /// Reads the names.
    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<Vec<i32>, D::Error> {
        Ok(Vec::<Number<E>>::deserialize(from)?.into_iter().map(|it| it.0).collect())
    }
}

/// A message that is a JSON object. A derived `Deserialize` alone would take an array of its values too.
pub struct Object<M>(pub M);

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Object<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members(PhantomData))
    }
}

struct Members<M>(PhantomData<M>);

impl<'de, M: Deserialize<'de>> Visitor<'de> for Members<M> {
    type Value = Object<M>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<M>, A::Error> {
        M::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

/// Messages inside a request.
pub mod objects {
    use super::{Deserialize, Deserializer, Object};

    /// Reads the objects.
    pub fn deserialize<'de, M: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<M>, D::Error> {
        Ok(Vec::<Object<M>>::deserialize(from)?.into_iter().map(|it| it.0).collect())
    }
}

/// A moment: RFC 3339 in UTC.
pub mod timestamp {
    use prost_types::Timestamp;

    use super::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// Writes the moment or null.
    pub fn serialize<S: Serializer>(value: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        value.map(|moment| moment.to_string()).serialize(to)
    }

    /// Reads the moment or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let parse = |text: String| {
            text.parse().map_err(|_| de::Error::custom("expected a moment such as 2026-11-21T09:30:00Z"))
        };
        text.map(parse).transpose()
    }
}

/// Several moments.
pub mod timestamps {
    use prost_types::Timestamp;

    use super::{Deserialize, Deserializer, Serializer, timestamp};

    #[derive(Deserialize)]
    struct Moment(#[serde(deserialize_with = "timestamp::deserialize")] Option<Timestamp>);

    /// Writes the moments.
    pub fn serialize<S: Serializer>(moments: &[Timestamp], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(moments.iter().map(ToString::to_string))
    }

    /// Reads the moments.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Timestamp>, D::Error> {
        let moments = Vec::<Moment>::deserialize(from)?;
        moments.into_iter().map(|it| it.0.ok_or_else(|| super::de::Error::custom("invalid type: null"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Object;
    use crate::content::v1::SaveResponsesRequest;
    use crate::identity::v1::{Child, CreateChildRequest};

    #[test]
    fn enums_are_names_and_absent_values_are_null() {
        let child = Child { gender: 2, created_at: Some(prost_types::Timestamp::default()), ..Child::default() };
        let json = serde_json::to_value(&child).expect("a child is JSON");
        assert_eq!(json["gender"], "female");
        assert_eq!(json["created_at"], "1970-01-01T00:00:00Z");
        assert!(json["medical_history"].is_null());
    }

    #[test]
    fn an_object_is_no_array_and_a_name_is_no_object() {
        let enums = serde_json::from_str::<CreateChildRequest>(r#"{"gender":{"female":null}}"#);
        assert!(enums.is_err());
        let answers = |json: &str| serde_json::from_str::<SaveResponsesRequest>(json);
        assert!(answers(r#"{"responses":[{"question_id":"x","answer":"yes"}]}"#).is_ok());
        assert!(answers(r#"{"responses":[["x","yes"]]}"#).is_err());
        assert!(serde_json::from_str::<Object<CreateChildRequest>>(r#"["Haru","2025-01-01","female"]"#).is_err());
    }

    #[test]
    fn requests_refuse_unknown_fields_unspecified_and_what_the_gateway_fills() {
        let parse = |json: &str| serde_json::from_str::<CreateChildRequest>(json);
        assert_eq!(parse(r#"{"gender":"female"}"#).expect("known fields").gender, 2);
        assert!(parse(r#"{"id":"x"}"#).is_err());
        assert!(parse(r#"{"gender":"unspecified"}"#).is_err());
        let update = serde_json::from_str::<crate::identity::v1::UpdateChildRequest>(r#"{"child_id":"x"}"#);
        assert!(update.is_err(), "the path's id is refused in the body");
    }
}
