//! Where a provider's list and ours differ.

use std::collections::HashMap;

use aipoten_kit::Won;
use uuid::Uuid;

use super::Known;
use crate::provider::Transaction;

/// A difference and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// The provider may know more of a payment than we do.
    ReadAgain(Uuid),
    /// It lists what is none of ours.
    UnknownHere { transaction_id: String, amount: Won },
    /// It charged something else than is due.
    Amount { payment_id: Uuid, charged: Won, due: Won },
    /// It does not list what we have taken for paid.
    UnknownThere { payment_id: Uuid, amount: Won },
}

/// What moved of one payment at the provider.
#[derive(Debug, Default)]
struct Moved {
    charged: Won,
    paid_back: Won,
}

/// `known` are those of our payments that are listed, `captured` those that should be.
pub(super) fn compare(listed: &[Transaction], known: &[Known], captured: &[Known]) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut moved: HashMap<Uuid, Moved> = HashMap::new();
    for transaction in listed {
        let Some(payment) = known.iter().find(|it| it.is(transaction)) else {
            let (transaction_id, amount) = (transaction.transaction_id.clone(), transaction.amount);
            differences.push(Difference::UnknownHere { transaction_id, amount });
            continue;
        };
        moved.entry(payment.id).or_default().add(transaction.amount);
    }
    let told = known.iter().filter_map(|payment| moved.get(&payment.id).and_then(|moved| moved.against(payment)));
    differences.extend(told);
    let missing = captured.iter().filter(|payment| moved.get(&payment.id).is_none_or(|it| it.charged == Won(0)));
    differences.extend(
        missing.map(|payment| Difference::UnknownThere { payment_id: payment.id, amount: payment.total_amount }),
    );
    differences
}

impl Known {
    fn is(&self, transaction: &Transaction) -> bool {
        self.order_id == transaction.order_id || self.transaction_id.as_ref() == Some(&transaction.transaction_id)
    }
}

impl Moved {
    fn add(&mut self, amount: Won) {
        if amount > Won(0) {
            self.charged = self.charged + amount;
        } else {
            self.paid_back = self.paid_back - amount;
        }
    }

    fn against(&self, payment: &Known) -> Option<Difference> {
        // A deposit that was taken back is charged once more when it comes again.
        let times = 1..=payment.reversals + 1;
        if self.charged > Won(0) && !times.into_iter().any(|times| self.charged == payment.total_amount.times(times)) {
            let (charged, due) = (self.charged, payment.total_amount);
            return Some(Difference::Amount { payment_id: payment.id, charged, due });
        }
        // What was paid back before the time that is looked at is not listed.
        let differs = if self.charged > Won(0) {
            self.paid_back != payment.paid_back
        } else {
            self.paid_back > payment.paid_back
        };
        (!payment.is_captured || differs).then_some(Difference::ReadAgain(payment.id))
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn moved(order: &str, amount: i64) -> Transaction {
        Transaction {
            transaction_id: format!("number of {order}"),
            order_id: order.to_owned(),
            amount: Won(amount),
            at: Utc::now(),
        }
    }

    fn known(id: u128, order: &str, paid_back: i64) -> Known {
        Known {
            id: Uuid::from_u128(id),
            order_id: order.to_owned(),
            transaction_id: Some(format!("number of {order}")),
            total_amount: Won(72_000),
            is_captured: true,
            paid_back: Won(paid_back),
            reversals: 0,
        }
    }

    #[test]
    fn lists_that_agree_differ_nowhere() {
        let ours = [known(1, "first", 0), known(2, "second", 30_000), known(3, "old", 20_000)];
        let theirs = [moved("first", 72_000), moved("second", 72_000), moved("second", -30_000), moved("old", -10_000)];
        assert_eq!(compare(&theirs, &ours, &ours[..2]), []);
    }

    #[test]
    fn a_deposit_that_came_again_is_charged_as_often_as_it_came() {
        let again = Known { reversals: 1, ..known(1, "again", 0) };
        let theirs = [moved("again", 72_000), moved("again", 72_000)];
        assert_eq!(compare(&theirs, std::slice::from_ref(&again), std::slice::from_ref(&again)), []);
        assert_eq!(compare(&theirs, &[known(1, "again", 0)], &[]).len(), 1);
    }

    #[test]
    fn each_way_to_differ_is_told_once() {
        let unpaid = Known { is_captured: false, transaction_id: None, ..known(1, "unpaid", 0) };
        let ours = [unpaid, known(2, "dear", 0), known(3, "back", 0), known(4, "old", 5_000)];
        let theirs = [
            moved("unpaid", 72_000),
            moved("dear", 72_001),
            moved("back", 72_000),
            moved("back", -1),
            moved("old", -5_001),
            moved("foreign", 10),
        ];
        let id = Uuid::from_u128;
        let expected = [
            Difference::UnknownHere { transaction_id: "number of foreign".to_owned(), amount: Won(10) },
            Difference::ReadAgain(id(1)),
            Difference::Amount { payment_id: id(2), charged: Won(72_001), due: Won(72_000) },
            Difference::ReadAgain(id(3)),
            Difference::ReadAgain(id(4)),
            Difference::UnknownThere { payment_id: id(5), amount: Won(72_000) },
        ];
        assert_eq!(compare(&theirs, &ours, &[known(3, "back", 0), known(5, "missing", 0)]), expected);
    }
}
