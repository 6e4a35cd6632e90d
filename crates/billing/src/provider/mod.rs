//! Payment providers: who moves the money. What they say is the truth of a payment; what we say of it follows.

mod config;
mod http;
mod note;
mod notice;
mod portone;
mod sandbox;
mod stripe;
mod told;
mod toss;

use aipoten_kit::Won;
use aipoten_proto::billing::v1 as proto;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

pub use config::{Account, Config};

/// Which provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Name {
    /// TossPayments, version 1 of its API.
    Toss,
    /// PortOne, version 2 of its API.
    Portone,
    /// Stripe.
    Stripe,
    /// Our own, for development and tests.
    Sandbox,
}

/// What a provider answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It did what it was asked, or this is how it stands.
    Succeeded(T),
    /// It definitely did not and will not; asking again is of no use.
    Declined(Refusal),
    /// It is doing it: read it again later.
    Pending,
    /// It did not say, and may or may not have done it: a timeout, a broken connection, a 5xx, a 429, and whatever its documents
    /// say means the same. The text is for people.
    Unknown(String),
}

/// Why a provider declines, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its stable code.
    pub code: String,
    /// Its text.
    pub message: String,
}

/// A future of an answer: a broken connection is an answer too.
pub type Asked<'a, T> = BoxFuture<'a, Answer<T>>;

/// An order whose checkout is to be opened.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// Our number of it: 6 to 64 of A-Z, a-z, 0-9, - and _.
    pub order_id: String,
    /// What the parent reads.
    pub order_name: String,
    /// What is to be paid.
    pub amount: Won,
    /// Page that the checkout returns to.
    pub return_url: String,
    /// Until when it can be paid.
    pub expires_at: DateTime<Utc>,
}

/// What a client needs to open the checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkout {
    /// Public key for the provider's own code.
    pub client_key: Option<String>,
    /// Secret of this one checkout for the provider's own code.
    pub client_secret: Option<String>,
    /// Page to send the parent to.
    pub checkout_url: Option<String>,
    /// The provider's own number of the payment, where it has one already.
    pub transaction_id: Option<String>,
}

/// What the parent authorised and is now to be charged.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// Our number of the order.
    pub order_id: String,
    /// What the checkout returned: the provider's own number of the payment; of PortOne, a token that is good for this alone.
    pub transaction_id: String,
    /// What is charged.
    pub amount: Won,
    /// The same for each try.
    pub idempotency_key: String,
}

/// Where a charge stands at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeStatus {
    /// Not authorised, or authorised and not charged.
    Open,
    /// Waits for a deposit to a virtual account.
    WaitingForDeposit,
    /// Charged; `balance` tells whether some was paid back.
    Charged,
    /// All of it was paid back, or it was cancelled before it was charged: `total` less `balance` tells which.
    Cancelled,
    /// Definitely not charged, and will not be.
    Failed,
    /// Not finished in time.
    Expired,
}

/// How a payment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Method {
    /// Credit or debit card.
    Card,
    /// Transfer from a bank account.
    BankTransfer,
    /// A wallet.
    SimplePay,
    /// On the telephone bill.
    Mobile,
    /// A deposit to an account made for this payment.
    VirtualAccount,
}

/// Where a deposit is awaited.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VirtualAccount {
    /// Code of the bank.
    pub bank_code: String,
    /// Number to deposit to.
    pub account_number: String,
    /// Until when.
    pub due_at: Option<DateTime<Utc>>,
}

/// Money that a provider paid back, or is paying back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// The provider's own number of it.
    pub id: String,
    /// How much.
    pub amount: Won,
    /// Whether it is done.
    pub done: bool,
    /// The idempotency key that we gave with it; `None` when it was not asked for by us.
    pub refund_id: Option<String>,
}

/// A payment as its provider knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The provider's own number of it.
    pub transaction_id: String,
    /// Our number of the order.
    pub order_id: String,
    /// Where it stands.
    pub status: ChargeStatus,
    /// What was to be charged; never changes.
    pub total: Won,
    /// What was not paid back: for a charge, what can be; all of it when nothing was ever charged. What is being paid back still counts.
    pub balance: Won,
    /// How it is made, once it is known.
    pub method: Option<Method>,
    /// When it was charged.
    pub charged_at: Option<DateTime<Utc>>,
    /// Where a deposit is awaited.
    pub virtual_account: Option<VirtualAccount>,
    /// Why it failed, in the provider's words.
    pub failure_code: Option<String>,
    /// What was paid back.
    pub cancels: Vec<Cancel>,
}

/// Where money goes back to that cannot go back the way it came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BankAccount {
    /// Code of the bank, three digits.
    pub bank_code: String,
    /// Its number, digits alone.
    pub account_number: String,
    /// Its holder.
    pub account_holder: String,
}

