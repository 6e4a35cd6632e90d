//! The provider's own checkout: an order is registered, and somebody pays or refuses in a browser.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use crate::books::Authorization;
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Charge, Dialect, Method, Outcome};
use crate::fault::Operation;
use crate::{Sandbox, toss};

/// Texts of the page: language, title, what it is, approve, decline, by deposit, no such order, cannot be paid.
type Words = [&'static str; 8];

const KOREAN: Words = [
    "ko",
    "테스트 결제",
    "실제로 결제되지 않는 개발용 화면입니다.",
    "결제하기",
    "카드 승인 거절",
    "가상계좌로 입금하기",
    "주문을 찾을 수 없습니다.",
    "이미 처리된 주문입니다.",
];
const ENGLISH: Words = [
    "en",
    "Test payment",
    "A page for development: no money moves.",
    "Pay",
    "Have the card declined",
    "Pay by deposit",
    "There is no such order.",
    "This order was already paid or cancelled.",
];

pub(crate) fn routes(sandbox: &Sandbox) -> Router<Sandbox> {
    let orders = Router::new()
        .route("/sandbox/orders", post(register))
        .layer(from_fn_with_state(sandbox.clone(), toss::authorize));
    Router::new().route("/checkout/{order_id}", get(page).post(pay)).merge(orders)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    order_id: String,
    order_name: String,
    amount: i64,
    return_url: String,
}

/// The same order again is the one that there is.
async fn register(State(sandbox): State<Sandbox>, body: Bytes) -> Response {
    let order = serde_json::from_slice(&body).ok().filter(|order: &NewOrder| order.return_url.parse::<Url>().is_ok());
    let Some(order) = order else {
        return toss::trouble(Trouble::Malformed).into_response();
    };
    let call = Call::new(Dialect::Toss, Operation::Checkout, Some(&order.order_id));
    carry_out(&sandbox, call, |books, _| {
        let mut charge = Charge::new(&order.order_id, Dialect::Toss, order.amount, &order.order_name);
        charge.return_url = Some(order.return_url);
        books.register(charge);
        Reply::ok(json!({ "checkout_path": format!("/checkout/{}", order.order_id) }))
    })
    .await
}

fn words(headers: &HeaderMap) -> &'static Words {
    let wanted = headers.get("accept-language").and_then(|header| header.to_str().ok()).unwrap_or_default();
    if wanted.trim_start().to_lowercase().starts_with("en") { &ENGLISH } else { &KOREAN }
}

async fn page(State(sandbox): State<Sandbox>, Path(order_id): Path<String>, headers: HeaderMap) -> Response {
    let words = words(&headers);
    match sandbox.books().get(&order_id) {
        Some(charge) => Html(form(words, charge)).into_response(),
        None => (StatusCode::NOT_FOUND, Html(words[6])).into_response(),
    }
}

fn form(words: &Words, charge: &Charge) -> String {
    let [language, title, what, approve, decline, deposit, ..] = words;
    let (name, amount) = (escape(&charge.order_name), thousands(charge.total));
    format!(
        r#"<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1.1rem/1.6 system-ui;max-width:24rem;margin:3rem auto;padding:0 1rem}}
button{{display:block;width:100%;font:inherit;padding:.8rem;margin:.6rem 0}}</style>
<h1>{title}</h1><p>{what}</p><p>{name}</p><p><strong>₩{amount}</strong></p>
<form method="post">
<button name="choice" value="approve">{approve}</button>
<button name="choice" value="decline">{decline}</button>
<button name="choice" value="deposit">{deposit}</button>
</form></html>"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Digits in groups of three.
fn thousands(amount: i64) -> String {
    let digits = amount.to_string();
    let grouped: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|it| str::from_utf8(it).ok()).collect();
    grouped.join(",")
}

/// Authorises and goes back to the merchant's page, which confirms.
async fn pay(
    State(sandbox): State<Sandbox>,
    Path(order_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let words = words(&headers);
    let choice = form_urlencoded::parse(&body).find(|(name, _)| name == "choice").map(|(_, choice)| choice);
    let (method, outcome) = match choice.as_deref() {
        Some("approve") => (Method::Card, Outcome::Approve),
        Some("decline") => (Method::Card, Outcome::Decline),
        Some("deposit") => (Method::VirtualAccount, Outcome::Approve),
        _ => return (StatusCode::BAD_REQUEST, Html(words[6])).into_response(),
    };
    let mut books = sandbox.books();
    match books.authorize(&Authorization { order_id, method, outcome, unregistered: None }) {
        Ok(charge) => back(charge).map_or_else(
            || (StatusCode::NOT_FOUND, Html(words[6])).into_response(),
            |url| Redirect::to(url.as_str()).into_response(),
        ),
        Err(_) => (StatusCode::CONFLICT, Html(words[7])).into_response(),
    }
}

/// The merchant's page with what it needs to confirm.
fn back(charge: &Charge) -> Option<Url> {
    let mut url: Url = charge.return_url.as_deref()?.parse().ok()?;
    url.query_pairs_mut()
        .append_pair("paymentKey", &charge.token)
        .append_pair("orderId", &charge.order_id)
        .append_pair("amount", &charge.total.to_string());
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_groups_of_three() {
        for (amount, shown) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (544_000, "544,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(thousands(amount), shown);
        }
    }
}
