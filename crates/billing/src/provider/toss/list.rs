//! What moved and what was paid out, for reconciliation.

use aipoten_kit::Won;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use reqwest::Method;
use serde::Deserialize;

use super::Toss;
use crate::provider::told::{Not, Told};
use crate::provider::{Payout, Transaction};

/// Most items that it gives at once.
const PAGE: usize = 5000;
/// So many pages are more than a day can have.
const PAGES: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    transaction_key: String,
    payment_key: String,
    order_id: String,
    method: Option<String>,
    status: String,
    transaction_at: DateTime<Utc>,
    amount: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    payment_key: String,
    amount: i64,
    pay_out_amount: i64,
    paid_out_date: NaiveDate,
}

/// In Korea's time, without saying so.
fn moment(at: DateTime<Utc>) -> String {
    let seoul = FixedOffset::east_opt(9 * 3600).expect("nine hours are an offset");
    at.with_timezone(&seoul).format("%Y-%m-%dT%H:%M:%S").to_string()
}

impl Toss {
    pub(super) async fn transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Told<Vec<Transaction>> {
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let items = self.items(from, to, after.as_deref()).await?;
            after = items.last().map(|item| item.transaction_key.clone());
            let is_last = items.len() < PAGE;
            for item in items.into_iter().filter(|item| (from..to).contains(&item.transaction_at)) {
                found.extend(self.movement(item).await?);
            }
            if is_last {
                return Ok(found);
            }
        }
        Err(Not::unknown("its list of transactions does not end"))
    }

    async fn items(&self, from: DateTime<Utc>, to: DateTime<Utc>, after: Option<&str>) -> Told<Vec<Item>> {
        let request = self.http.request(Method::GET, &["v1", "transactions"]);
        let request = request.query(&[("startDate", moment(from)), ("endDate", moment(to))]);
        let request = request.query(&[("limit", PAGE)]).query(&[("startingAfter", after)]);
        self.ask(request, &[]).await
    }

    /// Amounts have no sign: the status tells the direction. An account that was given up before anybody deposited counts as
    /// cancelled, too, with its whole amount: only the payment tells that no money moved.
    async fn movement(&self, item: Item) -> Told<Option<Transaction>> {
        let sign = match item.status.as_str() {
            "DONE" => 1,
            "CANCELED" | "PARTIAL_CANCELED" => -1,
            _ => return Ok(None),
        };
        let may_be_given_up = sign < 0 && item.method.as_deref() == Some("가상계좌");
        if may_be_given_up && self.read(&[&item.payment_key]).await?.is_given_up() {
            return Ok(None);
        }
        let amount = Won(sign * item.amount.abs());
        let (transaction_id, order_id) = (item.payment_key, item.order_id);
        Ok(Some(Transaction { transaction_id, order_id, amount, at: item.transaction_at }))
    }

    pub(super) async fn settlements(&self, from: NaiveDate, to: NaiveDate) -> Told<Vec<Payout>> {
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let request = self.http.request(Method::GET, &["v1", "settlements"]);
            let request = request.query(&[("dateType", "paidOutDate")]).query(&[("startDate", from), ("endDate", to)]);
            let request = request.query(&[("page", page), ("size", PAGE)]);
            let items: Vec<Settlement> = self.ask(request, &[]).await?;
            let is_last = items.len() < PAGE;
            found.extend(items.into_iter().map(|item| Payout {
                transaction_id: item.payment_key,
                fee: Won(item.amount) - Won(item.pay_out_amount),
                amount: Won(item.pay_out_amount),
                paid_out_on: item.paid_out_date,
            }));
            if is_last {
                return Ok(found);
            }
        }
        Err(Not::unknown("its list of settlements does not end"))
    }
}
