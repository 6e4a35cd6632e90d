//! What moved and what was paid out, for reconciliation.

use aipoten_kit::Won;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::intent::{List, Metadata};
use super::{PAGE, PAGES, Stripe};
use crate::provider::told::{Not, Told};
use crate::provider::{Payout, Transaction};

/// An entry in the account at Stripe: what moved, and what Stripe keeps of it.
#[derive(Deserialize)]
struct Entry {
    amount: i64,
    fee: i64,
    net: i64,
    created: i64,
    source: Option<Source>,
}

/// The charge or refund that it comes of.
#[derive(Deserialize)]
struct Source {
    amount: i64,
    payment_intent: Option<Of>,
}

#[derive(Deserialize)]
struct Of {
    id: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct PayoutObject {
    arrival_date: i64,
}

/// Pages begin after the last one's number.
#[derive(Deserialize)]
struct Item<T> {
    id: String,
    #[serde(flatten)]
    it: T,
}

fn start_of(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp()
}

impl Stripe {
    async fn all<T: DeserializeOwned>(&self, what: &str, query: &[(&str, String)]) -> Told<Vec<Item<T>>> {
        let mut found: Vec<Item<T>> = Vec::new();
        for _ in 0..PAGES {
            let after = found.last().map(|item| &item.id);
            let request = self.get(&[what]).query(query).query(&[("limit", PAGE)]).query(&[("starting_after", after)]);
            let page: List<Item<T>> = self.ask(request, &[]).await?;
            found.extend(page.data);
            if !page.has_more {
                return Ok(found);
            }
        }
        Err(Not::unknown("its list does not end"))
    }

    async fn entries(&self, mut query: Vec<(&str, String)>) -> Told<Vec<Item<Entry>>> {
        query.push(("expand[]", "data.source.payment_intent".to_owned()));
        self.all("balance_transactions", &query).await
    }

    /// Entries may be in the currency of our bank; what they come of is in won.
    pub(super) async fn transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Told<Vec<Transaction>> {
        let since = from.timestamp() + i64::from(from.timestamp_subsec_nanos() > 0);
        let until = to.timestamp() + i64::from(to.timestamp_subsec_nanos() > 0);
        let entries =
            self.entries(vec![("created[gte]", since.to_string()), ("created[lt]", until.to_string())]).await?;
        let movement = |Item { it: entry, .. }: Item<Entry>| {
            let source = entry.source?;
            let of = source.payment_intent?;
            Some(Transaction {
                transaction_id: of.id,
                order_id: of.metadata.order_id?,
                amount: Won(entry.amount.signum() * source.amount),
                at: DateTime::from_timestamp(entry.created, 0)?,
            })
        };
        Ok(entries.into_iter().filter_map(movement).collect())
    }

    pub(super) async fn settlements(&self, from: NaiveDate, to: NaiveDate) -> Told<Vec<Payout>> {
        let query = [
            ("status", "paid".to_owned()),
            ("arrival_date[gte]", start_of(from).to_string()),
            ("arrival_date[lt]", start_of(to.succ_opt().unwrap_or(to)).to_string()),
        ];
        let mut found = Vec::new();
        for payout in self.all::<PayoutObject>("payouts", &query).await? {
            let day = DateTime::from_timestamp(payout.it.arrival_date, 0).map(|at| at.date_naive());
            let paid_out_on = day.ok_or_else(|| Not::unknown("a payout has no date"))?;
            let entries = self.entries(vec![("payout", payout.id)]).await?;
            found.extend(entries.into_iter().filter_map(|Item { it: entry, .. }| {
                let of = entry.source?.payment_intent?;
                Some(Payout { transaction_id: of.id, fee: Won(entry.fee), amount: Won(entry.net), paid_out_on })
            }));
        }
        Ok(found)
    }
}
