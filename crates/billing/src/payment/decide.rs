//! What a provider's truth asks of a payment. Pure, so that it can be tried with everything that may happen.

use aipoten_kit::Won;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Payment, Status};
use crate::provider::{Charge, ChargeStatus};

/// A provider works this long at most on what it was asked.
const AT_WORK: TimeDelta = TimeDelta::minutes(2);

/// Where the money is, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not charged yet, or not known to be.
    Open,
    /// Given up: failed or expired.
    Closed,
    /// Here.
    Captured,
    /// It was here, and was taken back.
    Reversed,
}

/// A payment, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    standing: Standing,
    /// It was to be charged.
    confirming: bool,
    /// An account was given to the parent.
    waits: bool,
    /// Its time is over, and nobody works on it.
    over: bool,
    due: Won,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stands as it should.
    Same,
    /// It was to be charged and is not: nobody knows whether it will be.
    Undecided,
    /// The parent has to deposit.
    Deposit,
    /// The money came.
    Paid,
    /// The deposit was taken back.
    TakenBack,
    /// It was not charged and will not be.
    Failed,
    /// As failed, as its time is over.
    Expired,
    /// Another amount than is due was charged or is asked for: a person has to look.
    Differs,
}

impl Payment {
    pub(super) fn state(&self, now: DateTime<Utc>) -> State {
        let at_work =
            self.payment_status == Status::Confirming && self.unknown_since.is_some_and(|at| now < at + AT_WORK);
        State {
            standing: self.standing(),
            confirming: self.payment_status == Status::Confirming,
            waits: self.waits_for_deposit(),
            over: self.expires_at <= now && !at_work,
            due: self.total_amount,
        }
    }
}

/// What was charged is paid, whatever we believed before; what came and is gone is taken back; and nothing that is charged is ever
/// given up.
pub(super) fn decide(state: State, charge: &Charge) -> Verdict {
    let State { standing, confirming, waits, over, due } = state;
    match (charge.status, standing) {
        (ChargeStatus::Charged | ChargeStatus::WaitingForDeposit, _) if charge.total != due => Verdict::Differs,
        (ChargeStatus::Charged, Standing::Open | Standing::Closed | Standing::Reversed) => Verdict::Paid,
        (ChargeStatus::WaitingForDeposit, Standing::Captured) => Verdict::TakenBack,
        (ChargeStatus::WaitingForDeposit, Standing::Open | Standing::Closed) if !waits => Verdict::Deposit,
        // All of it went back: what was here stays paid, its refunds tell the rest; what never was here is given up.
        (ChargeStatus::Cancelled, Standing::Captured) if charge.paid_back() > Won(0) => Verdict::Same,
        (ChargeStatus::Failed | ChargeStatus::Expired | ChargeStatus::Cancelled, Standing::Captured) => {
            Verdict::TakenBack
        }
        (ChargeStatus::Failed | ChargeStatus::Cancelled, Standing::Open) => Verdict::Failed,
        (ChargeStatus::Expired, Standing::Open) => Verdict::Expired,
        (ChargeStatus::Open, Standing::Open) if over && !waits => Verdict::Expired,
        (ChargeStatus::Open, Standing::Open) if confirming => Verdict::Undecided,
        _ => Verdict::Same,
    }
}

impl Charge {
    /// What the provider has paid back.
    pub(crate) fn paid_back(&self) -> Won {
        match self.status {
            ChargeStatus::Charged | ChargeStatus::Cancelled => self.total - self.balance,
            _ => Won(0),
        }
    }

