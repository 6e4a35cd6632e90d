//! A payment as the provider knows it, and what can become of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CancelState {
    Running,
    Done,
    Failed,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cancel {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) reason: String,
    pub(crate) state: CancelState,
    /// What the caller gave with it.
    pub(crate) refund_id: Option<String>,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) at: DateTime<Utc>,
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
    NoAccount,
}

pub(crate) fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// What is to be cancelled.
pub(crate) struct NewCancel {
    /// All that is left when it is not said.
    pub(crate) amount: Option<i64>,
    /// What the caller believes is left.
    pub(crate) balance: Option<i64>,
    pub(crate) reason: String,
    pub(crate) refund_id: Option<String>,
    pub(crate) has_account: bool,
    /// Whether it takes its time.
    pub(crate) slow: bool,
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

    /// Cancels the whole or a part; before it was charged, the order is given up.
    pub(crate) fn cancel(&mut self, new: NewCancel) -> Result<(), No> {
        let amount = new.amount.unwrap_or_else(|| self.cancellable());
        self.check_cancel(&new, amount)?;
        let paid = self.charged_at.is_some();
        let now = Utc::now();
        let state = if new.slow && paid { CancelState::Running } else { CancelState::Done };
        let (reason, refund_id) = (new.reason, new.refund_id);
        self.cancels.push(Cancel { id: new_id(), amount, reason, state, refund_id, requested_at: now, at: now });
        if state == CancelState::Done {
            self.cancelled_now(if paid { amount } else { 0 });
        }
        Ok(())
    }

    fn check_cancel(&self, new: &NewCancel, amount: i64) -> Result<(), No> {
        let left = self.cancellable();
        match self.status {
            Status::Charged | Status::PartlyCancelled => {}
            Status::WaitingForDeposit if amount == left => return Ok(()),
            Status::WaitingForDeposit => return Err(No::Partial),
            Status::Cancelled => return Err(No::AlreadyCancelled),
            _ => return Err(No::NotCharged),
        }
        if new.balance.is_some_and(|balance| balance != left) {
            return Err(No::Balance);
        }
        if amount <= 0 || amount > left {
            return Err(if left == 0 { No::AlreadyCancelled } else { No::TooMuch });
        }
        if self.method == Method::VirtualAccount && !new.has_account {
            return Err(No::NoAccount);
        }
        Ok(())
    }

    /// The bank does not cancel it; that it was asked stays.
    pub(crate) fn refuse_cancel(&mut self, new: NewCancel) {
        let amount = new.amount.unwrap_or_else(|| self.cancellable());
        let (now, state) = (Utc::now(), CancelState::Failed);
        let (reason, refund_id) = (new.reason, new.refund_id);
        self.cancels.push(Cancel { id: new_id(), amount, reason, state, refund_id, requested_at: now, at: now });
    }

    /// Of the account for the deposit: 14 digits.
    pub(crate) fn account_number(&self) -> String {
        self.secret.chars().filter(char::is_ascii_digit).chain("01234567890123".chars()).take(14).collect()
    }

    /// The bank has done, or not done, the oldest cancel that takes its time.
    pub(crate) fn finish_cancel(&mut self, done: bool) -> Result<(), No> {
        let running = self.cancels.iter_mut().find(|cancel| cancel.state == CancelState::Running);
        let cancel = running.ok_or(No::NotCharged)?;
        cancel.state = if done { CancelState::Done } else { CancelState::Failed };
        cancel.at = Utc::now();
        if done {
            let amount = cancel.amount;
            self.cancelled_now(amount);
        }
        Ok(())
    }

    fn charged(&mut self) {
        self.become_now(Status::Charged);
        self.charged_at = Some(self.changed_at);
        self.moved(Moved::Charged, self.total);
    }

    fn cancelled_now(&mut self, paid_back: i64) {
        let (status, moved) = match (self.balance(), self.charged_at) {
            (0, None) => (Status::Cancelled, Moved::GivenUp),
            (0, Some(_)) => (Status::Cancelled, Moved::Cancelled),
            _ => (Status::PartlyCancelled, Moved::PartlyCancelled),
        };
        self.become_now(status);
        self.moved(moved, -paid_back);
    }

    fn become_now(&mut self, status: Status) {
        (self.status, self.changed_at) = (status, Utc::now());
    }

    fn moved(&mut self, moved: Moved, amount: i64) {
        self.movements.push(Movement { id: new_id().to_uppercase(), moved, amount, at: self.changed_at });
    }
}
