//! What a provider told, while it is worked out: success, or how it is none.

use aipoten_kit::Won;

use super::{Answer, Cancel, Charge, Refusal};

/// Any answer but success; as in [`Answer`].
#[derive(Debug)]
pub(super) enum Not {
    Declined(Refusal),
    Pending,
    Unknown(String),
}

pub(super) type Told<T> = Result<T, Not>;

impl<T> From<Told<T>> for Answer<T> {
    fn from(told: Told<T>) -> Self {
        match told {
            Ok(value) => Self::Succeeded(value),
            Err(Not::Declined(refusal)) => Self::Declined(refusal),
            Err(Not::Pending) => Self::Pending,
            Err(Not::Unknown(why)) => Self::Unknown(why),
        }
    }
}

impl Not {
    pub(super) fn declined(code: &str, message: &str) -> Self {
        Self::Declined(Refusal { code: code.to_owned(), message: message.to_owned() })
    }

    /// An error that says nothing of what was done.
    pub(super) fn answered(status: u16, code: &str, message: &str) -> Self {
        Self::Unknown(format!("it answered {status} {code}: {message}"))
    }

    pub(super) fn unknown(why: &str) -> Self {
        Self::Unknown(why.to_owned())
    }
}

/// Of a charge that was asked for, only if it is that of the order.
pub(super) fn of_order(order_id: &str, charge: Charge) -> Told<Charge> {
    if charge.order_id == order_id { Ok(charge) } else { Err(Not::unknown("its answer is about another order")) }
}

/// Of a refund that was asked for, only if it is about that amount.
pub(super) fn of_amount(amount: Won, cancel: Cancel) -> Told<Cancel> {
    if cancel.amount == amount { Ok(cancel) } else { Err(Not::unknown("its answer is about another amount")) }
}

/// What became of a refund.
pub(super) fn finished(cancel: Cancel, is_failed: bool) -> Told<Cancel> {
    match (is_failed, cancel.done) {
        (true, _) => Err(Not::declined("CANCEL_FAILED", "the bank did not pay it back")),
        (false, true) => Ok(cancel),
        (false, false) => Err(Not::Pending),
    }
}

/// Of a refund that is read.
pub(super) fn found(cancel: Option<Told<Cancel>>) -> Told<Cancel> {
    cancel.unwrap_or_else(|| Err(Not::declined("CANCEL_NOT_FOUND", "the payment has no such refund")))
}
