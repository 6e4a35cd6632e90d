//! The account and its children through REST.

use serde_json::json;

use crate::platform::{PASSWORD, Platform, fields, header, json_of, refused, registration};

#[tokio::test]
async fn a_parent_registers_signs_in_and_out() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    let again = platform.post("/auth/register").json(&registration(&parent.email));
    refused(again, 409, "CONFLICT").await;
    let wrong = platform.post("/auth/login").json(&json!({ "email": parent.email, "password": "wrong" }));
    refused(wrong, 401, "INVALID_CREDENTIALS").await;

    let me = platform.get("/auth/me").bearer_auth(&parent.access).send().await.expect("an answer");
    let me = json_of(me, 200).await;
    assert_eq!(me["data"]["user"]["email"], parent.email.as_str());
    let session = me["data"]["session"]["id"].as_str().expect("an id").to_owned();

    let refreshed = platform.post("/auth/refresh").json(&json!({ "refresh_token": parent.refresh })).send().await;
    let tokens = json_of(refreshed.expect("an answer"), 200).await;
    assert_ne!(tokens["data"]["refresh_token"], parent.refresh.as_str());

    let sessions = platform.get("/auth/sessions").bearer_auth(&parent.access).send().await.expect("an answer");
    let sessions = json_of(sessions, 200).await;
    assert_eq!(sessions["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(sessions["data"][0]["ip"], "127.0.0.1", "the gateway tells the service where the call came from");
    assert!(sessions.get("meta").is_none());

    let out = platform.post("/auth/logout").bearer_auth(&parent.access).send().await.expect("an answer");
    assert_eq!(out.status(), 204);
    refused(platform.get("/auth/me").bearer_auth(&parent.access), 401, "UNAUTHENTICATED").await;
    assert_eq!(session.len(), 36);
}

#[tokio::test]
async fn a_child_is_added_read_changed_and_erased() {
    let platform = Platform::start().await;
    let (parent, child) = platform.parent_with_child().await;
    let path = format!("/children/{}", child["id"].as_str().expect("an id"));

    let read = platform.get(&path).bearer_auth(&parent.access).send().await.expect("an answer");
    let tag = header(&read, "etag");
    assert!(tag.starts_with(&format!("\"{}-", child["version"])), "{tag}");
    assert_eq!(header(&read, "cache-control"), "private, no-store");
    assert_eq!(json_of(read, 200).await["data"]["gender"], "female");
    let again = platform.get(&path).bearer_auth(&parent.access).header("if-none-match", &tag).send().await;
    let again = again.expect("an answer");
    assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag.clone()));
    assert_eq!(header(&again, "cache-control"), "private, no-store");
    assert_eq!(again.text().await.expect("no body"), "");

    let change = json!({ "name": "Haru Kim", "gestational_weeks": 32, "notes": null });
    let request = platform.patch(&path).bearer_auth(&parent.access).header("if-match", &tag).json(&change);
    let changed = json_of(request.send().await.expect("an answer"), 200).await;
    assert_eq!(changed["data"]["gestational_weeks"], 32);
    let newer = platform.get(&path).bearer_auth(&parent.access).header("if-none-match", &tag).send().await;
    assert_eq!(newer.expect("an answer").status(), 200, "it is another one now");

    let stale = platform.patch(&path).bearer_auth(&parent.access).header("if-match", &tag).json(&change);
    refused(stale, 412, "VERSION_MISMATCH").await;
    let foreign = platform.patch(&path).bearer_auth(&parent.access).header("if-match", "W/\"x\"").json(&change);
    refused(foreign, 412, "VERSION_MISMATCH").await;

    let empty = platform.patch(&path).bearer_auth(&parent.access).json(&json!({ "name": null }));
    assert_eq!(fields(&refused(empty, 400, "VALIDATION_ERROR").await), ["name"]);

    let stranger = platform.parent().await;
    refused(platform.get(&path).bearer_auth(&stranger.access), 404, "NOT_FOUND").await;

    let gone = platform.delete(&path).bearer_auth(&parent.access).send().await.expect("an answer");
    assert_eq!(gone.status(), 204);
    assert_eq!(gone.text().await.expect("a body"), "");
    refused(platform.delete(&path).bearer_auth(&parent.access), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_list_has_meta_and_a_new_child_has_a_place() {
    let platform = Platform::start().await;
    let (parent, child) = platform.parent_with_child().await;
    let another = json!({ "name": "Nari", "birth_date": "2025-03-02", "gender": "not_stated" });
    let added = platform.post("/children").bearer_auth(&parent.access).json(&another).send().await.expect("an answer");
    let place = header(&added, "location");
    let added = json_of(added, 201).await;
    assert_eq!(place, format!("/api/v1/children/{}", added["data"]["id"].as_str().expect("an id")));

    let list = platform.get("/children?limit=1").bearer_auth(&parent.access).send().await.expect("an answer");
    let list = json_of(list, 200).await;
    assert_eq!(list["meta"], json!({ "page": 1, "limit": 1, "total": 2, "total_capped": false }));
    assert_eq!(list["data"][0]["name"], "Nari");
    assert_ne!(list["data"][0]["id"], child["id"]);
}

#[tokio::test]
async fn the_password_can_be_changed_and_the_keys_are_public() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    let change = json!({ "current_password": PASSWORD, "new_password": "Nari-2025-walk" });
    let changed = platform.post("/auth/password/change").bearer_auth(&parent.access).json(&change).send().await;
    assert_eq!(changed.expect("an answer").status(), 204);
    let login =
        |password: &str| platform.post("/auth/login").json(&json!({ "email": parent.email, "password": password }));
    refused(login(PASSWORD), 401, "INVALID_CREDENTIALS").await;
    json_of(login("Nari-2025-walk").send().await.expect("an answer"), 200).await;

    let keys = platform.client.get(platform.url("/.well-known/jwks.json")).send().await.expect("an answer");
    assert_eq!(header(&keys, "cache-control"), "public, max-age=300");
    assert_eq!(json_of(keys, 200).await["keys"][0]["crv"], "Ed25519");
}
