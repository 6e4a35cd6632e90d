//! How proto values that Rust holds as numbers or structs become JSON and back; named by the derives of the build script.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// A proto enum: kept as `i32` by prost, shown by name.
pub trait Named: TryFrom<i32> + Into<i32> + Serialize + for<'de> Deserialize<'de> {}
impl<E: TryFrom<i32> + Into<i32> + Serialize + for<'de> Deserialize<'de>> Named for E {}

fn name<E: Named, S: Serializer>(number: i32) -> Result<E, S::Error> {
    E::try_from(number).map_err(|_| ser::Error::custom(format!("no enum value has the number {number}")))
}

/// An enum field.
pub mod single {
    use super::{Deserializer, Named, Serializer, name};

    /// Writes the name.
    pub fn serialize<E: Named, S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
        name::<E, S>(*number)?.serialize(to)
    }

    /// Reads the name.
    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
        E::deserialize(from).map(Into::into)
    }
}

/// An optional enum field.
pub mod optional {
    use super::{Deserialize, Deserializer, Named, Serialize, Serializer, name};

    /// Writes the name or null.
    pub fn serialize<E: Named, S: Serializer>(number: &Option<i32>, to: S) -> Result<S::Ok, S::Error> {
        number.map(name::<E, S>).transpose()?.serialize(to)
    }

    /// Reads the name or null.
    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<Option<i32>, D::Error> {
        Option::<E>::deserialize(from).map(|value| value.map(Into::into))
    }
}

/// A repeated enum field.
pub mod repeated {
    use super::{Deserialize, Deserializer, Named, Serializer, name};

    /// Writes the names.
    pub fn serialize<E: Named, S: Serializer>(numbers: &[i32], to: S) -> Result<S::Ok, S::Error> {
        let names: Result<Vec<E>, S::Error> = numbers.iter().map(|number| name::<E, S>(*number)).collect();
        to.collect_seq(names?)
    }

    /// Reads the names.
    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<Vec<i32>, D::Error> {
        Vec::<E>::deserialize(from).map(|values| values.into_iter().map(Into::into).collect())
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

#[cfg(test)]
mod tests {
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
    fn requests_refuse_unknown_fields_unspecified_and_what_the_gateway_fills() {
        let parse = |json: &str| serde_json::from_str::<CreateChildRequest>(json);
        assert_eq!(parse(r#"{"gender":"female"}"#).expect("known fields").gender, 2);
        assert!(parse(r#"{"id":"x"}"#).is_err());
        assert!(parse(r#"{"gender":"unspecified"}"#).is_err());
        let update = serde_json::from_str::<crate::identity::v1::UpdateChildRequest>(r#"{"child_id":"x"}"#);
        assert!(update.is_err(), "the path's id is refused in the body");
    }
}
