//! Which of our refunds is which of a provider's.

use uuid::Uuid;

use super::{Refund, Status};
use crate::provider::Cancel;

/// What a provider has paid back or is paying back, each with the refund of ours that it is; `None` where it is none. By its number,
/// by the key that we gave, and where a provider tells neither, by the amount: the oldest open one of that amount.
pub(super) fn explain<'a>(cancels: &'a [Cancel], refunds: &[Refund]) -> Vec<(&'a Cancel, Option<Uuid>)> {
    let mut known: Vec<(&Cancel, Option<Uuid>)> = cancels.iter().map(|cancel| (cancel, None)).collect();
    let mut open: Vec<&Refund> = refunds.iter().filter(|refund| refund.may_be_there()).collect();
    open.sort_by_key(|refund| (refund.requested_at, refund.id));
    let rules: [fn(&Cancel, &Refund) -> bool; 3] = [is_number, is_key, is_amount];
    for rule in rules {
        for (cancel, ours) in known.iter_mut().filter(|(_, ours)| ours.is_none()) {
            if let Some(at) = open.iter().position(|refund| rule(cancel, refund)) {
                *ours = Some(open.remove(at).id);
            }
        }
    }
    known
}

fn is_number(cancel: &Cancel, refund: &Refund) -> bool {
    refund.provider_refund_id.as_deref() == Some(cancel.id.as_str())
}

/// A key begins with the refund's id.
fn is_key(cancel: &Cancel, refund: &Refund) -> bool {
    cancel.refund_id.as_ref().is_some_and(|key| key.starts_with(&refund.id.to_string()))
}

fn is_amount(cancel: &Cancel, refund: &Refund) -> bool {
    let is_open = matches!(refund.refund_status, Status::Processing | Status::Failed);
    is_open
        && refund.provider_refund_id.is_none()
        && cancel.refund_id.is_none()
        && cancel.amount == refund.refund_amount
}

impl Refund {
    /// Whether a provider may show it: not before it is decided, and not what a person transferred.
    fn may_be_there(&self) -> bool {
        !self.is_by_hand && matches!(self.refund_status, Status::Processing | Status::Failed | Status::Completed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use aipoten_kit::Won;
    use chrono::{TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::refund::{Policy, Reason};

    fn refund(id: u128, amount: i64, status: Status) -> Refund {
        Refund {
            id: Uuid::from_u128(id),
            payment_id: Uuid::nil(),
            consultation_id: None,
            refund_amount: Won(amount),
            refund_reason: Reason::Platform,
            refund_policy: Policy::Full,
            refund_status: status,
            is_by_hand: false,
            provider_refund_id: (status == Status::Completed).then(|| format!("number {id}")),
            failure_code: None,
            tries: 1,
            round: 1,
            requested_at: Utc::now() + TimeDelta::seconds(i64::try_from(id).expect("small")),
            processed_at: None,
            version: 1,
        }
    }

    fn cancel(id: &str, amount: i64, key: Option<String>) -> Cancel {
        Cancel { id: id.to_owned(), amount: Won(amount), done: true, refund_id: key }
    }

    fn ours(cancels: &[Cancel], refunds: &[Refund]) -> Vec<Option<u128>> {
        explain(cancels, refunds).into_iter().map(|(_, id)| id.map(|id| id.as_u128())).collect()
    }

    #[test]
    fn numbers_come_before_keys_and_keys_before_amounts() {
        let refunds =
            [refund(1, 500, Status::Processing), refund(2, 500, Status::Completed), refund(3, 500, Status::Failed)];
        let third = format!("{}-2", Uuid::from_u128(3));
        let cancels = [cancel("a", 500, None), cancel("b", 500, Some(third)), cancel("number 2", 500, None)];
        assert_eq!(ours(&cancels, &refunds), [Some(1), Some(3), Some(2)]);
    }

    #[test]
    fn what_was_not_decided_and_what_a_person_transferred_explains_nothing() {
        let by_hand = Refund { is_by_hand: true, provider_refund_id: None, ..refund(3, 500, Status::Completed) };
        let refunds = [refund(1, 500, Status::Requested), refund(2, 500, Status::Rejected), by_hand];
        let key = Uuid::from_u128(3).to_string();
        assert_eq!(ours(&[cancel("a", 500, None), cancel("b", 500, Some(key))], &refunds), [None, None]);
    }

    #[test]
    fn a_movement_with_a_foreign_key_is_not_taken_for_one_of_ours_of_the_same_amount() {
        let foreign = cancel("a", 500, Some("by a person at the provider".to_owned()));
        assert_eq!(ours(&[foreign], &[refund(1, 500, Status::Processing)]), [None]);
    }

    proptest! {
        #[test]
        fn no_refund_explains_two_movements(amounts in proptest::collection::vec((1_i64..4, 0..3_u8), 0..6), moved in proptest::collection::vec((1_i64..4, proptest::option::of(0_u128..6)), 0..8)) {
            let states = [Status::Processing, Status::Failed, Status::Completed];
            let refunds: Vec<Refund> =
                (0..).zip(&amounts).map(|(id, (amount, state))| refund(id, *amount, states[usize::from(*state)])).collect();
            let cancels: Vec<Cancel> = moved.iter().enumerate().map(|(number, (amount, key))| {
                cancel(&format!("movement {number}"), *amount, key.map(|key| Uuid::from_u128(key).to_string()))
            }).collect();
            let explained: Vec<Uuid> = explain(&cancels, &refunds).into_iter().filter_map(|(_, id)| id).collect();
            prop_assert_eq!(explained.iter().collect::<HashSet<_>>().len(), explained.len());
        }
    }
}
