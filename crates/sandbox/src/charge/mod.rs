//! A payment as the provider knows it, and what can become of it.

mod cancel;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use cancel::{Cancel, CancelState, NewCancel};

/// How long an authorised payment can be confirmed.
const AUTHORISED_FOR: TimeDelta = TimeDelta::minutes(10);

/// Whose words are spoken about a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dialect {
    Toss,
    Portone,
    Stripe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Nobody has authorised it.
    Ready,
    Authorised,
    WaitingForDeposit,
    Charged,
    PartlyCancelled,
    Cancelled,
    Failed,
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    #[default]
    Card,
    BankTransfer,
    SimplePay,
    Mobile,
    VirtualAccount,
}

/// What the bank will say when the payment is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    #[default]
    Approve,
    Decline,
}

/// What made an entry in the provider's list of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moved {
    /// An account for the deposit was made.
    Issued,
    /// The account was given up before anybody deposited.
    GivenUp,
    Charged,
    /// A deposit was taken back.
    Reversed,
    PartlyCancelled,
    Cancelled,
}

/// An entry in the provider's list of transactions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Movement {
    pub(crate) id: String,
    pub(crate) moved: Moved,
    /// Positive: to the merchant; negative: back; zero where no money moved.
    pub(crate) amount: i64,
    pub(crate) at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Charge {
    pub(crate) order_id: String,
    pub(crate) dialect: Dialect,
    pub(crate) order_name: String,
    pub(crate) total: i64,
    #[serde(skip)]
    pub(crate) return_url: Option<String>,
    /// The provider's number of it.
    pub(crate) provider_key: String,
    /// What the checkout returns: the same, but where a dialect gives a token of its own.
    #[serde(skip)]
    pub(crate) token: String,
    /// Known to the merchant alone.
    #[serde(skip)]
    pub(crate) secret: String,
    pub(crate) method: Method,
    #[serde(skip)]
    pub(crate) outcome: Outcome,
    pub(crate) status: Status,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) changed_at: DateTime<Utc>,
    pub(crate) charged_at: Option<DateTime<Utc>>,
    pub(crate) cancels: Vec<Cancel>,
    pub(crate) movements: Vec<Movement>,
}

/// Why something cannot become of a payment; each dialect has its code for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum No {
    /// There is none.
    Unknown,
    /// It was charged before.
    Already,
    /// Nobody authorised it, or not in time.
    NotAuthorised,
    /// The amount is not that of the order.
    Amount,
    /// The bank declines.
    Declined,
    /// It was not charged, or it was cancelled.
    NotCharged,
    /// All of it was cancelled before.
    AlreadyCancelled,
    /// The caller's idea of what is left is wrong.
    Balance,
    /// More than is left.
    TooMuch,
    /// Not a part of it.
    Partial,
    /// The bank does not cancel it.
    RefusedCancel,
    /// A deposit goes back to a bank account, which was not named.
    AccountMissing,
}

pub(crate) fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

impl Charge {
    pub(crate) fn new(order_id: &str, dialect: Dialect, total: i64, order_name: &str) -> Self {
        let prefix = if dialect == Dialect::Stripe { "pi_" } else { "sbx" };
        let (now, key) = (Utc::now(), format!("{prefix}{}", new_id()));
        Self {
            order_id: order_id.to_owned(),
            dialect,
            order_name: order_name.to_owned(),
            total,
            return_url: None,
            token: if dialect == Dialect::Portone { format!("token_{}", new_id()) } else { key.clone() },
            provider_key: key,
            secret: format!("ps_{}", new_id()),
            method: Method::default(),
            outcome: Outcome::default(),
            status: Status::Ready,
            requested_at: now,
            changed_at: now,
            charged_at: None,
            cancels: Vec::new(),
            movements: Vec::new(),
        }
    }

    /// What is left after all that was paid back.
    pub(crate) fn balance(&self) -> i64 {
        self.total - self.cancelled(|state| state == CancelState::Done)
    }

    /// What is left after all that was and is being paid back.
    pub(crate) fn cancellable(&self) -> i64 {
        self.total - self.cancelled(|state| state != CancelState::Failed)
    }

    fn cancelled(&self, which: impl Fn(CancelState) -> bool) -> i64 {
        self.cancels.iter().filter(|cancel| which(cancel.state)).map(|cancel| cancel.amount).sum()
    }

    /// Somebody paid at the checkout.
    pub(crate) fn authorize(&mut self, method: Method, outcome: Outcome) -> Result<(), No> {
        if !matches!(self.status, Status::Ready | Status::Authorised | Status::Failed) {
            return Err(No::Already);
        }
        (self.method, self.outcome) = (method, outcome);
        self.become_now(Status::Authorised);
        Ok(())
    }

    /// Charges it, or issues the account for the deposit.
    pub(crate) fn confirm(&mut self, amount: i64) -> Result<(), No> {
        match self.status {
            Status::Authorised => {}
            Status::Ready | Status::Expired => return Err(No::NotAuthorised),
            Status::Failed => return Err(No::Declined),
            _ => return Err(No::Already),
        }
        if self.changed_at + AUTHORISED_FOR < Utc::now() {
            self.become_now(Status::Expired);
            return Err(No::NotAuthorised);
        }
        if amount != self.total {
            return Err(No::Amount);
        }
        match (self.outcome, self.method) {
            (Outcome::Decline, _) => {
                self.become_now(Status::Failed);
                Err(No::Declined)
            }
            (Outcome::Approve, Method::VirtualAccount) => {
                self.become_now(Status::WaitingForDeposit);
                self.moved(Moved::Issued, 0);
                Ok(())
            }
            (Outcome::Approve, _) => {
                self.charged();
                Ok(())
            }
        }
    }

    /// Somebody deposited to the account.
    pub(crate) fn deposit(&mut self) -> Result<(), No> {
        if self.status != Status::WaitingForDeposit {
            return Err(No::NotAuthorised);
        }
        self.charged();
        Ok(())
    }

    /// The bank takes the deposit back.
    pub(crate) fn reverse(&mut self) -> Result<(), No> {
        if self.status != Status::Charged || self.method != Method::VirtualAccount || !self.cancels.is_empty() {
            return Err(No::NotCharged);
        }
        self.become_now(Status::WaitingForDeposit);
        self.charged_at = None;
        self.moved(Moved::Reversed, -self.total);
        Ok(())
    }

    /// Of the account for the deposit: 14 digits.
    pub(crate) fn account_number(&self) -> String {
        self.secret.chars().filter(char::is_ascii_digit).chain("01234567890123".chars()).take(14).collect()
    }

    fn charged(&mut self) {
        self.become_now(Status::Charged);
        self.charged_at = Some(self.changed_at);
        self.moved(Moved::Charged, self.total);
    }

    fn become_now(&mut self, status: Status) {
        (self.status, self.changed_at) = (status, Utc::now());
    }

    fn moved(&mut self, moved: Moved, amount: i64) {
        self.movements.push(Movement { id: new_id().to_uppercase(), moved, amount, at: self.changed_at });
    }
}
