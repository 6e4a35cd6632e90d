//! Paying back: all of it, a part, at once or in its time, or not.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Charge, Method, Moved, No, Status, new_id};

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
            return Err(No::AccountMissing);
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

    fn cancelled_now(&mut self, paid_back: i64) {
        let (status, moved) = match (self.balance(), self.charged_at) {
            (0, None) => (Status::Cancelled, Moved::GivenUp),
            (0, Some(_)) => (Status::Cancelled, Moved::Cancelled),
            _ => (Status::PartlyCancelled, Moved::PartlyCancelled),
        };
        self.become_now(status);
        self.moved(moved, -paid_back);
    }
}
