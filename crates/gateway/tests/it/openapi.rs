//! The document says what clients need: complete, closed for requests, open for answers.

use serde_json::{Map, Value};

pub(crate) fn document() -> Value {
    serde_json::to_value(aipoten_gateway::openapi()).expect("a document is JSON")
}

fn schemas(document: &Value) -> &Map<String, Value> {
    document["components"]["schemas"].as_object().expect("schemas")
}

/// Every object in a schema, with where it stands.
fn objects<'a>(place: &str, schema: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    if schema.get("properties").is_some() {
        found.push((place.to_owned(), schema));
    }
    match schema {
        Value::Object(map) => map.iter().for_each(|(key, inner)| objects(&format!("{place}/{key}"), inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| objects(place, inner, found)),
        _ => {}
    }
}

#[test]
fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[test]
fn every_schema_field_and_parameter_has_a_description() {
    let document = document();
    for (name, schema) in schemas(&document) {
        assert!(schema["description"].is_string(), "{name}");
        let mut found = Vec::new();
        objects(name, schema, &mut found);
        for (place, object) in found {
            for (field, shape) in object["properties"].as_object().expect("properties") {
                assert!(shape["description"].as_str().is_some_and(|it| !it.is_empty()), "{place}.{field}: {shape}");
            }
        }
    }
    for (path, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{path}");
        assert!(operation["tags"][0].is_string(), "{path}");
        for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            assert!(parameter["description"].is_string(), "{path} {parameter}");
        }
    }
}

#[test]
fn requests_refuse_unknown_fields_and_answers_list_what_they_always_have() {
    let document = document();
    let requests: Vec<&str> = operations(&document)
        .iter()
        .filter_map(|(_, it)| it["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str())
        .collect();
    assert!(requests.len() >= 15);
    for reference in requests {
        let schema = document.pointer(&reference[1..]).expect("a schema");
        assert_eq!(schema["additionalProperties"], false, "{reference}");
    }
    for (name, schema) in schemas(&document) {
        if schema["type"] != "object" || schema["additionalProperties"] == false {
            continue;
        }
        let fields: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
        assert_eq!(schema["required"].as_array().map(Vec::len), Some(fields.len()), "{name}");
    }
}

#[test]
fn requests_say_what_their_fields_may_hold() {
    let document = document();
    let child = &document["components"]["schemas"]["CreateChildRequest"]["properties"];
    assert_eq!((&child["name"]["minLength"], &child["name"]["maxLength"]), (&Value::from(1), &Value::from(80)));
    assert_eq!((&child["birth_weight_g"]["minimum"], &child["birth_weight_g"]["maximum"]), (&200.into(), &9000.into()));
    let video = &document["components"]["schemas"]["CreateVideoRequest"]["properties"];
    assert_eq!(
        (&video["tags"]["maxItems"], &video["tags"]["items"]["maxLength"]),
        (&Value::from(20), &Value::from(40))
    );
    let list = &document["paths"]["/api/v1/children"]["get"]["parameters"];
    assert_eq!((&list[1]["name"], &list[1]["schema"]["maximum"]), (&Value::from("limit"), &Value::from(100)));
}

#[test]
fn every_operation_names_its_refusals_and_only_public_ones_need_no_token() {
    let document = document();
    assert_eq!(document["security"][0]["bearer"], Value::Array(Vec::new()));
    let mut public = Vec::new();
    for (path, operation) in operations(&document) {
        for status in ["400", "401", "403", "404", "405", "409", "413", "415", "429", "500", "503", "504"] {
            assert!(operation["responses"][status].is_object(), "{path} {status}");
        }
        if operation["security"] == serde_json::json!([{}]) {
            public.push(path);
        }
    }
    public.sort_by_key(|it| it.split(' ').nth(1).map(str::to_owned));
    assert_eq!(
        public,
        [
            "get /.well-known/jwks.json",
            "get /api/v1/auth/captcha",
            "post /api/v1/auth/email/change/confirm",
            "post /api/v1/auth/email/verify",
            "post /api/v1/auth/login",
            "post /api/v1/auth/password/reset",
            "post /api/v1/auth/password/reset/confirm",
            "post /api/v1/auth/refresh",
            "post /api/v1/auth/register",
            "get /api/v1/calendars/{file}",
            "get /api/v1/notifications/devices/web-push-key",
            "post /api/v1/notifications/unsubscribe/{token}",
            "post /api/v1/payments/webhooks/{provider}",
            "get /api/v1/regions",
            "get /api/v1/therapists",
            "get /api/v1/therapists/suggest",
            "get /api/v1/therapists/{therapist_id}",
            "get /api/v1/therapists/{therapist_id}/reviews",
            "get /api/v1/therapists/{therapist_id}/slots",
            "get /api/v1/videos",
            "get /api/v1/videos/categories",
            "get /api/v1/videos/categories/{slug}",
            "get /api/v1/videos/{video_id}",
        ]
    );
}

#[test]
fn an_operation_has_a_name_of_its_own() {
    let document = document();
    let operations = operations(&document);
    let mut names: Vec<&str> = operations.iter().map(|(_, it)| it["operationId"].as_str().expect("a name")).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), operations.len());
}

pub(crate) fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("an item");
            item.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}
