//! Once a day: what providers say moved, against what we know of.

mod compare;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use aipoten_kit::{Lease, Won};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Asia::Seoul;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::case::{self, Finding, Kind};
use crate::ledger::{self, Account, Journal};
use crate::provider::{Answer, Name, Payout, Provider};
use crate::{App, payment};
use compare::{Difference, compare};

/// How far back movements are compared: each of them at several days.
const MOVEMENTS: TimeDelta = TimeDelta::days(3);
/// How far back a provider's transfers are booked that were not yet.
const PAYOUTS: Days = Days::new(14);
const EACH: Duration = Duration::from_hours(24);
/// A provider may list later than it answers.
const SETTLING: TimeDelta = TimeDelta::hours(1);

/// What a comparison came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Movements that the provider listed.
    pub listed: usize,
    /// Payments that are read again: the provider knows more of them than we do.
    pub read_again: usize,
    /// Findings that a person has to look at, known ones included.
    pub findings: usize,
    /// Transfers of the provider that were booked.
    pub payouts: usize,
}

/// A payment as far as it is compared.
#[derive(Debug, Clone)]
struct Known {
    id: Uuid,
    order_id: String,
    transaction_id: Option<String>,
    total_amount: Won,
    is_captured: bool,
    /// Through the provider.
    paid_back: Won,
    reversals: i16,
}

/// Compares with each provider that was not compared with today; a job. Holding the lease for a day is what makes it once a day.
pub(crate) async fn reconcile_daily(app: &App) -> anyhow::Result<()> {
    for name in Name::ALL.into_iter().filter(|name| app.providers.get(*name).is_some()) {
        let Some(lease) = Lease::take(&app.pool, &format!("reconcile {}", name.as_str()), EACH).await? else {
            continue;
        };
        let now = Utc::now();
        match reconcile(app, name, now - MOVEMENTS, now).await {
            Ok(found) => tracing::info!(provider = name.as_str(), ?found, "compared with a provider"),
            Err(error) => {
                tracing::warn!(
                    provider = name.as_str(),
                    error = format!("{error:#}"),
                    "a provider could not be compared with"
                );
                lease.release(&app.pool).await?;
            }
        }
    }
    Ok(())
}

/// Compares what moved from one moment to before another with what we know of, and books what the provider transferred to us until the
/// day before. Again it changes nothing.
pub async fn reconcile(app: &App, name: Name, from: DateTime<Utc>, to: DateTime<Utc>) -> anyhow::Result<Reconciled> {
    let provider = app.providers.get(name).context("the provider is not configured")?;
    let mut found = compare_movements(app, provider, from, to).await?;
    let last = to.with_timezone(&Seoul).date_naive() - Days::new(1);
    found.payouts = book_payouts(app, provider, last - PAYOUTS, last).await?;
    Ok(found)
}

async fn compare_movements(
    app: &App,
    provider: &dyn Provider,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> anyhow::Result<Reconciled> {
    let listed = match provider.list_transactions(from, to).await {
        Answer::Succeeded(listed) => listed,
        other => bail!("it does not list what moved: {other:?}"),
    };
    let mut conn = app.pool.acquire().await?;
    let orders: Vec<String> = listed.iter().map(|it| it.order_id.clone()).collect();
    let numbers: Vec<String> = listed.iter().map(|it| it.transaction_id.clone()).collect();
    let known = store::named(&mut conn, provider.name(), &orders, &numbers).await?;
    let captured = store::captured(&mut conn, provider.name(), from + SETTLING, to - SETTLING).await?;
    let mut found = Reconciled { listed: listed.len(), ..Reconciled::default() };
    for difference in compare(&listed, &known, &captured) {
        match difference {
            Difference::ReadAgain(payment_id) => {
                payment::store::read_soon(&mut conn, payment_id).await?;
                found.read_again += 1;
            }
            finding => {
                finding.open(&mut conn, provider.name()).await?;
                found.findings += 1;
            }
        }
    }
    Ok(found)
}

impl Difference {
    async fn open(&self, conn: &mut PgConnection, provider: Name) -> anyhow::Result<()> {
        let (kind, payment_id, subject, details) = match self {
            Self::ReadAgain(_) => return Ok(()),
            Self::UnknownHere { transaction_id, amount } => {
                let details = format!("{transaction_id}: {} won moved for an order that is none of ours", amount.0);
                (Kind::UnknownHere, None, transaction_id.clone(), details)
            }
            Self::Amount { payment_id, charged, due } => {
                let details = format!("{} won were charged where {} are due", charged.0, due.0);
                (Kind::Amount, Some(*payment_id), payment_id.to_string(), details)
            }
            Self::UnknownThere { payment_id, amount } => {
                let details = format!("the provider does not list the charge of {} won", amount.0);
                (Kind::UnknownThere, Some(*payment_id), payment_id.to_string(), details)
            }
        };
        Ok(case::open_once(conn, &Finding { kind, provider, payment_id, subject: &subject, details: &details }).await?)
    }
}

/// What it transferred of payments of ours goes from what it held to our bank and to its fee. Days that are over do not change any more.
async fn book_payouts(app: &App, provider: &dyn Provider, from: NaiveDate, to: NaiveDate) -> anyhow::Result<usize> {
    let payouts = match provider.list_settlements(from, to).await {
        Answer::Succeeded(payouts) => payouts,
        Answer::Declined(refusal) => {
            tracing::warn!(
                provider = provider.name().as_str(),
                code = refusal.code,
                "a provider does not list its transfers"
            );
            return Ok(0);
        }
        other => bail!("it does not list what it transferred: {other:?}"),
    };
    let mut tx = app.pool.begin().await?;
    let numbers: Vec<String> = payouts.iter().map(|it| it.transaction_id.clone()).collect();
    let ours = store::named(&mut tx, provider.name(), &[], &numbers).await?;
    let mut booked = 0;
    for ((number, day), (amount, fee)) in sum(payouts) {
        if ours.iter().any(|known| known.transaction_id.as_ref() == Some(&number)) {
            booked +=
                usize::from(ledger::post(&mut tx, &transferred(provider.name(), &number, day, amount, fee)).await?);
        }
    }
    tx.commit().await?;
    Ok(booked)
}

/// A charge and what was paid back of it may be transferred on one day, in two lines.
fn sum(payouts: Vec<Payout>) -> BTreeMap<(String, NaiveDate), (Won, Won)> {
    let mut sums = BTreeMap::new();
    for payout in payouts {
        let (amount, fee) = sums.entry((payout.transaction_id, payout.paid_out_on)).or_insert((Won(0), Won(0)));
        (*amount, *fee) = (*amount + payout.amount, *fee + payout.fee);
    }
    sums
}

fn transferred(provider: Name, number: &str, day: NaiveDate, amount: Won, fee: Won) -> Journal {
    Journal {
        kind: ledger::Kind::ProviderPayout,
        source: format!("provider_payout:{}:{number}:{day}", provider.as_str()),
        effective_at: Utc::now(),
        entries: vec![
            (Account::Bank, amount),
            (Account::ProviderFee, fee),
            (Account::ProviderReceivable(provider), Won(0) - amount - fee),
        ],
    }
}
