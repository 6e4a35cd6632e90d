//! What is no clear answer says nothing.

use std::fmt::Debug;

use aipoten_billing::provider::{Answer, Name, Provider, Providers};
use axum::Router;
use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use tokio::net::TcpListener;

use super::world::{AMOUNT, SECRET, World, account, new_order, new_refund, succeeded, unknown};

/// Whether whoever is asked anything leaves it open.
async fn all_is_unknown(provider: &dyn Provider, world: &World, what: &str) {
    fn open<T: Debug>(answer: &Answer<T>, what: &str) {
        assert!(matches!(answer, Answer::Unknown(_)), "{what}: {answer:?}");
    }
    let (name, now) = (provider.name(), Utc::now());
    let confirmation = world.authorized("card", "approve").await;
    let charge = world.charged().await;
    // Toss is not asked, and PortOne has nothing to say.
    if !matches!(name, Name::Toss | Name::Portone) {
        open(&provider.create_checkout(&new_order()).await, what);
    }
    open(&provider.confirm(&confirmation).await, what);
    open(&provider.fetch(&charge.transaction_id).await, what);
    open(&provider.fetch_by_order(&charge.order_id).await, what);
    open(&provider.refund(&new_refund(&charge, AMOUNT)).await, what);
    open(&provider.fetch_refund(&charge.transaction_id, "refund").await, what);
    open(&provider.list_transactions(now - TimeDelta::days(1), now).await, what);
    if name != Name::Portone {
        open(&provider.list_settlements(now.date_naive(), now.date_naive()).await, what);
    }
}

/// A server that answers everybody the same.
async fn server(status: u16, body: &'static str) -> String {
    let status = StatusCode::from_u16(status).expect("a status");
    let router = Router::new().fallback(async move || (status, [("location", "/elsewhere")], body));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn answers_that_are_none_say_nothing() {
    for name in Name::ALL {
        let world = World::new(name).await;
        for (status, body) in [
            (200, ""),
            (200, "<html>Welcome</html>"),
            (200, r#"{"status":"DONE"}"#),
            (204, ""),
            (302, "{}"),
            (400, "Bad Request"),
            (400, r#"{"code":"NEVER_HEARD_OF","message":"?","type":"NEVER_HEARD_OF"}"#),
            (
                401,
                r#"{"code":"UNAUTHORIZED_KEY","message":"?","type":"UNAUTHORIZED","error":{"type":"invalid_request_error"}}"#,
            ),
            (408, "{}"),
            (409, "{}"),
            (
                429,
                r#"{"code":"NOT_FOUND_PAYMENT","message":"?","type":"PAYMENT_NOT_FOUND","error":{"type":"card_error"}}"#,
            ),
            (
                500,
                r#"{"code":"REJECT_CARD_PAYMENT","message":"?","type":"INVALID_REQUEST","error":{"type":"card_error"}}"#,
            ),
            (502, "{}"),
            (503, ""),
        ] {
            let url = server(status, body).await;
            let providers = Providers::connect(Some(name), &account(&url, name, SECRET)).expect("good settings");
            let provider = providers.get(name).expect("configured");
            all_is_unknown(provider, &world, &format!("{name:?} {status} {body}")).await;
        }
    }
}

#[tokio::test]
async fn an_amount_that_is_no_whole_number_or_makes_no_sense_says_nothing() {
    let toss = |total: &str, balance: &str, currency: &str, status: &str| {
        format!(
            r#"{{"paymentKey":"k","orderId":"order-1","currency":"{currency}","totalAmount":{total},
            "balanceAmount":{balance},"status":"{status}","approvedAt":"2026-11-21T10:00:00+09:00"}}"#
        )
    };
    for (body, is_right) in [
        (toss("1000", "1000", "KRW", "DONE"), true),
        (toss("1000.0", "1000", "KRW", "DONE"), false),
        (toss("\"1000\"", "1000", "KRW", "DONE"), false),
        (toss("1e3", "1000", "KRW", "DONE"), false),
        (toss("1000", "1001", "KRW", "DONE"), false),
        (toss("1000", "-1", "KRW", "DONE"), false),
        (toss("99999999999999999999", "0", "KRW", "DONE"), false),
        (toss("1000", "1000", "USD", "DONE"), false),
        (toss("1000", "1000", "KRW", "SOMETHING"), false),
    ] {
        let body: &'static str = body.leak();
        let url = server(200, body).await;
        let providers =
            Providers::connect(Some(Name::Toss), &account(&url, Name::Toss, SECRET)).expect("good settings");
        let answer = providers.get(Name::Toss).expect("configured").fetch_by_order("order-1").await;
        assert_eq!(matches!(answer, Answer::Succeeded(_)), is_right, "{body}: {answer:?}");
        if !is_right {
            unknown(answer);
        }
        let other = providers.get(Name::Toss).expect("configured").fetch_by_order("order-2").await;
        unknown(other);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let url = server(200, " ".repeat(5 << 20).leak()).await;
    let providers = Providers::connect(Some(Name::Toss), &account(&url, Name::Toss, SECRET)).expect("good settings");
    let why = unknown(providers.get(Name::Toss).expect("configured").fetch("key").await);
    assert!(why.contains("too long"), "{why}");
}

#[tokio::test]
async fn nobody_there_or_a_wrong_key_says_nothing() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let nobody = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        for config in [account(&nobody, name, SECRET), account(world.url(), name, "wrong")] {
            let providers = Providers::connect(Some(name), &config).expect("good settings");
            all_is_unknown(providers.get(name).expect("configured"), &world, &format!("{name:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_provider_that_was_down_does_what_it_is_asked_again() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let confirmation = world.authorized("card", "approve").await;
        world.control("faults", &serde_json::json!({ "fault": "down", "count": 100 })).await;
        unknown(world.provider().confirm(&confirmation).await);
        unknown(world.provider().fetch_by_order(&confirmation.order_id).await);
        world.forget("faults").await;
        succeeded(world.provider().confirm(&confirmation).await);
        assert_eq!(world.moved(&confirmation.order_id).await, [AMOUNT], "{name:?}");
    }
}
