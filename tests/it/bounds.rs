//! The bounds in the document are those that the services check: what they allow is taken, what is beyond is told by
//! field.

use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Answer, Api, unique_email};
use serde_json::{Map, Value, json};

use crate::platform::Platform;

/// A value at a bound, and whether it is within.
fn values(shape: &Value) -> Vec<(Value, bool)> {
    let mut values = Vec::new();
    for (name, step) in [("minimum", -1), ("maximum", 1)] {
        let bound = &shape[name];
        let beyond = match bound.as_i64() {
            Some(bound) => Some(json!(bound + step)),
            None => bound.as_f64().map(|bound| json!(bound * 0.5)),
        };
        values.extend(beyond.into_iter().flat_map(|beyond| [(bound.clone(), true), (beyond, false)]));
    }
    let count = |name: &str| shape[name].as_u64().map(|it| usize::try_from(it).expect("a small number"));
    // A form is more than its length.
    let plain = shape["format"].is_null() && shape["pattern"].as_str().is_none_or(|it| it.contains(r"\s"));
    if let Some(most) = count("maxLength") {
        if plain {
            values.push((json!("가".repeat(most)), true));
        }
        values.push((json!("가".repeat(most + 1)), false));
    }
    if plain && count("minLength") == Some(1) {
        values.push((json!(" \t "), false));
        values.push((json!("a\u{7}b"), false));
    }
    values
}

/// Sends a body with each field of a schema at its bounds. What else may be wrong with the whole is not asked here.
async fn check(api: &Api, path: &str, schema: &Value, body: Value) -> anyhow::Result<usize> {
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    let mut checked = 0;
    for (field, shape) in schema["properties"].as_object().expect("properties") {
        for (value, within) in values(shape) {
            let mut body = body.clone();
            body.insert(field.clone(), value.clone());
            let answer: Answer = api.post(path, Value::Object(body)).await?;
            let told = answer.status == 400 && answer.fields().contains(&field.as_str());
            assert_eq!(told, !within, "{path}: {field} = {value}: {} {}", answer.status, answer.body);
            checked += 1;
        }
    }
    Ok(checked)
}

#[tokio::test]
async fn what_the_schema_of_a_body_allows_is_taken_and_nothing_beyond() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let api = &platform.api;
    let document = api.get("/openapi.json").await?.body;
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let parent = api.new_parent(&unique_email("bounds"), PASSWORD).await?;
    parent.consent("child_sensitive_data").await?;
    let child = parent.new_child().await?;
    let admin = api.sign_in(ADMIN.0, ADMIN.1).await?;

    let mut checked = 0;
    let new = json!({ "name": "a", "birth_date": "2025-01-01", "gender": "female", "gestational_weeks": 30 });
    checked += check(&parent, "/children", &schema("CreateChildRequest"), new).await?;
    let growth = format!("/children/{}/growth", child["id"].as_str().unwrap_or_default());
    checked += check(&parent, &growth, &schema("CreateGrowthMeasurementRequest"), json!({ "confirmed": true })).await?;
    let consent = json!({ "kind": "marketing", "granted": true, "text_version": "1" });
    checked += check(&parent, "/users/me/consents", &schema("RecordConsentRequest"), consent).await?;
    let login = json!({ "email": "nobody@example.com", "password": PASSWORD });
    checked += check(api, "/auth/login", &schema("CreateSessionRequest"), login).await?;
    // The last code is none, so that nothing is added.
    let category = json!({ "slug": "?", "name_ko": "a", "name_en": "a" });
    checked += check(&admin, "/admin/videos/categories", &schema("CreateCategoryRequest"), category).await?;
    let question = json!({ "code": "?", "kind": "supplementary", "area": "language", "age_range_start": 0,
        "age_range_end": 71, "text_ko": "a", "text_en": "a", "answer_type": "yes_no" });
    checked += check(&admin, "/admin/assessments/questions", &schema("CreateQuestionRequest"), question).await?;
    let video = json!({ "title_ko": "a", "title_en": "a", "description_ko": "a", "description_en": "a",
        "video_url": "", "video_platform": "youtube", "target_age_min": 0, "target_age_max": 240,
        "difficulty": "easy", "areas": ["language"] });
    checked += check(&admin, "/admin/videos", &schema("CreateVideoRequest"), video).await?;
    assert!(checked > 100, "only {checked} values");
    Ok(())
}
