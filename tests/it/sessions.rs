use std::collections::HashSet;

use aipoten_kit::test::eventually;
use aipoten_tests::private::PASSWORD;
use aipoten_tests::unique_email;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::platform::Platform;

#[tokio::test]
async fn forty_tabs_that_refresh_at_once_stay_signed_in_and_an_old_token_ends_the_session() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let api = &platform.api;
    let email = unique_email("tabs");
    api.new_parent(&email, PASSWORD).await?;
    let signed_in = api.post("/auth/login", json!({ "email": email, "password": PASSWORD })).await?.data(200)?;
    let grandparent = signed_in["tokens"]["refresh_token"].clone();
    let refresh = async |token: &Value| api.post("/auth/refresh", json!({ "refresh_token": token })).await;

    let answers = try_join_all((0..40).map(|_| refresh(&grandparent))).await?;
    let mut successors = HashSet::new();
    let mut parent = Value::Null;
    for answer in answers {
        let tokens = answer.data(200)?;
        parent = tokens["refresh_token"].clone();
        successors.insert(parent.to_string());
    }
    assert_eq!(successors.len(), 1, "all tabs hold the same successor");

    let newest = refresh(&parent).await?.data(200)?;
    let access = api.with_token(newest["access_token"].as_str().unwrap_or_default());
    assert_eq!(access.get("/auth/me").await?.status, 200);
    assert_eq!(refresh(&grandparent).await?.status, 401, "the grandparent was stolen");
    assert_eq!(refresh(&newest["refresh_token"]).await?.status, 401, "its session is dead");
    eventually("the access token is refused", async || access.get("/auth/me").await.is_ok_and(|it| it.status == 401))
        .await;
    Ok(())
}

#[tokio::test]
async fn after_logout_the_access_token_is_refused_by_every_service() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let parent = platform.api.new_parent(&unique_email("leaving"), PASSWORD).await?;
    assert_eq!(parent.get("/assessments").await?.status, 200);
    parent.post("/auth/logout", json!({})).await?.data(204)?;
    for path in ["/auth/me", "/children", "/assessments", "/videos/bookmarks"] {
        eventually(path, async || parent.get(path).await.is_ok_and(|it| it.status == 401)).await;
    }
    Ok(())
}
