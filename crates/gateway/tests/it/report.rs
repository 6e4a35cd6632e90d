//! The report for the paediatrician as a file.

use aipoten_kit::test::{TestDatabase, broker_url, redis};
use serde_json::{Value, json};

use crate::platform::{Person, Platform, header, json_of, refused};

const ADMIN: (&str, &str) = ("admin@example.org", "an administrator 7!");

async fn post(platform: &Platform, person: &Person, path: &str, body: Value, status: u16) -> Value {
    let answer = platform.post(path).bearer_auth(&person.access).json(&body).send().await.expect("an answer");
    json_of(answer, status).await["data"].clone()
}

/// The best answer to each question.
fn best(check: &Value) -> Value {
    let answer = |item: &Value| {
        let question = &item["question"];
        json!({ "question_id": question["id"], "answer": if question["is_red_flag"] == true { "no" } else { "yes" } })
    };
    json!({ "responses": check["questions"].as_array().expect("questions").iter().map(answer).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_report_is_a_file_that_nobody_keeps_for_the_parent_alone() {
    let content = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
    aipoten_content::seed(&content.pool).await.expect("the shipped data");
    let broker = aipoten_events::Config { url: broker_url().into(), ..aipoten_events::Config::default() };
    let platform = Platform::with_content(redis(), broker, &content, ADMIN).await;
    let (parent, child) = platform.parent_with_child().await;
    let check = post(&platform, &parent, "/assessments", json!({ "child_id": child["id"] }), 201).await;
    let place = format!("/assessments/{}", check["id"].as_str().expect("an id"));
    let path = format!("{place}/report.pdf");
    let error = refused(platform.get(&path).bearer_auth(&parent.access), 409, "INVALID_STATE").await;
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));

    post(&platform, &parent, &format!("{place}/responses"), best(&check), 200).await;
    post(&platform, &parent, &format!("{place}/complete"), json!({}), 200).await;
    let mut sizes = Vec::new();
    for language in ["ko", "en"] {
        let ask = platform.get(&path).bearer_auth(&parent.access).header("accept-language", language);
        let answer = ask.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), "application/pdf");
        let date = check["assessment_date"].as_str().expect("a date");
        let disposition = format!("attachment; filename=\"development-check-{date}.pdf\"");
        assert_eq!(header(&answer, "content-disposition"), disposition);
        assert_eq!(header(&answer, "cache-control"), "private, no-store");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        let pdf = answer.bytes().await.expect("a file");
        assert!(pdf.starts_with(b"%PDF-") && pdf.trim_ascii_end().ends_with(b"%%EOF"));
        sizes.push(pdf.len());
    }
    assert_ne!(sizes[0], sizes[1], "each language has its own words");

    let stranger = platform.parent().await;
    refused(platform.get(&path).bearer_auth(&stranger.access), 404, "NOT_FOUND").await;
    refused(platform.get(&path), 401, "UNAUTHENTICATED").await;
    refused(platform.get("/assessments/12/report.pdf").bearer_auth(&parent.access), 400, "VALIDATION_ERROR").await;
    let login = platform.post("/auth/login").json(&json!({ "email": ADMIN.0, "password": ADMIN.1 })).send().await;
    let admin = json_of(login.expect("an answer"), 200).await["data"]["tokens"]["access_token"].clone();
    refused(platform.get(&path).bearer_auth(admin.as_str().expect("a token")), 403, "PERMISSION_DENIED").await;
}

#[test]
fn the_document_says_that_it_is_a_pdf() {
    let document = serde_json::to_value(aipoten_gateway::openapi()).expect("a document is JSON");
    let answer = &document["paths"]["/api/v1/assessments/{assessment_id}/report.pdf"]["get"]["responses"]["200"];
    let kinds: Vec<_> = answer["content"].as_object().expect("content").keys().collect();
    assert_eq!(kinds, ["application/pdf"], "{answer}");
    assert_eq!(answer["content"]["application/pdf"]["schema"], json!({ "type": "string", "format": "binary" }));
}
