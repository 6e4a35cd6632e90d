//! Lists: of refunds, and for reconciliation.

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use serde_json::{Value, json};

use super::object::intent;
use super::{Form, number};
use crate::Sandbox;
use crate::books::Books;
use crate::call::{Call, Reply, carry_out};
use crate::charge::{Charge, Dialect, Movement};
use crate::fault::Operation;

/// What it takes for itself, in basis points.
const FEE_BP: i64 = 290;

/// Cut by `limit` and `starting_after`, as all lists are.
fn page(all: Vec<Value>, query: &Form) -> Reply {
    let after = query.get("starting_after");
    let start = after.and_then(|id| all.iter().position(|item| item["id"] == **id)).map_or(0, |at| at + 1);
    let limit = number(query, "limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10).min(100);
    let has_more = all.len() > start + limit;
    let data: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    Reply::ok(json!({ "object": "list", "data": data, "has_more": has_more }))
}

pub(super) fn list(data: &[Value]) -> Reply {
    Reply::ok(json!({ "object": "list", "data": data, "has_more": false }))
}

/// What moved, the newest first.
pub(super) async fn entries(State(sandbox): State<Sandbox>, Query(query): Query<Form>) -> Response {
    let (from, to) = (number(&query, "created[gte]"), number(&query, "created[lt]"));
    let payout = query.get("payout");
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::List, None), |books, _| {
        let is_wanted = |movement: &Movement| {
            let at = movement.at.timestamp();
            from.is_none_or(|from| at >= from)
                && to.is_none_or(|to| at < to)
                && payout.is_none_or(|payout| *payout == payout_id(movement.at.date_naive()))
        };
        let mut all: Vec<(&Charge, &Movement)> = moved(books).filter(|(_, movement)| is_wanted(movement)).collect();
        all.sort_by(|(_, a), (_, b)| (b.at, &b.id).cmp(&(a.at, &a.id)));
        page(all.into_iter().map(|(charge, movement)| entry(charge, movement)).collect(), &query)
    })
    .await
}

fn moved(books: &Books) -> impl Iterator<Item = (&Charge, &Movement)> {
    let ours = books.all().filter(|charge| charge.dialect == Dialect::Stripe);
    ours.flat_map(|charge| charge.movements.iter().filter(|it| it.amount != 0).map(move |movement| (charge, movement)))
}

fn entry(charge: &Charge, movement: &Movement) -> Value {
    let is_charge = movement.amount > 0;
    let fee = if is_charge { movement.amount * FEE_BP / 10_000 } else { 0 };
    json!({
        "id": format!("txn_{}", movement.id),
        "object": "balance_transaction",
        "amount": movement.amount,
        "currency": "krw",
        "fee": fee,
        "net": movement.amount - fee,
        "created": movement.at.timestamp(),
        "type": if is_charge { "charge" } else { "refund" },
        "source": {
            "id": movement.id,
            "object": if is_charge { "charge" } else { "refund" },
            "amount": movement.amount.abs(),
            "payment_intent": intent(charge),
        },
    })
}

fn payout_id(day: NaiveDate) -> String {
    format!("po_{}", day.format("%Y%m%d"))
}

/// One a day, for what moved on it.
pub(super) async fn payouts(State(sandbox): State<Sandbox>, Query(query): Query<Form>) -> Response {
    let (from, to) = (number(&query, "arrival_date[gte]"), number(&query, "arrival_date[lt]"));
    carry_out(&sandbox, Call::new(Dialect::Stripe, Operation::List, None), |books, _| {
        let mut days: Vec<NaiveDate> = moved(books).map(|(_, movement)| movement.at.date_naive()).collect();
        days.sort();
        days.dedup();
        let arrival = |day: &NaiveDate| day.and_time(NaiveTime::MIN).and_utc().timestamp();
        days.retain(|day| from.is_none_or(|from| arrival(day) >= from) && to.is_none_or(|to| arrival(day) < to));
        let payout = |day: NaiveDate| json!({ "id": payout_id(day), "object": "payout", "arrival_date": arrival(&day), "status": "paid" });
        page(days.into_iter().rev().map(payout).collect(), &query)
    })
    .await
}
