//! The limits as they are by default, and what remains of them without Redis.

use aipoten_gateway::Config;
use aipoten_kit::config::Redis;
use aipoten_kit::test::redis;
use serde_json::json;

use crate::platform::{Platform, closed_port, generous, header, json_of, refused};

#[tokio::test]
async fn by_default_the_sixth_attempt_to_sign_in_is_429() {
    let platform = Platform::with(Config::default(), redis()).await;
    let attempt = || platform.post("/auth/login").json(&json!({ "email": "nobody@example.org", "password": "wrong" }));
    for left in ["4", "3", "2", "1", "0"] {
        let answer = attempt().send().await.expect("an answer");
        assert_eq!(header(&answer, "ratelimit-limit"), "5");
        assert_eq!(header(&answer, "ratelimit-remaining"), left);
        assert_eq!(answer.status(), 401);
    }
    let answer = attempt().send().await.expect("an answer");
    let wait: u64 = header(&answer, "retry-after").parse().expect("seconds");
    assert!((1..=13).contains(&wait), "{wait}");
    refused(attempt(), 429, "RATE_LIMITED").await;
    let elsewhere = platform.get("/children").send().await.expect("an answer");
    assert_eq!(elsewhere.status(), 401, "other routes are not held up");
}

#[tokio::test]
async fn by_default_the_sixth_request_about_links_is_429_whichever_it_is() {
    let platform = Platform::with(Config::default(), redis()).await;
    for path in ["email/verify", "email/verify/resend", "email/change", "email/change/confirm", "password/reset"] {
        let answer = platform.post(&format!("/auth/{path}")).json(&json!({})).send().await.expect("an answer");
        assert!([400, 401].contains(&answer.status().as_u16()), "{path}: {}", answer.status());
        assert_eq!(header(&answer, "ratelimit-limit"), "5", "{path}");
    }
    refused(platform.post("/auth/password/reset/confirm").json(&json!({})), 429, "RATE_LIMITED").await;
    let elsewhere = platform.get("/children").send().await.expect("an answer");
    assert_eq!(elsewhere.status(), 401, "other routes are not held up");
}

#[tokio::test]
async fn by_default_a_user_has_a_hundred_a_minute_and_so_has_an_address_without_one() {
    let platform = Platform::with(Config::default(), redis()).await;
    let parent = platform.parent().await;
    let mine = platform.get("/auth/me").bearer_auth(&parent.access).send().await.expect("an answer");
    assert_eq!((header(&mine, "ratelimit-limit"), header(&mine, "ratelimit-remaining")), ("100".into(), "99".into()));
    let mut refusals = 0;
    for _ in 0..110 {
        let answer = platform.get("/nothing").send().await.expect("an answer");
        assert_eq!(header(&answer, "ratelimit-limit"), "100");
        refusals += u32::from(answer.status() == 429);
    }
    assert!((5..=12).contains(&refusals), "{refusals}");
    let mine = platform.get("/auth/me").bearer_auth(&parent.access).send().await.expect("an answer");
    assert_eq!(mine.status(), 200, "who is signed in does not suffer from the address");
}

#[tokio::test]
async fn forwarded_addresses_count_apart_behind_our_proxy_alone() {
    let config = Config { trusted_proxies: vec!["127.0.0.0/8".to_owned()], ..Config::default() };
    let platform = Platform::with(config, redis()).await;
    let left = async |forwarded: &str| {
        let answer = platform.get("/nothing").header("x-forwarded-for", forwarded).send().await.expect("an answer");
        header(&answer, "ratelimit-remaining")
    };
    assert_eq!(left("198.51.100.1").await, "99");
    assert_eq!(left("198.51.100.2").await, "99");
    assert_eq!(left("6.6.6.6, 198.51.100.2").await, "98", "what the client wrote itself does not count");
    assert_eq!(left("2001:db8::1").await, "99");
    assert_eq!(left("2001:db8::2").await, "98", "a /64 is one subscriber");

    let direct = Platform::with(Config::default(), redis()).await;
    for (forwarded, remaining) in [("198.51.100.1", "99"), ("198.51.100.2", "98")] {
        let answer = direct.get("/nothing").header("x-forwarded-for", forwarded).send().await.expect("an answer");
        assert_eq!(header(&answer, "ratelimit-remaining"), remaining);
    }
}

#[tokio::test]
async fn without_redis_the_gateway_answers_and_limits_alone() {
    let url = format!("redis://{}/", closed_port().await);
    let down = Redis { url: url.into(), prefix: String::new() };
    let mut config = generous();
    config.limits.login = 2;
    let platform = Platform::with(config, down).await;
    let parent = platform.parent().await;
    let me = platform.get("/auth/me").bearer_auth(&parent.access).send().await.expect("an answer");
    json_of(me, 200).await;
    let attempt = || platform.post("/auth/login").json(&json!({ "email": "nobody@example.org", "password": "wrong" }));
    refused(attempt(), 401, "INVALID_CREDENTIALS").await;
    refused(attempt(), 429, "RATE_LIMITED").await;
}
