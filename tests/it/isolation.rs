use std::collections::HashMap;

use aipoten_tests::private::PASSWORD;
use aipoten_tests::{Api, unique_email};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::Platform;

/// A payment of a parent to a therapist, in billing's database.
async fn plant_payment(platform: &Platform, parent_id: &str) -> anyhow::Result<String> {
    let id = Uuid::now_v7();
    let plant = "WITH ordered AS (
             INSERT INTO orders (package_id, parent_user_id, therapist_id, total_sessions, original_amount, total_amount,
                 platform_fee_bp)
             VALUES ($1, $2::text::uuid, $1, 1, 80000, 80000, 1500)
         )
         INSERT INTO payments (id, package_id, user_id, therapist_id, payment_type, total_sessions, original_amount,
             discount_amount, total_amount, provider, order_id, expires_at)
         VALUES ($1, $1, $2::text::uuid, $1, 'single_session', 1, 80000, 0, 80000, 'sandbox', $1::text, now() + interval '1 day')";
    sqlx::query(plant).bind(id).bind(parent_id).execute(&platform.billing.pool).await?;
    Ok(id.to_string())
}

/// A therapist's settlement of a month without sessions.
async fn plant_settlement(platform: &Platform, therapist_id: &str) -> anyhow::Result<String> {
    let id = Uuid::now_v7();
    let plant = "INSERT INTO settlements (id, therapist_id, settlement_period_start, settlement_period_end, total_sessions,
             settled_sessions, pending_sessions, total_session_fee, total_platform_fee, settlement_amount, carried_debt, income_tax,
             local_tax, final_amount, payee_kind, policy_id, input_hash)
         SELECT $1, $2::text::uuid, '2026-01-01', '2026-01-31', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'freelancer', id, ''
         FROM settlement_policies";
    sqlx::query(plant).bind(id).bind(therapist_id).execute(&platform.billing.pool).await?;
    Ok(id.to_string())
}

/// A parent with one of everything that has an id.
async fn equipped_parent(platform: &Platform) -> anyhow::Result<(Api, HashMap<&'static str, String>)> {
    let api = &platform.api;
    let parent = api.new_parent(&unique_email("own"), PASSWORD).await?;
    let child = parent.new_child().await?;
    let check = parent.post("/assessments", json!({ "child_id": child["id"] })).await?.data(201)?;
    let me = parent.get("/auth/me").await?.data(200)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let payment_id = plant_payment(platform, &text(&me["user"]["id"])).await?;
    let ids = HashMap::from([
        ("{payment_id}", payment_id),
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
        ("POST", "/api/v1/payments/{payment_id}/confirm") => json!({ "provider_key": "a-key", "amount": 80000 }),
        ("POST", "/api/v1/payments/{payment_id}/refund") => json!({ "reason": "other" }),
        ("PUT", "/api/v1/payments/{payment_id}/refund-account") => {
            json!({ "bank_code": "004", "account_number": "1234567890", "account_holder": "other" })
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn a_parent_gets_404_on_everything_of_another_parent_on_each_route_with_an_id() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (owner, ids) = equipped_parent(&platform).await?;
    let (stranger, _) = equipped_parent(&platform).await?;
    let document = platform.api.get("/openapi.json").await?.body;
    let mut walked = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let own = ["{child_id}", "{assessment_id}", "{session_id}", "{payment_id}"];
        if !own.iter().any(|id| path.contains(id)) {
            continue;
        }
        let concrete = ids.iter().fold(path.clone(), |path, (name, id)| path.replace(name, id));
        for method in operations.as_object().expect("operations").keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let query = if path.ends_with("/growth/chart") { "?indicator=weight_for_age" } else { "" };
            let request = stranger.request(method.clone(), &format!("/{concrete}{query}"));
            let request = request.header("idempotency-key", "a-key").json(&body(&method, path, &ids));
            let answer = stranger.send(request).await?;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            walked += 1;
        }
    }
    assert!(walked >= 20, "only {walked} operations have an id of a parent's own");
    // Recommendations name the child in the query.
    let path = format!("/videos/recommended?child_id={}", ids["{child_id}"]);
    assert_eq!(stranger.get(&path).await?.status, 404);
    let start = json!({ "child_id": ids["{child_id}"] });
    assert_eq!(stranger.post("/assessments", start).await?.status, 404);
    // The owner still has everything.
    owner.get(&format!("/children/{}", ids["{child_id}"])).await?.data(200)?;
    let check = owner.get(&format!("/assessments/{}", ids["{assessment_id}"])).await?.data(200)?;
    assert_eq!(check["status"], "in_progress");
    let payment = owner.get(&format!("/payments/{}", ids["{payment_id}"])).await?.data(200)?;
    assert_eq!(payment["payment_status"], "pending");
    assert!(stranger.get("/payments").await?.data(200)?.as_array().is_some_and(|own| own.len() == 1));
    Ok(())
}

#[tokio::test]
async fn a_therapist_gets_404_on_settlements_of_another_therapist() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let mut therapists = Vec::new();
    for _ in 0..2 {
        let therapist = platform.api.new_therapist(&unique_email("own"), PASSWORD).await?;
        let id = therapist.get("/users/me").await?.data(200)?["id"].as_str().unwrap_or_default().to_owned();
        therapists.push((therapist, plant_settlement(&platform, &id).await?));
    }
    for (therapist, own) in &therapists {
        for (_, id) in &therapists {
            for rest in ["", "/statement.csv", "/statement.pdf"] {
                let answer = therapist.request(Method::GET, &format!("/settlements/{id}{rest}")).send().await?;
                assert_eq!(answer.status(), if id == own { 200 } else { 404 }, "{rest}");
            }
        }
        let list = therapist.get("/settlements").await?.data(200)?;
        assert_eq!((list.as_array().map(Vec::len), &list[0]["id"]), (Some(1), &json!(own)));
    }
    Ok(())
}
