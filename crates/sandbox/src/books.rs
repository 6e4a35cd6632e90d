//! All that the provider knows, and the changes that it has yet to tell of.

use std::collections::{BTreeMap, HashMap};

use crate::call::Reply;
use crate::charge::{Charge, Dialect, Method, NewCancel, No, Outcome};
use crate::fault::{Faults, Kind};

#[derive(Default)]
pub(crate) struct Books {
    /// By the merchant's number of the order.
    charges: BTreeMap<String, Charge>,
    /// By idempotency key and what was asked for.
    pub(crate) answers: HashMap<String, Reply>,
    pub(crate) faults: Faults,
    changes: Vec<Change>,
}

/// What happened to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Confirmed,
    Declined,
    Deposited,
    Reversed,
    Cancelled,
    CancelRunning,
}

/// What happened, and how the payment stood then.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) charge: Charge,
}

/// What somebody did at the checkout.
pub(crate) struct Authorization {
    pub(crate) order_id: String,
    pub(crate) method: Method,
    pub(crate) outcome: Outcome,
    /// Amount and dialect of an order that was never registered, as the checkout alone knows it.
    pub(crate) unregistered: Option<(i64, Dialect)>,
}

impl Books {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Charge> {
        self.charges.values()
    }

    pub(crate) fn get(&self, order_id: &str) -> Option<&Charge> {
        self.charges.get(order_id)
    }

    pub(crate) fn by_key(&self, provider_key: &str) -> Option<&Charge> {
        self.all().find(|charge| charge.provider_key == provider_key)
    }

    /// Registers an order, or finds it as it was registered.
    pub(crate) fn register(&mut self, new: Charge) -> &mut Charge {
        self.charges.entry(new.order_id.clone()).or_insert(new)
    }

    /// What the checkout returns.
    pub(crate) fn authorize(&mut self, authorization: &Authorization) -> Result<&Charge, No> {
        if let Some((amount, dialect)) = authorization.unregistered {
            self.register(Charge::new(&authorization.order_id, dialect, amount, "-"));
        }
        let charge = self.charges.get_mut(&authorization.order_id).ok_or(No::Unknown)?;
        charge.authorize(authorization.method, authorization.outcome)?;
        Ok(charge)
    }

    pub(crate) fn confirm(&mut self, order_id: &str, amount: i64, fault: Option<Kind>) -> Result<&Charge, No> {
        let charge = self.charges.get_mut(order_id).ok_or(No::Unknown)?;
        if fault == Some(Kind::Refuse) {
            charge.outcome = Outcome::Decline;
        }
        let done = charge.confirm(amount);
        match done {
            Ok(()) => self.note(order_id, What::Confirmed)?,
            Err(No::Declined) => self.note(order_id, What::Declined)?,
            Err(_) => {}
        }
        done.and_then(|()| self.get(order_id).ok_or(No::Unknown))
    }

    pub(crate) fn cancel(&mut self, order_id: &str, new: NewCancel, fault: Option<Kind>) -> Result<&Charge, No> {
        let charge = self.charges.get_mut(order_id).ok_or(No::Unknown)?;
        if let Some(Kind::Refuse | Kind::RefusePartial) = fault {
            // Toss keeps no trace of it.
            if charge.dialect != Dialect::Toss {
                charge.refuse_cancel(new);
            }
            return Err(if fault == Some(Kind::Refuse) { No::RefusedCancel } else { No::Partial });
        }
        let before = charge.balance();
        charge.cancel(new)?;
        let is_running = charge.balance() == before;
        self.note(order_id, if is_running { What::CancelRunning } else { What::Cancelled })?;
        self.get(order_id).ok_or(No::Unknown)
    }

    pub(crate) fn deposit(&mut self, order_id: &str) -> Result<(), No> {
        self.charges.get_mut(order_id).ok_or(No::Unknown)?.deposit()?;
        self.note(order_id, What::Deposited)
    }

    pub(crate) fn reverse(&mut self, order_id: &str) -> Result<(), No> {
        self.charges.get_mut(order_id).ok_or(No::Unknown)?.reverse()?;
        self.note(order_id, What::Reversed)
    }

    pub(crate) fn finish_cancel(&mut self, order_id: &str, done: bool) -> Result<(), No> {
        self.charges.get_mut(order_id).ok_or(No::Unknown)?.finish_cancel(done)?;
        self.note(order_id, What::Cancelled)
    }

    /// What is to be told, once.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn note(&mut self, order_id: &str, what: What) -> Result<(), No> {
        let charge = self.get(order_id).ok_or(No::Unknown)?.clone();
        self.changes.push(Change { what, charge });
        Ok(())
    }
}
