//! The lists for reconciliation.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::object::{method, seoul};
use super::trouble;
use crate::Sandbox;
use crate::books::Books;
use crate::call::{Call, Reply, Trouble, carry_out};
use crate::charge::{Charge, Dialect, Moved, Movement};
use crate::fault::Operation;

/// What it takes for itself, in basis points.
const FEE_BP: i64 = 250;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transactions {
    start_date: String,
    end_date: String,
    limit: Option<usize>,
    starting_after: Option<String>,
}

/// A moment in Korea's time, without saying so.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some((local - TimeDelta::hours(9)).and_utc())
}

/// The oldest first, charges and cancels alike; to the end of the second named.
pub(super) async fn transactions(State(sandbox): State<Sandbox>, Query(asked): Query<Transactions>) -> Response {
    let (Some(from), Some(to)) = (moment(&asked.start_date), moment(&asked.end_date)) else {
        return trouble(Trouble::Malformed).into_response();
    };
    carry_out(&sandbox, Call::new(Dialect::Toss, Operation::List, None), |books, _| {
        let mut all: Vec<(&Charge, &Movement)> =
            moved(books).filter(|(_, movement)| (from..to + TimeDelta::seconds(1)).contains(&movement.at)).collect();
        all.sort_by(|(_, a), (_, b)| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let after = asked.starting_after.as_deref();
        let start =
            after.and_then(|key| all.iter().position(|(_, movement)| movement.id == key)).map_or(0, |at| at + 1);
        let page = all.into_iter().skip(start).take(asked.limit.unwrap_or(100).min(5000));
        Reply::ok(page.map(|(charge, movement)| transaction(charge, movement)).collect())
    })
    .await
}

fn moved(books: &Books) -> impl Iterator<Item = (&Charge, &Movement)> {
    let ours = books.all().filter(|charge| charge.dialect == Dialect::Toss);
    ours.flat_map(|charge| charge.movements.iter().map(move |movement| (charge, movement)))
}

/// Amounts have no sign: the status tells the direction. An account given up counts as cancelled, with the whole amount.
fn transaction(charge: &Charge, movement: &Movement) -> Value {
    let (status, amount) = match movement.moved {
        Moved::Issued => ("WAITING_FOR_DEPOSIT", 0),
        Moved::Charged => ("DONE", movement.amount),
        Moved::GivenUp => ("CANCELED", charge.total),
        Moved::Cancelled | Moved::Reversed => ("CANCELED", -movement.amount),
        Moved::PartlyCancelled => ("PARTIAL_CANCELED", -movement.amount),
    };
    json!({
        "mId": "sandbox",
        "transactionKey": movement.id,
        "paymentKey": charge.provider_key,
        "orderId": charge.order_id,
        "method": method(charge.method),
        "useEscrow": false,
        "status": status,
        "transactionAt": seoul(movement.at),
        "currency": "KRW",
        "amount": amount,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settlements {
    start_date: NaiveDate,
    end_date: NaiveDate,
    page: Option<usize>,
    size: Option<usize>,
}

/// Everything is paid out on the day on which it moved.
pub(super) async fn settlements(State(sandbox): State<Sandbox>, Query(asked): Query<Settlements>) -> Response {
    carry_out(&sandbox, Call::new(Dialect::Toss, Operation::List, None), |books, _| {
        let size = asked.size.unwrap_or(100).min(5000);
        let within = moved(books).filter(|(_, movement)| {
            movement.amount != 0 && (asked.start_date..=asked.end_date).contains(&day(movement.at))
        });
        let page = within.skip((asked.page.unwrap_or(1).max(1) - 1) * size).take(size);
        Reply::ok(page.map(|(charge, movement)| settlement(charge, movement)).collect())
    })
    .await
}

fn day(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(9)).date_naive()
}

fn settlement(charge: &Charge, movement: &Movement) -> Value {
    let fee = movement.amount * FEE_BP / 10_000;
    json!({
        "mId": "sandbox",
        "paymentKey": charge.provider_key,
        "transactionKey": movement.id,
        "orderId": charge.order_id,
        "currency": "KRW",
        "method": method(charge.method),
        "amount": movement.amount,
        "interestFee": 0,
        "fee": fee,
        "payOutAmount": movement.amount - fee,
        "approvedAt": charge.charged_at.map(seoul),
        "soldDate": day(movement.at),
        "paidOutDate": day(movement.at),
    })
}
