use std::collections::HashMap;

use aipoten_tests::private::PASSWORD;
use aipoten_tests::{Api, unique_email};
use reqwest::Method;
use serde_json::{Value, json};

use crate::platform::Platform;

/// A parent with one of everything that has an id.
async fn equipped_parent(api: &Api) -> anyhow::Result<(Api, HashMap<&'static str, String>)> {
    let parent = api.new_parent(&unique_email("own"), PASSWORD).await?;
    let child = parent.new_child().await?;
    let check = parent.post("/assessments", json!({ "child_id": child["id"] })).await?.data(201)?;
    let me = parent.get("/auth/me").await?.data(200)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ids = HashMap::from([
        ("{child_id}", text(&child["id"])),
        ("{assessment_id}", text(&check["id"])),
        ("{session_id}", text(&me["session"]["id"])),
        ("question", text(&check["questions"][0]["question"]["id"])),
    ]);
    Ok((parent, ids))
}

/// A body that the owner would be served for.
fn body(method: &Method, path: &str, ids: &HashMap<&str, String>) -> Value {
    let answer = json!({ "question_id": ids["question"], "answer": "yes" });
    match (method.as_str(), path) {
        ("PATCH", "/api/v1/children/{child_id}") => json!({ "name": "other" }),
        ("PATCH", "/api/v1/assessments/{assessment_id}") => json!({ "status": "cancelled" }),
        ("POST", "/api/v1/assessments/{assessment_id}/responses") => json!({ "responses": [answer] }),
        ("POST", "/api/v1/children/{child_id}/growth") => json!({ "weight_g": 9000 }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn a_parent_gets_404_on_everything_of_another_parent_on_each_route_with_an_id() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (owner, ids) = equipped_parent(&platform.api).await?;
    let (stranger, _) = equipped_parent(&platform.api).await?;
    let document = platform.api.get("/openapi.json").await?.body;
    let mut walked = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let own = path.contains("{child_id}") || path.contains("{assessment_id}") || path.contains("{session_id}");
        if !own {
            continue;
        }
        let concrete = ids.iter().fold(path.clone(), |path, (name, id)| path.replace(name, id));
        for method in operations.as_object().expect("operations").keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let query = if path.ends_with("/growth/chart") { "?indicator=weight_for_age" } else { "" };
            let request = stranger.request(method.clone(), &format!("/{concrete}{query}"));
            let answer = stranger.send(request.json(&body(&method, path, &ids))).await?;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            walked += 1;
        }
    }
    assert!(walked >= 14, "only {walked} operations have an id of a parent's own");
    // Recommendations name the child in the query.
    let path = format!("/videos/recommended?child_id={}", ids["{child_id}"]);
    assert_eq!(stranger.get(&path).await?.status, 404);
    let start = json!({ "child_id": ids["{child_id}"] });
    assert_eq!(stranger.post("/assessments", start).await?.status, 404);
    // The owner still has everything.
    owner.get(&format!("/children/{}", ids["{child_id}"])).await?.data(200)?;
    let check = owner.get(&format!("/assessments/{}", ids["{assessment_id}"])).await?.data(200)?;
    assert_eq!(check["status"], "in_progress");
    Ok(())
}
