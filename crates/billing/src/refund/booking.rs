//! What refunds book.

use aipoten_kit::{Error, Result, Won};
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Refund;
use crate::ledger::{Account, Earned, Journal, Kind};
use crate::payment::Payment;
use crate::session::Session;

/// Money of sessions to come is to go back.
pub(super) fn decided(refund: &Refund, package_id: Uuid, at: DateTime<Utc>) -> Journal {
    let taken = vec![(Account::CustomerPrepaid(package_id), refund.refund_amount)];
    to_clearing(refund, taken, at)
}

/// Money of a session that is settled already is to go back: the therapist owes the net part, and we give up our fee. Parts are
/// rounded down for fee and tax, so that parts of a refund never take back more fee than was booked; all of it takes back all.
pub(super) fn taken_back(refund: &Refund, session: &Session, earned: Earned, at: DateTime<Utc>) -> Result<Journal> {
    let settled = earned.net + earned.fee + earned.vat;
    let amount = refund.refund_amount;
    if amount > settled {
        return Err(Error::Internal(anyhow!("{} won of a session settled at {} are to go back", amount.0, settled.0)));
    }
    let (fee, vat) = (earned.fee.in_proportion(amount, settled), earned.vat.in_proportion(amount, settled));
    let taken = vec![
        (Account::TherapistReceivable(session.therapist_id), amount - fee - vat),
        (Account::PlatformFee, fee),
        (Account::VatPayable, vat),
    ];
    Ok(to_clearing(refund, taken, at))
}

fn to_clearing(refund: &Refund, taken: Vec<(Account, Won)>, at: DateTime<Utc>) -> Journal {
    let given = (Account::RefundClearing, Won(0) - refund.refund_amount);
    Journal {
        kind: Kind::RefundDecided,
        source: format!("refund_decided:{}", refund.id),
        effective_at: at,
        entries: taken.into_iter().chain([given]).collect(),
    }
}

/// It went back: the provider took it from what it holds for us, or we transferred it.
pub(super) fn done(refund: &Refund, payment: &Payment, by_hand: bool, at: DateTime<Utc>) -> Journal {
    let from = if by_hand { Account::Bank } else { Account::ProviderReceivable(payment.provider) };
    Journal {
        kind: Kind::RefundDone,
        source: format!("refund_done:{}", refund.id),
        effective_at: at,
        entries: vec![(Account::RefundClearing, refund.refund_amount), (from, Won(0) - refund.refund_amount)],
    }
}

/// A penalty for ending the package is kept.
pub(super) fn penalty(session: &Session, amount: Won, at: DateTime<Utc>) -> Journal {
    Journal {
        kind: Kind::CancellationFee,
        source: format!("cancellation_fee:{}", session.consultation_id),
        effective_at: at,
        entries: vec![
            (Account::CustomerPrepaid(session.package_id), amount),
            (Account::CancellationFee, Won(0) - amount),
        ],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::refund::{Policy, Reason, Status};

    fn refund(amount: i64) -> Refund {
        Refund {
            id: Uuid::nil(),
            payment_id: Uuid::nil(),
            consultation_id: Some(Uuid::nil()),
            refund_amount: Won(amount),
            refund_reason: Reason::Dispute,
            refund_policy: Policy::Full,
            refund_status: Status::Processing,
            is_by_hand: false,
            provider_refund_id: None,
            failure_code: None,
            tries: 0,
            round: 1,
            requested_at: Utc::now(),
            processed_at: None,
            version: 1,
        }
    }

    fn session(session_fee: i64) -> Session {
        Session {
            consultation_id: Uuid::nil(),
            package_id: Uuid::nil(),
            therapist_id: Uuid::nil(),
            session_fee: Won(session_fee),
            platform_fee: Won(0),
            outcome: None,
            disputed_at: None,
            refunded_amount: Won(0),
            cancellation_fee: Won(0),
        }
    }

    fn amounts(journal: &Journal) -> Vec<i64> {
        journal.entries.iter().map(|(_, amount)| amount.0).collect()
    }

    #[test]
    fn a_settled_session_that_goes_back_takes_net_fee_and_tax_back_as_they_were_booked() {
        let earned = Earned { net: Won(61_200), fee: Won(9_818), vat: Won(982) };
        let journal = taken_back(&refund(72_000), &session(72_000), earned, Utc::now()).expect("booked");
        let therapist = Account::TherapistReceivable(Uuid::nil());
        let expected = [
            (therapist, Won(61_200)),
            (Account::PlatformFee, Won(9_818)),
            (Account::VatPayable, Won(982)),
            (Account::RefundClearing, Won(-72_000)),
        ];
        assert_eq!(journal.entries, expected);
        let half = taken_back(&refund(36_001), &session(72_000), earned, Utc::now()).expect("booked");
        assert_eq!(amounts(&half), [30_601, 4_909, 491, -36_001]);
    }

    #[test]
    fn more_than_was_settled_is_never_taken_back() {
        let earned = Earned { net: Won(30_600), fee: Won(5_400), vat: Won(0) };
        assert!(taken_back(&refund(36_001), &session(72_000), earned, Utc::now()).is_err());
    }

    proptest! {
        #[test]
        fn no_part_of_a_refund_takes_back_more_than_was_booked(net in 0_i64..10_000_000, fee in 0_i64..2_000_000, vat in 0_i64..200_000, part in 0_u64..=1000) {
            let earned = Earned { net: Won(net), fee: Won(fee), vat: Won(vat) };
            let amount = (net + fee + vat) * i64::try_from(part).expect("small") / 1000;
            let journal = taken_back(&refund(amount), &session(net + fee + vat), earned, Utc::now()).expect("booked");
            let amounts = amounts(&journal);
            prop_assert_eq!(amounts.iter().sum::<i64>(), 0);
            prop_assert!(amounts[1] <= fee && amounts[2] <= vat && amounts.iter().take(3).all(|it| *it >= 0));
            // Of a part no more than a won of rounding for fee and tax each comes to the therapist.
            prop_assert!(amounts[0] <= net + 2, "{} of {net}", amounts[0]);
            if part == 1000 {
                prop_assert_eq!(amounts[0], net);
            }
        }
    }
}
