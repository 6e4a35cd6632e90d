//! Access tokens that are not what they should be.

use aipoten_identity::{Withdraw, rotate_keys};
use aipoten_kit::test::{Forge, encryption, eventually};
use serde_json::{Value, json};

use crate::platform::{Platform, json_of};

/// The body of a refusal, without the request's id.
async fn refusal(platform: &Platform, token: &str) -> Value {
    let answer = platform.get("/users/me").bearer_auth(token).send().await.expect("an answer");
    let mut body = json_of(answer, 401).await;
    body["error"].as_object_mut().expect("an error").remove("request_id");
    body
}

/// The key that signs.
async fn signer(platform: &Platform) -> Value {
    let keys = platform.client.get(platform.url("/.well-known/jwks.json")).send().await.expect("an answer");
    json_of(keys, 200).await["keys"][0]["kid"].clone()
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    let platform = Platform::start().await;
    let person = platform.parent().await;
    let stolen = Forge::new(&platform.database.pool, &encryption(), &person.access).await;
    let config = aipoten_identity::Config { encryption: encryption(), ..aipoten_identity::Config::default() };
    let fresh = rotate_keys(&platform.database.pool, &config, Withdraw::All).await.expect("withdrawn");
    eventually("the fresh key signs", async || signer(&platform).await == fresh.to_string()).await;
    let good = platform.sign_in(&person.email, &person.password).await.access;
    let forge = Forge::new(&platform.database.pool, &encryption(), &good).await;
    let me = platform.get("/users/me").bearer_auth(forge.token(&json!({}), &json!({}))).send().await;
    json_of(me.expect("an answer"), 200).await;

    let expected = refusal(&platform, "nonsense").await;
    assert_eq!(expected["error"]["code"], "UNAUTHENTICATED");
    let withdrawn = ("a key that was withdrawn", stolen.token(&json!({}), &json!({})));
    for (what, token) in forge.wrong().into_iter().chain([withdrawn]) {
        assert_eq!(refusal(&platform, &token).await, expected, "{what}");
    }
    assert_eq!(refusal(&platform, &forge.expired(6)).await["error"]["code"], "TOKEN_EXPIRED");
}

#[tokio::test]
async fn the_token_of_a_service_opens_nothing_from_outside() {
    let platform = Platform::start().await;
    let request = platform.service_request(()).await;
    let bearer = request.metadata().get("authorization").expect("a token").to_str().expect("ASCII").to_owned();
    let expected = refusal(&platform, "nonsense").await;
    assert_eq!(refusal(&platform, bearer.strip_prefix("Bearer ").expect("a bearer")).await, expected);
}
