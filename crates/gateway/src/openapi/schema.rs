//! What the derives leave to be tidied: envelopes name what is in them instead of repeating it, and a nullable field
//! has its description itself.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Array, ArrayItems, Components, Object, Schema};
use utoipa::openapi::{Ref, RefOr};

pub(super) fn tidy(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        describe_nullable(object);
        if let Some(inner) = name.strip_prefix("Data_").or_else(|| name.strip_prefix("List_")) {
            refer(object, inner);
        }
    }
}

/// `oneOf: [{$ref, description}, null]` gets the description of its first choice.
fn describe_nullable(object: &mut Object) {
    for property in object.properties.values_mut() {
        if let RefOr::T(Schema::OneOf(choice)) = property
            && let Some(RefOr::Ref(reference)) = choice.items.first_mut()
        {
            choice.description = Some(std::mem::take(&mut reference.description));
        }
    }
}

/// A body that may be left out is not null instead.
pub(super) fn describe_optional_body(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::T(Schema::OneOf(choice))) = &mut content.schema
        {
            content.schema = choice.items.first().cloned();
        }
    }
}

/// `Data_Child` and `List_Child` hold a whole `Child`: they refer to it.
fn refer(envelope: &mut Object, inner: &str) {
    let Some(data) = envelope.properties.get_mut("data") else { return };
    let name = inner.strip_prefix("Vec_").unwrap_or(inner);
    let mut reference = Ref::from_schema_name(name);
    match data {
        RefOr::T(Schema::Array(Array { items, description, .. })) => {
            description.get_or_insert_with(|| "The items.".to_owned());
            *items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(reference)));
        }
        other => {
            "What was asked for.".clone_into(&mut reference.description);
            *other = RefOr::Ref(reference);
        }
    }
}
