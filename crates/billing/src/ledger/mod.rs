//! The ledger: double entry, append only. What is wrong is reversed, never changed.

mod store;

use std::collections::BTreeSet;

use aipoten_kit::{Error, Result, Won};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::provider;

/// Where money is, or whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// What a provider holds for us.
    ProviderReceivable(provider::Name),
    /// Our bank account.
    Bank,
    /// What a parent has paid for sessions of a package that are still to come.
    CustomerPrepaid(Uuid),
    /// What we owe a therapist.
    TherapistPayable(Uuid),
    /// What a therapist owes us: a settled session was paid back.
    TherapistReceivable(Uuid),
    /// What is on its way back to parents.
    RefundClearing,
    /// Income tax withheld from therapists.
    IncomeTaxWithheld,
    /// Local income tax withheld from therapists.
    LocalTaxWithheld,
    /// Value added tax on our fee.
    VatPayable,
    /// Our part of sessions.
    PlatformFee,
    /// What we keep when a package is ended early.
    CancellationFee,
    /// What providers keep for themselves.
    ProviderFee,
}

/// What a journal books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A payment came.
    Paid,
    /// A deposit was taken back.
    Reversed,
    /// A session was earned.
    Settled,
    /// A penalty for ending a package was kept.
    CancellationFee,
    /// Money is to go back.
    RefundDecided,
    /// It went.
    RefundDone,
    /// A therapist was paid.
    Payout,
    /// A therapist's debt was taken off what we owe.
    DebtNetted,
    /// A provider transferred what it held for us, less its fee.
    ProviderPayout,
}

/// What the journal of a settled session gave to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Earned {
    /// The therapist's part.
    pub(crate) net: Won,
    /// Ours, without value added tax.
    pub(crate) fee: Won,
    /// Value added tax on it.
    pub(crate) vat: Won,
}

/// One booking: entries that sum to zero, debits positive and credits negative. Entries of zero are left out.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) kind: Kind,
    /// What it books, such as `paid:<payment>`: nothing is booked twice.
    pub(crate) source: String,
    pub(crate) effective_at: DateTime<Utc>,
    pub(crate) entries: Vec<(Account, Won)>,
}

/// Books it. False when it was booked before.
pub(crate) async fn post(conn: &mut PgConnection, journal: &Journal) -> Result<bool> {
    Ok(post_all(conn, std::slice::from_ref(journal)).await? == 1)
}

/// Books all of them but those that were booked before, and says how many that were.
pub(crate) async fn post_all(conn: &mut PgConnection, journals: &[Journal]) -> Result<usize> {
    for journal in journals {
        let sum: Won = journal.entries.iter().map(|(_, amount)| *amount).sum();
        if sum != Won(0) {
            return Err(Error::Internal(anyhow::anyhow!("the journal {} sums to {} won", journal.source, sum.0)));
        }
    }
    let mut ids = store::insert(conn, journals).await?;
    let booked = ids.len();
    let new = journals.iter().filter_map(|journal| Some((ids.remove(&journal.source)?, journal)));
    let entries = new.flat_map(|(id, it)| it.entries.iter().map(move |(account, amount)| (id, *account, *amount)));
    let entries: Vec<(Uuid, Account, Won)> = entries.filter(|(.., amount)| *amount != Won(0)).collect();
    // In one order everywhere: two that make the same accounts wait for each other, and never in a circle.
    let accounts: BTreeSet<_> = entries.iter().map(|(_, account, _)| (account.kind(), account.owner())).collect();
    store::make_accounts(conn, &accounts).await?;
    store::enter(conn, &entries).await?;
    Ok(booked)
}

/// What stands on all accounts of a kind together.
#[derive(Debug, Clone)]
pub struct KindBalance {
    /// The kind, as in the table `accounts`.
    pub kind: String,
    /// Accounts of it.
    pub accounts: i64,
    /// Debits less credits, in won.
    pub balance: Won,
}

/// The trial balance: its sum is zero.
pub async fn trial_balance(conn: &mut PgConnection) -> sqlx::Result<Vec<KindBalance>> {
    store::trial_balance(conn).await
}

/// What a session earned; `None` while it is not settled.
pub(crate) async fn earned(conn: &mut PgConnection, consultation_id: Uuid) -> Result<Option<Earned>> {
    Ok(store::earned(conn, &settled(consultation_id)).await?)
}

/// The source of the journal that settles a session.
pub(crate) fn settled(consultation_id: Uuid) -> String {
    format!("settled:{consultation_id}")
}

/// What stands on an account: debits less credits.
pub(crate) async fn balance(conn: &mut PgConnection, account: Account) -> Result<Won> {
    Ok(store::balance(conn, account.kind(), &account.owner()).await?)
}

impl Account {
    fn kind(self) -> &'static str {
        match self {
            Self::ProviderReceivable(_) => "provider_receivable",
            Self::Bank => "bank",
            Self::CustomerPrepaid(_) => "customer_prepaid",
            Self::TherapistPayable(_) => "therapist_payable",
            Self::TherapistReceivable(_) => "therapist_receivable",
            Self::RefundClearing => "refund_clearing",
            Self::IncomeTaxWithheld => "income_tax_withheld",
            Self::LocalTaxWithheld => "local_tax_withheld",
            Self::VatPayable => "vat_payable",
            Self::PlatformFee => "platform_fee",
            Self::CancellationFee => "cancellation_fee",
            Self::ProviderFee => "provider_fee",
        }
    }

    /// Empty where there is one account of the kind.
    fn owner(self) -> String {
        match self {
            Self::ProviderReceivable(provider) => provider.as_str().to_owned(),
            Self::CustomerPrepaid(id) | Self::TherapistPayable(id) | Self::TherapistReceivable(id) => id.to_string(),
            _ => String::new(),
        }
    }
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Reversed => "reversed",
            Self::Settled => "settled",
            Self::CancellationFee => "cancellation_fee",
            Self::RefundDecided => "refund_decided",
            Self::RefundDone => "refund_done",
            Self::Payout => "payout",
            Self::DebtNetted => "debt_netted",
            Self::ProviderPayout => "provider_payout",
        }
    }
}
