//! What payment providers send, as far as the gateway has a say. Billing is away here: who is told so has come through.

use aipoten_gateway::{Config, Limits};
use aipoten_kit::test::redis;
use reqwest::Method;

use crate::platform::{Platform, generous, header, refused};

#[tokio::test]
async fn a_message_may_be_of_any_type_and_64_kib_long() {
    let platform = Platform::start().await;
    let message = || platform.post("/payments/webhooks/toss");
    refused(message(), 503, "UNAVAILABLE").await;
    for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain", "nonsense"] {
        refused(message().header("content-type", kind).body("no {JSON"), 503, "UNAVAILABLE").await;
    }
    refused(message().body(vec![0xff; 64 * 1024]), 503, "UNAVAILABLE").await;
    refused(message().body(vec![b' '; 64 * 1024 + 1]), 413, "PAYLOAD_TOO_LARGE").await;
    refused(message().bearer_auth("no token of ours"), 503, "UNAVAILABLE").await;
    refused(platform.request(Method::GET, "/payments/webhooks/toss"), 405, "METHOD_NOT_ALLOWED").await;
}

#[tokio::test]
async fn messages_are_limited_by_address_apart_from_everything_else() {
    let limits = Limits { webhooks: 2, anonymous: 1, ..generous().limits };
    let platform = Platform::with(Config { limits, ..generous() }, redis()).await;
    let message = || platform.post("/payments/webhooks/sandbox");
    for left in ["1", "0"] {
        let answer = message().send().await.expect("an answer");
        assert_eq!(
            (header(&answer, "ratelimit-limit"), header(&answer, "ratelimit-remaining")),
            ("2".into(), left.into())
        );
    }
    refused(message(), 429, "RATE_LIMITED").await;
    refused(platform.post("/payments/webhooks/stripe"), 429, "RATE_LIMITED").await;
    refused(platform.get("/nothing"), 404, "NOT_FOUND").await;
}
