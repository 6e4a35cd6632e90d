use aipoten_tests::private::{CHILD, HISTORY, NEW_PASSWORD, PASSWORD, PHONE};
use aipoten_tests::unique_email;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::platform::Platform;

/// What a link in a mail looks like.
const LINK: &str = "Q5mT0c8pZ1vLw3xYb7KdRf2HsJ9aGe4NuOiPqVtXyBE";

/// Every platform's log is searched when its test ends; here it sees all that is private, in good and in bad requests.
#[tokio::test]
async fn what_people_entrust_stands_in_no_log() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let api = &platform.api;
    let email = unique_email("private");
    let consent = |kind: &str| json!({ "kind": kind, "text_version": "1" });
    let account = json!({ "email": email, "password": PASSWORD, "name": "김보람", "phone": PHONE, "role": "parent",
        "consents": [consent("terms"), consent("privacy")] });
    // Of many at once some meet the database's own constraint.
    let registered = join_all((0..8).map(|_| api.post("/auth/register", account.clone()))).await;
    assert_eq!(registered.iter().filter(|it| it.as_ref().is_ok_and(|it| it.status == 201)).count(), 1);

    let parent = api.sign_in(&email, PASSWORD).await?;
    parent.consent("child_sensitive_data").await?;
    let child = parent.new_child().await?;
    let child = format!("/children/{}", child["id"].as_str().unwrap_or_default());
    let history = json!({ "medical_history": HISTORY, "notes": HISTORY });
    parent.patch(&child, history).await?.data(200)?;
    assert_eq!(parent.get(&child).await?.data(200)?["medical_history"], HISTORY);
    parent.get(&format!("/videos?q={CHILD}")).await?.data(200)?;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    assert!(parent.post("/auth/password/change", change.clone()).await?.status.is_success());

    let forgotten = api.post("/auth/password/reset", json!({ "email": email })).await?;
    assert_eq!(forgotten.status, 204, "{}", forgotten.body);
    let other = json!({ "new_email": unique_email("other"), "password": NEW_PASSWORD });
    assert_eq!(parent.post("/auth/email/change", other).await?.status, 204);

    for (path, body) in [
        (child.as_str(), json!({ "medical_history": HISTORY, "birth_date": HISTORY, "gender": CHILD })),
        (child.as_str(), json!({ HISTORY: CHILD })),
        (child.as_str(), json!({ "notes": HISTORY.repeat(1000) })),
        ("/users/me", json!({ "phone": format!("{PHONE} or {PHONE}") })),
    ] {
        assert_eq!(parent.patch(path, body).await?.status, 400, "{path}");
    }
    let cut = parent.request(Method::PATCH, &child).header("content-type", "application/json");
    assert_eq!(parent.send(cut.body(format!("{{\"notes\":\"{HISTORY}"))).await?.status, 400);
    for (path, body) in [
        ("/auth/login", json!({ "email": email, "password": PASSWORD })),
        ("/auth/login", json!({ "email": email, "password": { "is": NEW_PASSWORD } })),
        ("/auth/refresh", json!({ "refresh_token": parent.token() })),
        ("/auth/email/verify", json!({ "token": LINK })),
        ("/auth/email/change/confirm", json!({ "token": LINK })),
        ("/auth/password/reset/confirm", json!({ "token": LINK, "new_password": PASSWORD })),
    ] {
        assert!(api.post(path, body).await?.status.is_client_error(), "{path}");
    }
    let forged = format!("{}x", parent.token().unwrap_or_default());
    assert_eq!(api.with_token(&forged).get(&format!("/children?q={CHILD}")).await?.status, 401);
    Ok(())
}
