//! Whatever is wrong with a request, it gets the envelope and a 4xx.

use reqwest::Method;
use serde_json::json;

use crate::platform::{Platform, fields, json_of, refused};

#[tokio::test]
async fn a_body_that_is_no_json_is_malformed() {
    let platform = Platform::start().await;
    for body in ["", "{", "nonsense", "{\"email\":", "\u{0}", "{} {}"] {
        let request = platform.post("/auth/login").header("content-type", "application/json").body(body);
        refused(request, 400, "MALFORMED_REQUEST").await;
    }
    let bytes = platform.post("/auth/login").header("content-type", "application/json").body(vec![b'"', 0xff, b'"']);
    refused(bytes, 400, "MALFORMED_REQUEST").await;
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_415() {
    let platform = Platform::start().await;
    refused(platform.post("/auth/login"), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    refused(platform.post("/auth/login").body("{}"), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    let form = platform.post("/auth/login").header("content-type", "application/x-www-form-urlencoded").body("a=b");
    refused(form, 415, "UNSUPPORTED_MEDIA_TYPE").await;
}

#[tokio::test]
async fn wrong_types_and_unknown_fields_are_named() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    for (body, field) in [
        (json!({ "name": 1 }), "name"),
        (json!({ "gender": "other" }), "gender"),
        (json!({ "gender": "unspecified" }), "gender"),
        (json!({ "gender": { "female": null } }), "gender"),
        (json!({ "gestational_weeks": "32" }), "gestational_weeks"),
        (json!({ "gestational_weeks": 1e300 }), "gestational_weeks"),
        (json!({ "name": "x", "owner_id": "y" }), "owner_id"),
        (json!({ "child_id": "y" }), "child_id"),
        (json!(["Haru", "2024-10-21", "female"]), "body"),
        (json!("Haru"), "body"),
        (json!(null), "body"),
    ] {
        let request = platform.post("/children").bearer_auth(&parent.access).json(&body);
        let error = refused(request, 400, "VALIDATION_ERROR").await;
        assert_eq!(fields(&error), [field], "{body}");
    }
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_413_and_one_that_is_deep_is_no_500() {
    let platform = Platform::start().await;
    let long = json!({ "email": "a".repeat(2 * 1024 * 1024) });
    refused(platform.post("/auth/login").json(&long), 413, "PAYLOAD_TOO_LARGE").await;
    refused(platform.post("/children").json(&long), 401, "UNAUTHENTICATED").await;
    let parent = platform.parent().await;
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let request = platform.patch("/users/me").bearer_auth(&parent.access);
    refused(request.header("content-type", "application/json").body(deep), 400, "MALFORMED_REQUEST").await;
}

#[tokio::test]
async fn unknown_routes_are_404_and_unknown_methods_405_with_allow() {
    let platform = Platform::start().await;
    for path in
        ["/api/v1/nothing", "/", "/api", "/api/v1", "/api/v2/children", "/docs/nothing.js", "/%ff", "/api/v1/children/"]
    {
        refused(platform.client.get(platform.url(path)), 404, "NOT_FOUND").await;
    }
    for (method, path) in [
        (Method::DELETE, "/children"),
        (Method::PUT, "/users/me"),
        (Method::GET, "/auth/login"),
        (Method::TRACE, "/children"),
    ] {
        let answer = platform.request(method.clone(), path).send().await.expect("an answer");
        assert!(answer.headers().contains_key("allow"), "{method} {path}");
        refused(platform.request(method, path), 405, "METHOD_NOT_ALLOWED").await;
    }
    refused(platform.client.request(Method::TRACE, platform.url("/")), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn bad_ids_dates_and_queries_are_400_and_named() {
    let platform = Platform::start().await;
    let (parent, child) = platform.parent_with_child().await;
    let get = |path: &str| platform.get(path).bearer_auth(&parent.access);
    for path in [
        "/children/1",
        "/children/not-a-uuid/access-log",
        "/children/%F0%9F%92%A9",
        "/children/00000000-0000-0000-0000-00000000000g",
    ] {
        assert_eq!(fields(&refused(get(path), 400, "VALIDATION_ERROR").await), ["child_id"], "{path}");
    }
    refused(get("/children/%ff"), 404, "NOT_FOUND").await;
    refused(get("/children/01890000-0000-7000-8000-000000000000"), 404, "NOT_FOUND").await;
    for (query, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("page=1&page=2", "page"),
        ("pge=1", "pge"),
        ("page=99999999999", "page"),
        ("page=200&limit=100", "page"),
    ] {
        assert_eq!(
            fields(&refused(get(&format!("/children?{query}")), 400, "VALIDATION_ERROR").await),
            [field],
            "{query}"
        );
    }
    for date in ["2024-02-30", "tomorrow", "2024-1-1", "2999-01-01", "1900-01-01", ""] {
        let change = platform.patch(&format!("/children/{}", child["id"].as_str().expect("an id")));
        let error =
            refused(change.bearer_auth(&parent.access).json(&json!({ "birth_date": date })), 400, "VALIDATION_ERROR")
                .await;
        assert_eq!(fields(&error), ["birth_date"], "{date}");
    }
}

#[tokio::test]
async fn a_patch_with_a_role_an_id_or_an_unknown_field_changes_nothing() {
    let platform = Platform::start().await;
    let (parent, child) = platform.parent_with_child().await;
    let path = format!("/children/{}", child["id"].as_str().expect("an id"));
    for (path, body, named) in [
        ("/users/me", json!({ "name": "Lee", "role": "admin" }), "role"),
        ("/users/me", json!({ "name": "Lee", "id": null }), "id"),
        ("/users/me", json!({ "name": "Lee", "update_mask": { "paths": ["role"] } }), "update_mask"),
        (&path, json!({ "name": "Lee", "child_id": "x" }), "child_id"),
        (&path, json!({ "name": "Lee", "expected_version": 1 }), "expected_version"),
        (&path, json!({ "name": "Lee", "nickname": null }), "nickname"),
    ] {
        let error =
            refused(platform.patch(path).bearer_auth(&parent.access).json(&body), 400, "VALIDATION_ERROR").await;
        assert_eq!(fields(&error), [named]);
        let now = platform.get(path).bearer_auth(&parent.access).send().await.expect("an answer");
        assert_ne!(json_of(now, 200).await["data"]["name"], "Lee");
    }
    refused(platform.patch(&path).bearer_auth(&parent.access).json(&json!({})), 400, "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn violations_of_a_service_come_all_at_once_and_in_the_language_asked_for() {
    let platform = Platform::start().await;
    let body = json!({ "email": "nobody", "password": "short", "name": "", "role": "admin", "consents": [] });
    let korean = refused(platform.post("/auth/register").json(&body), 400, "VALIDATION_ERROR").await;
    for field in ["email", "password", "name", "role", "consents"] {
        assert!(fields(&korean).contains(&field), "{korean}");
    }
    assert_eq!(korean["message"], "입력한 내용을 확인해 주세요.");
    let request = platform.post("/auth/register").header("accept-language", "en-US,en;q=0.9").json(&body);
    let english = refused(request, 400, "VALIDATION_ERROR").await;
    assert_eq!(english["message"], "Please check what you entered.");
    assert_eq!(english["details"].as_array().map(Vec::len), korean["details"].as_array().map(Vec::len));
}

#[tokio::test]
async fn without_a_good_token_it_is_401() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    refused(platform.get("/children"), 401, "UNAUTHENTICATED").await;
    let edited = format!("{}x", parent.access);
    for token in ["", "nonsense", "a.b.c", edited.as_str(), parent.refresh.as_str()] {
        refused(platform.get("/children").bearer_auth(token), 401, "UNAUTHENTICATED").await;
    }
    refused(platform.get("/children").header("authorization", "Basic YTpi"), 401, "UNAUTHENTICATED").await;
    refused(platform.get("/children/not-a-uuid"), 401, "UNAUTHENTICATED").await;
}

#[tokio::test]
async fn a_service_that_is_down_is_503() {
    let platform = Platform::start().await;
    let error = refused(platform.get("/videos").header("accept-language", "en"), 503, "UNAVAILABLE").await;
    assert_eq!(error["message"], "This is not available right now. Please try again in a moment.");
}