/// Money to pay back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// The provider's own number of the payment.
    pub transaction_id: String,
    /// How much.
    pub amount: Won,
    /// What the provider should still be able to pay back before this: it refuses when that is not so.
    pub balance: Won,
    /// Why.
    pub reason: String,
    /// The same for each try: the id of our refund. One that the provider has done, is doing or has failed to do is found again by
    /// it, also when the provider has forgotten the key: nothing is paid back twice.
    pub idempotency_key: String,
    /// Where to, for deposits.
    pub account: Option<BankAccount>,
}

/// A message that a provider sent, as far as it can be believed: that something may have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Unique per provider: its own id of the message, or the hash of the body.
    pub event_id: String,
    /// Our number of the order, where the body names it.
    pub order_id: Option<String>,
    /// The provider's own number of the payment, where the body names it.
    pub transaction_id: Option<String>,
    /// What may be kept: without secrets, names, and numbers of cards and accounts.
    pub redacted: serde_json::Value,
}

/// A message whose signature is wrong, or that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forged;

/// A movement that a provider reports for reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The provider's own number of the payment.
    pub transaction_id: String,
    /// Our number of the order.
    pub order_id: String,
    /// Positive: charged; negative: paid back.
    pub amount: Won,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a provider transferred to us for a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// The provider's own number of the payment.
    pub transaction_id: String,
    /// What it took for itself.
    pub fee: Won,
    /// What it transferred.
    pub amount: Won,
    /// When.
    pub paid_out_on: chrono::NaiveDate,
}

/// Who moves the money. Every call has a timeout of its own and never panics.
pub trait Provider: Send + Sync {
    /// Which it is.
    fn name(&self) -> Name;
    /// Makes what the parent's checkout needs.
    fn create_checkout<'a>(&'a self, order: &'a NewOrder) -> Asked<'a, Checkout>;
    /// Charges what the parent authorised.
    fn confirm<'a>(&'a self, confirmation: &'a Confirmation) -> Asked<'a, Charge>;
    /// How it stands, by our number of the order; declined when the provider has never heard of it, or nobody has authorised it.
    /// Stripe's search lags behind: it leaves open what it does not find, so its payments are better read by its own number.
    fn fetch_by_order<'a>(&'a self, order_id: &'a str) -> Asked<'a, Charge>;
    /// How it stands, by the provider's number; declined when there is none.
    fn fetch<'a>(&'a self, transaction_id: &'a str) -> Asked<'a, Charge>;
    /// Pays back; pending when the provider takes its time.
    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Asked<'a, Cancel>;
    /// How a refund stands, by the provider's number of the payment and its or our number of the refund; declined when there is none,
    /// or the bank did not do it.
    fn fetch_refund<'a>(&'a self, transaction_id: &'a str, refund_id: &'a str) -> Asked<'a, Cancel>;
    /// Whether a message came from the provider, and what of. Headers have names in lower case.
    fn verify_webhook(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Forged>;
    /// What moved from one moment to before another.
    fn list_transactions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Asked<'_, Vec<Transaction>>;
    /// What was transferred to us from one day to another, both included; negative for what was taken back. PortOne, which moves no
    /// money itself, declines.
    fn list_settlements(&self, from: chrono::NaiveDate, to: chrono::NaiveDate) -> Asked<'_, Vec<Payout>>;
}

impl Name {
    /// As in tables, addresses and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toss => "toss",
            Self::Portone => "portone",
            Self::Stripe => "stripe",
            Self::Sandbox => "sandbox",
        }
    }

    /// All there are.
    pub const ALL: [Self; 4] = [Self::Toss, Self::Portone, Self::Stripe, Self::Sandbox];
}

impl From<Name> for proto::PaymentProvider {
    fn from(name: Name) -> Self {
        match name {
            Name::Toss => Self::Toss,
            Name::Portone => Self::Portone,
            Name::Stripe => Self::Stripe,
            Name::Sandbox => Self::Sandbox,
        }
    }
}

impl From<Method> for proto::PaymentMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Card => Self::Card,
            Method::BankTransfer => Self::BankTransfer,
            Method::SimplePay => Self::SimplePay,
            Method::Mobile => Self::Mobile,
            Method::VirtualAccount => Self::VirtualAccount,
        }
    }
}

/// The providers that are configured.
#[derive(Clone, Default)]
pub struct Providers {
    first: Option<Name>,
    all: Vec<std::sync::Arc<dyn Provider>>,
}

impl Providers {
    /// New payments go to the first of them.
    pub fn new(all: Vec<std::sync::Arc<dyn Provider>>) -> Self {
        Self { first: all.first().map(|provider| provider.name()), all }
    }

    /// The one with this name, if it is configured.
    pub fn get(&self, name: Name) -> Option<&dyn Provider> {
        self.all.iter().map(AsRef::as_ref).find(|provider| provider.name() == name)
    }

    /// The one that new payments go to.
    pub fn first(&self) -> Option<&dyn Provider> {
        self.get(self.first?)
    }
}
