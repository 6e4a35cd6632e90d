//! Sessions that a browser keeps in cookies.

use aipoten_gateway::Config;
use aipoten_kit::test::redis;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::platform::{PASSWORD, Platform, generous, header, json_of, refused};

const ORIGIN: &str = "https://app.example.org";

async fn platform() -> Platform {
    let config = Config { csrf_key: "k".repeat(40).into(), cors_origins: vec![ORIGIN.to_owned()], ..generous() };
    Platform::with(config, redis()).await
}

/// The cookies that an answer sets: name, value, attributes.
fn cookies(answer: &Response) -> Vec<(String, String, String)> {
    let values = answer.headers().get_all("set-cookie").iter().map(|it| it.to_str().expect("text"));
    let parts = values.map(|it| {
        let (pair, attributes) = it.split_once("; ").expect("attributes");
        let (name, value) = pair.split_once('=').expect("a value");
        (name.to_owned(), value.to_owned(), attributes.to_owned())
    });
    parts.collect()
}

/// A browser that is signed in: what it sends as its cookies, and its CSRF token.
struct Browser {
    jar: String,
    csrf: String,
}

impl Browser {
    fn of(answer: &Response) -> Self {
        let set = cookies(answer);
        let jar: Vec<_> = set.iter().map(|(name, value, _)| format!("{name}={value}")).collect();
        Self { jar: jar.join("; "), csrf: header(answer, "x-csrf-token") }
    }

    fn sends(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("cookie", &self.jar)
    }

    fn safely(&self, request: RequestBuilder) -> RequestBuilder {
        self.sends(request).header("x-csrf-token", &self.csrf).header("sec-fetch-site", "same-origin")
    }
}

async fn sign_in(platform: &Platform) -> (Response, String) {
    let email = platform.parent().await.email;
    let login = platform.post("/auth/login").header("x-cookie-session", "true");
    let answer = login.json(&json!({ "email": email, "password": PASSWORD })).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    (answer, email)
}

#[tokio::test]
async fn the_tokens_are_in_cookies_that_scripts_cannot_read_and_not_in_the_body() {
    let platform = platform().await;
    let (answer, email) = sign_in(&platform).await;
    let set = cookies(&answer);
    let attributes = |name: &str| set.iter().find(|it| it.0 == name).expect("the cookie").2.clone();
    let access = attributes("__Host-at");
    assert!(access.starts_with("Path=/; Max-Age=") && access.ends_with("Secure; HttpOnly; SameSite=Lax"), "{access}");
    let refresh = attributes("__Secure-rt");
    assert!(refresh.starts_with("Path=/api/v1/auth/refresh; Max-Age="), "{refresh}");
    assert!(refresh.ends_with("Secure; HttpOnly; SameSite=Strict"), "{refresh}");
    let csrf = attributes("__Host-csrf");
    assert!(csrf.starts_with("Path=/; ") && !csrf.contains("HttpOnly") && csrf.contains("Secure"), "{csrf}");
    assert_eq!(header(&answer, "cache-control"), "private, no-store");
    let browser = Browser::of(&answer);
    let body = json_of(answer, 200).await;
    assert_eq!(body["data"]["tokens"], Value::Null);
    assert_eq!(body["data"]["user"]["email"], email.as_str());
    let me = browser.sends(platform.get("/auth/me")).send().await.expect("an answer");
    assert_eq!(json_of(me, 200).await["data"]["user"]["email"], email.as_str());
}

#[tokio::test]
async fn what_a_provider_sends_needs_no_token_of_a_page() {
    let platform = platform().await;
    let browser = Browser::of(&sign_in(&platform).await.0);
    let message = platform.post("/payments/webhooks/toss").body("{}");
    // Billing is asked, and away.
    refused(browser.sends(message), 503, "UNAVAILABLE").await;
}

