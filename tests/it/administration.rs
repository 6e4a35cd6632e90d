use aipoten_kit::test::eventually;
use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Api, unique_email};
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use crate::platform::Platform;

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// A parent: signed in, address, id.
async fn parent(api: &Api) -> anyhow::Result<(Api, String, String)> {
    let email = unique_email("managed");
    let parent = api.new_parent(&email, PASSWORD).await?;
    let id = parent.get("/users/me").await?.data(200)?["id"].as_str().unwrap_or_default().to_owned();
    Ok((parent, email, id))
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().filter_map(|it| it[field].as_str()).collect()
}

#[tokio::test]
async fn an_administrator_finds_suspends_restores_and_erases_accounts_and_the_log_tells() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let api = &platform.api;
    let (_, email, id) = parent(api).await?;
    let admin = api.sign_in(ADMIN.0, ADMIN.1).await?;
    let account = format!("/admin/users/{id}");

    let found = admin.get(&format!("/admin/users?role=parent&sort=email&limit=5&q={email}")).await?;
    assert_eq!(found.body["meta"]["total"], 1);
    assert_eq!(texts(&found.data(200)?, "email"), [email.as_str()]);

    let suspended = admin.patch(&account, json!({ "status": "suspended", "reason": "ticket 12" })).await?;
    let tag = suspended.headers["etag"].clone();
    assert_eq!(suspended.data(200)?["status"], "suspended");
    let login = json!({ "email": email, "password": PASSWORD });
    assert_eq!(api.post("/auth/login", login.clone()).await?.code(), "INVALID_CREDENTIALS");
    let restore = json!({ "status": "active", "reason": "ticket 13" });
    admin.patch(&account, restore.clone()).await?.data(200)?;
    api.post("/auth/login", login).await?.data(200)?;
    let stale = admin.request(Method::PATCH, &account).header(IF_MATCH, tag).json(&restore);
    let stale = admin.send(stale).await?;
    assert_eq!((stale.status.as_u16(), stale.code()), (412, "VERSION_MISMATCH"));

    let erase = || admin.request(Method::DELETE, &account).json(&json!({ "reason": "asked for by letter" }));
    admin.send(erase()).await?.data(204)?;
    let gone = format!("/admin/users?q={email}");
    eventually("the account is gone", async || admin.get(&gone).await.is_ok_and(|it| it.body["meta"]["total"] == 0))
        .await;
    assert_eq!(admin.send(erase()).await?.status, 404);

    let log = admin.get(&format!("/admin/audit-logs?resource=user&resource_id={id}&limit=100")).await?.data(200)?;
    let acts: Vec<&str> = texts(&log, "action").into_iter().filter(|it| it.starts_with("user.")).collect();
    for act in ["user.registered", "user.suspended", "user.restored"] {
        assert!(acts.contains(&act), "{act} is not in {acts:?}");
    }
    let suspension =
        admin.get(&format!("/admin/audit-logs?action=user.suspended&resource_id={id}")).await?.data(200)?;
    assert_eq!(suspension[0]["actor_role"], "admin");
    assert!(suspension[0]["metadata_json"].as_str().is_some_and(|it| it.contains("ticket 12")), "{suspension}");
    Ok(())
}

#[tokio::test]
async fn bad_requests_of_administrators_are_told_by_field_and_others_are_refused() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let api = &platform.api;
    let (parent, _, id) = parent(api).await?;
    let admin = api.sign_in(ADMIN.0, ADMIN.1).await?;
    let own = admin.get("/users/me").await?.data(200)?["id"].as_str().unwrap_or_default().to_owned();

    for (path, fields) in [
        ("/admin/users?role=nobody", vec!["role"]),
        ("/admin/users?status=deleted&sort=name&limit=0", vec!["limit", "sort", "status"]),
        ("/admin/audit-logs?actor_id=me&from=yesterday&page=0", vec!["actor_id", "from", "page"]),
        ("/admin/audit-logs?actor=me", vec!["actor"]),
        ("/admin/payments?user_id=me&package_id=x&limit=101", vec!["limit", "package_id", "user_id"]),
        ("/admin/refunds?payment_id=x&page=0", vec!["page", "payment_id"]),
        ("/admin/settlements?period=2026-13&therapist_id=me", vec!["period", "therapist_id"]),
        ("/admin/settlements/payout.csv?period=soon", vec!["period"]),
        ("/admin/cases?limit=0", vec!["limit"]),
    ] {
        let refused = admin.get(path).await?;
        let mut told = refused.fields();
        told.sort_unstable();
        assert_eq!((refused.status.as_u16(), told), (400, fields), "{path}: {}", refused.body);
    }
    let suspend = json!({ "status": "suspended", "reason": "ticket 12" });
    for (body, fields) in [
        (json!({ "status": "suspended" }), vec!["reason"]),
        (json!({ "reason": "ticket 12" }), vec!["status"]),
        (json!({ "status": "deleted", "reason": " " }), vec!["reason", "status"]),
        (json!({ "role": "parent", "reason": "ticket 12", "email": "x" }), vec!["email"]),
    ] {
        let refused = admin.patch(&format!("/admin/users/{id}"), body).await?;
        let mut told = refused.fields();
        told.sort_unstable();
        assert_eq!((refused.status.as_u16(), told), (400, fields), "{}", refused.body);
    }
    assert_eq!(admin.patch(&format!("/admin/users/{NOBODY}"), suspend.clone()).await?.status, 404);
    for (path, body) in [
        ("refunds", json!({ "decision": "approve", "reason": "ticket 12" })),
        ("cases", json!({ "resolution": "ticket 12" })),
    ] {
        assert_eq!(admin.patch(&format!("/admin/{path}/{NOBODY}"), body).await?.status, 404, "{path}");
    }
    for step in ["confirm", "paid"] {
        assert_eq!(admin.patch(&format!("/admin/settlements/{NOBODY}/{step}"), json!({})).await?.status, 404, "{step}");
    }
    let myself = admin.patch(&format!("/admin/users/{own}"), suspend.clone()).await?;
    assert_eq!((myself.status.as_u16(), myself.code()), (409, "INVALID_STATE"), "{}", myself.body);

    for (who, status) in [(api, 401), (&parent, 403)] {
        assert_eq!(who.get("/admin/users").await?.status, status);
        assert_eq!(who.get("/admin/audit-logs").await?.status, status);
        assert_eq!(who.patch(&format!("/admin/users/{own}"), suspend.clone()).await?.status, status);
        for list in ["payments", "refunds", "settlements", "cases", "settlements/payout.csv?period=2026-01"] {
            assert_eq!(who.get(&format!("/admin/{list}")).await?.status, status, "{list}");
        }
        let erase = who.request(Method::DELETE, &format!("/admin/users/{own}")).json(&json!({ "reason": "no" }));
        assert_eq!(who.send(erase).await?.status, status);
    }
    Ok(())
}