    /// What can still be paid back, where it was charged.
    pub(super) fn told_balance(&self) -> Option<Won> {
        matches!(self.status, ChargeStatus::Charged | ChargeStatus::Cancelled).then_some(self.balance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DUE: Won = Won(80_000);

    /// A payment and its ledger, as the verdicts make them.
    #[derive(Debug)]
    struct Model {
        standing: Standing,
        waits: bool,
        booked: Vec<Won>,
        told: Vec<Verdict>,
    }

    impl Model {
        fn new() -> Self {
            Self { standing: Standing::Open, waits: false, booked: Vec::new(), told: Vec::new() }
        }

        fn hears(&mut self, charge: &Charge) {
            let state = State { standing: self.standing, confirming: true, waits: self.waits, over: false, due: DUE };
            let verdict = decide(state, charge);
            match verdict {
                Verdict::Same | Verdict::Undecided | Verdict::Differs => return,
                Verdict::Deposit => (self.standing, self.waits) = (Standing::Open, true),
                Verdict::Failed | Verdict::Expired => (self.standing, self.waits) = (Standing::Closed, false),
                Verdict::Paid => {
                    (self.standing, self.waits) = (Standing::Captured, false);
                    self.booked.push(charge.total);
                }
                Verdict::TakenBack => {
                    self.standing = Standing::Reversed;
                    self.booked.push(Won(0) - charge.total);
                }
            }
            self.told.push(verdict);
        }
    }

    fn charge(status: ChargeStatus, balance: Won) -> Charge {
        Charge {
            transaction_id: "t".to_owned(),
            order_id: "o".to_owned(),
            status,
            total: DUE,
            balance,
            method: None,
            charged_at: None,
            virtual_account: None,
            failure_code: None,
            cancels: Vec::new(),
        }
    }

    /// What may become of a charge next.
    fn next(from: &Charge, choice: usize) -> Charge {
        use ChargeStatus::{Cancelled, Charged, Expired, Failed, Open, WaitingForDeposit};
        let ways: &[(ChargeStatus, i64)] = match (from.status, from.balance.0) {
            (Open, _) => &[(Failed, 0), (Expired, 0), (Charged, 80_000), (WaitingForDeposit, 0)],
            (WaitingForDeposit, _) => &[(Expired, 0), (Charged, 80_000)],
            (Charged, 80_000) => &[(Charged, 30_000), (Cancelled, 0), (WaitingForDeposit, 0), (Failed, 0)],
            (Charged, _) => &[(Cancelled, 0)],
            (status, balance) => return charge(status, Won(balance)),
        };
        let (status, balance) = ways[choice % ways.len()];
        charge(status, Won(balance))
    }

    /// All that became of a charge, in its order.
    fn life(choices: &[usize]) -> Vec<Charge> {
        let mut life = vec![charge(ChargeStatus::Open, Won(0))];
        for choice in choices {
            life.push(next(life.last().expect("one at least"), *choice));
        }
        life
    }

    proptest! {
        /// Late, repeated, lost and shuffled answers: once the provider is asked again, we stand where it stands.
        #[test]
        fn any_order_of_answers_ends_in_the_providers_truth(
            choices in proptest::collection::vec(0_usize..12, 0..6),
            heard in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        ) {
            let life = life(&choices);
            let mut model = Model::new();
            for at in heard {
                model.hears(at.get(&life));
            }
            let truth = life.last().expect("one at least");
            model.hears(truth);
            let count = model.told.len();
            model.hears(truth);
            prop_assert_eq!(model.told.len(), count, "the same answer again changes nothing");

            let held: Won = model.booked.iter().copied().sum();
            prop_assert_eq!(held, if model.standing == Standing::Captured { DUE } else { Won(0) });
            let was_here = !model.booked.is_empty();
            let expected = match truth.status {
                ChargeStatus::Charged => Standing::Captured,
                ChargeStatus::Cancelled if model.standing == Standing::Captured => Standing::Captured,
                ChargeStatus::WaitingForDeposit | ChargeStatus::Open if !was_here => Standing::Open,
                _ if was_here => Standing::Reversed,
                _ => Standing::Closed,
            };
            prop_assert_eq!(model.standing, expected, "{:?}", model.told);
            let moves: Vec<_> = model.told.iter().filter(|it| matches!(it, Verdict::Paid | Verdict::TakenBack)).collect();
            prop_assert!(moves.chunks(2).all(|pair| *pair[0] == Verdict::Paid && pair.get(1).is_none_or(|it| **it == Verdict::TakenBack)));
        }
    }

    #[test]
    fn another_amount_is_never_taken_for_the_price() {
        for status in [ChargeStatus::Charged, ChargeStatus::WaitingForDeposit] {
            for standing in [Standing::Open, Standing::Closed, Standing::Captured, Standing::Reversed] {
                let state = State { standing, confirming: true, waits: false, over: true, due: DUE };
                let wrong = Charge { total: DUE - Won(1), ..charge(status, DUE - Won(1)) };
                assert_eq!(decide(state, &wrong), Verdict::Differs, "{status:?} {standing:?}");
            }
        }
    }

    #[test]
    fn only_what_was_not_charged_is_given_up_when_its_time_is_over() {
        let state = |waits| State { standing: Standing::Open, confirming: true, waits, over: true, due: DUE };
        assert_eq!(decide(state(false), &charge(ChargeStatus::Open, Won(0))), Verdict::Expired);
        assert_eq!(decide(state(false), &charge(ChargeStatus::Charged, DUE)), Verdict::Paid);
        assert_eq!(decide(state(true), &charge(ChargeStatus::Open, Won(0))), Verdict::Undecided, "a deposit may come");
    }
}