#[tokio::test]
async fn what_changes_something_needs_the_token_of_this_session_and_a_page_of_ours() {
    let platform = platform().await;
    let browser = Browser::of(&sign_in(&platform).await.0);
    let other = Browser::of(&sign_in(&platform).await.0);
    let change = || platform.patch("/users/me").json(&json!({ "name": "Lee" }));
    refused(browser.sends(change()), 403, "CSRF_FAILED").await;
    refused(browser.sends(change()).header("x-csrf-token", "nonsense"), 403, "CSRF_FAILED").await;
    refused(browser.sends(change()).header("x-csrf-token", &other.csrf), 403, "CSRF_FAILED").await;
    let mixed = Browser { jar: browser.jar.replace(&browser.csrf, &other.csrf), csrf: other.csrf.clone() };
    refused(mixed.safely(change()), 403, "CSRF_FAILED").await;
    for site in ["cross-site", "same-site"] {
        let foreign = browser.sends(change()).header("x-csrf-token", &browser.csrf).header("sec-fetch-site", site);
        refused(foreign.header("origin", "https://evil.example.org"), 403, "CSRF_FAILED").await;
    }
    json_of(browser.safely(change()).send().await.expect("an answer"), 200).await;
    let listed = browser.sends(change()).header("x-csrf-token", &browser.csrf).header("sec-fetch-site", "same-site");
    json_of(listed.header("origin", ORIGIN).send().await.expect("an answer"), 200).await;
}

#[tokio::test]
async fn a_bearer_token_makes_cookies_ignored() {
    let platform = platform().await;
    let browser = Browser::of(&sign_in(&platform).await.0);
    let app = platform.parent().await;
    let me = browser.sends(platform.get("/auth/me")).bearer_auth(&app.access).send().await.expect("an answer");
    assert_eq!(json_of(me, 200).await["data"]["user"]["email"], app.email.as_str());
    refused(browser.sends(platform.get("/auth/me")).bearer_auth("nonsense"), 401, "UNAUTHENTICATED").await;
    let change = platform.patch("/users/me").json(&json!({ "name": "Lee" })).bearer_auth(&app.access);
    json_of(browser.sends(change).send().await.expect("an answer"), 200).await;
    refused(browser.safely(platform.post("/auth/refresh")).bearer_auth(&app.access), 401, "UNAUTHENTICATED").await;
}

#[tokio::test]
async fn a_session_in_cookies_is_refreshed_and_ended_there() {
    let platform = platform().await;
    let browser = Browser::of(&sign_in(&platform).await.0);
    refused(platform.post("/auth/refresh"), 401, "UNAUTHENTICATED").await;
    refused(browser.sends(platform.post("/auth/refresh")), 403, "CSRF_FAILED").await;
    // The access token has expired, and its cookie with it.
    let (_, without_access) = browser.jar.split_once("; ").expect("three cookies");
    let browser = Browser { jar: without_access.to_owned(), csrf: browser.csrf };
    let refreshed = browser.safely(platform.post("/auth/refresh")).send().await.expect("an answer");
    assert_eq!(refreshed.status(), 204);
    let renewed = Browser::of(&refreshed);
    assert_ne!(renewed.jar, browser.jar);
    let out = renewed.safely(platform.post("/auth/logout")).send().await.expect("an answer");
    assert_eq!(out.status(), 204);
    let cleared = cookies(&out);
    assert_eq!(cleared.len(), 3);
    assert!(cleared.iter().all(|(_, value, rest)| value.is_empty() && rest.contains("Max-Age=0")), "{cleared:?}");
    refused(renewed.sends(platform.get("/auth/me")), 401, "UNAUTHENTICATED").await;
    refused(renewed.safely(platform.post("/auth/refresh")), 401, "UNAUTHENTICATED").await;
}

#[tokio::test]
async fn without_a_key_nobody_gets_cookies() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    let login = platform.post("/auth/login").header("x-cookie-session", "true");
    refused(login.json(&json!({ "email": parent.email, "password": PASSWORD })), 409, "INVALID_STATE").await;
    let short = Config { csrf_key: "short".to_owned().into(), ..generous() };
    let refusal = aipoten_gateway::build(&short, &crate::platform::common(redis())).err().expect("a refusal");
    assert!(refusal.to_string().contains("`gateway.csrf_key`"), "{refusal}");
}
