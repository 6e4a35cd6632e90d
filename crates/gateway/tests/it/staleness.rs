//! While the list of ended sessions is too old to be trusted, identity itself is asked.

use aipoten_gateway::Config;
use aipoten_kit::config::Redis;
use aipoten_kit::test::{eventually, redis};

use crate::platform::{Platform, closed_port, generous, json_of, refused};

/// The list is always too old.
fn stale() -> Config {
    Config { revocations_stale_s: 0, ..generous() }
}

#[tokio::test]
async fn identity_says_whether_a_session_is_live_with_redis_and_without() {
    let url = format!("redis://{}/", closed_port().await);
    for redis in [redis(), Redis { url: url.into(), prefix: String::new() }] {
        let platform = Platform::with(stale(), redis).await;
        let (parent, _) = platform.parent_with_child().await;
        let read = platform.get("/children").bearer_auth(&parent.access).send().await.expect("an answer");
        json_of(read, 200).await;
        refused(platform.get("/assessments").bearer_auth(&parent.access), 503, "UNAVAILABLE").await;
        let out = platform.post("/auth/logout").bearer_auth(&parent.access).send().await.expect("an answer");
        assert_eq!(out.status(), 204);
        // Content is away: only the gateway itself can know that the session has ended.
        refused(platform.get("/assessments").bearer_auth(&parent.access), 401, "UNAUTHENTICATED").await;
    }
}

#[tokio::test]
async fn without_an_answer_nobody_passes_to_children_and_administration() {
    let platform = Platform::with(stale(), redis()).await;
    let (parent, _) = platform.parent_with_child().await;
    platform.services.shut_down().await.expect("identity stops");
    eventually("identity is gone", async || {
        let answer = platform.get("/users/me").bearer_auth(&parent.access).send().await.expect("an answer");
        answer.status() == 503
    })
    .await;
    for path in ["/children", "/admin/videos", "/assessments", "/videos/recommended"] {
        let error = refused(platform.get(path).bearer_auth(&parent.access), 503, "UNAVAILABLE").await;
        assert!(error["message"].is_string());
    }
}
