//! What a therapist is owed for a month, out of what is known of their sessions: the same input gives the same output.

use std::fmt::Write as _;

use aipoten_kit::{BasisPoints, Won};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::tax::{Policy, Withheld};
use crate::bank_account::PayeeKind;
use crate::settlement::period::Period;
use crate::settlement::{Line, LineKind, LineStatus};

/// A session that was paid for, of which something is left, and which was not settled.
#[derive(Debug, Clone)]
pub(super) struct Unsettled {
    pub(super) consultation_id: Uuid,
    pub(super) package_id: Uuid,
    pub(super) session_number: i16,
    pub(super) kind: LineKind,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) report_submitted_at: Option<DateTime<Utc>>,
    pub(super) session_fee: Won,
    pub(super) platform_fee: Won,
    pub(super) refunded_amount: Won,
    pub(super) cancellation_fee: Won,
    pub(super) platform_fee_rate: BasisPoints,
}

/// All that a settlement is computed from.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) therapist_id: Uuid,
    pub(super) period: Period,
    pub(super) policy: Policy,
    pub(super) payee: PayeeKind,
    /// What the therapist owes us.
    pub(super) debt: Won,
    /// By their time.
    pub(super) sessions: Vec<Unsettled>,
}

/// A line, and what its booking needs besides.
#[derive(Debug, Clone)]
pub(super) struct Earning {
    pub(super) line: Line,
    pub(super) package_id: Uuid,
    pub(super) vat: Won,
}

/// What comes out.
#[derive(Debug)]
pub(super) struct Computed {
    pub(super) earnings: Vec<Earning>,
    pub(super) settled_sessions: i32,
    pub(super) pending_sessions: i32,
    pub(super) total_session_fee: Won,
    pub(super) total_platform_fee: Won,
    pub(super) settlement_amount: Won,
    pub(super) carried_debt: Won,
    pub(super) withheld: Withheld,
    pub(super) final_amount: Won,
    pub(super) input_hash: [u8; 32],
}

impl Input {
    pub(super) fn compute(&self) -> Computed {
        let earnings: Vec<Earning> = self.sessions.iter().map(|session| self.earning(session)).collect();
        let settled = || earnings.iter().map(|it| &it.line).filter(|it| it.settlement_status == LineStatus::Settled);
        let (settled_sessions, sessions) = (settled().count(), earnings.len());
        let settlement_amount: Won = settled().map(|line| line.net_amount).sum();
        let carried_debt = self.debt.clamp(Won(0), settlement_amount);
        let withheld = self.policy.withhold(self.payee, settlement_amount - carried_debt);
        Computed {
            settled_sessions: count(settled_sessions),
            pending_sessions: count(sessions - settled_sessions),
            total_session_fee: settled().map(|line| line.session_fee).sum(),
            total_platform_fee: settled().map(|line| line.platform_fee).sum(),
            settlement_amount,
            carried_debt,
            withheld,
            final_amount: settlement_amount - carried_debt - withheld.income_tax - withheld.local_tax,
            input_hash: self.hash(&earnings),
            earnings,
        }
    }

    /// The fee that was agreed on, or the same part of what is left.
    fn earning(&self, session: &Unsettled) -> Earning {
        let left = session.session_fee - session.refunded_amount - session.cancellation_fee;
        let whole = left == session.session_fee;
        let fee = if whole { session.platform_fee } else { left.part_floor(session.platform_fee_rate) };
        let fee = self.policy.fee(left, fee);
        let reported = session.report_submitted_at.filter(|at| *at < self.period.cut_off);
        let waits = session.kind == LineKind::Session && reported.is_none();
        let line = Line {
            consultation_id: session.consultation_id,
            session_number: session.session_number,
            kind: session.kind,
            occurred_at: session.occurred_at,
            session_fee: left,
            platform_fee: fee.gross,
            net_amount: left - fee.gross,
            report_submitted_at: reported,
            settlement_status: if waits { LineStatus::PendingReport } else { LineStatus::Settled },
        };
        Earning { line, package_id: session.package_id, vat: fee.vat }
    }

    /// Of a text that names everything, one thing a line. Its form never changes: hashes are compared over years.
    fn hash(&self, earnings: &[Earning]) -> [u8; 32] {
        let Self { therapist_id, period, policy, payee, debt, .. } = self;
        let mut text = format!(
            "settlement 1\ntherapist {therapist_id}\nperiod {period}\npayee {payee}\ndebt {debt}\n\
             policy {id} income {income} local {local} unit {unit} smallest {smallest} vat {vat_mode} {vat}\n",
            payee = payee.as_str(),
            debt = debt.0,
            id = policy.id,
            income = policy.income_tax_bp.0,
            local = policy.local_tax_bp.0,
            unit = policy.tax_unit,
            smallest = policy.smallest_income_tax.0,
            vat_mode = policy.vat_mode.as_str(),
            vat = policy.vat_bp.0,
        );
        for Earning { line, package_id, vat } in earnings {
            writeln!(
                text,
                "line {} package {package_id} number {} {} at {} fee {} platform {} net {} vat {} report {} {}",
                line.consultation_id,
                line.session_number,
                line.kind.as_str(),
                line.occurred_at.timestamp_micros(),
                line.session_fee.0,
                line.platform_fee.0,
                line.net_amount.0,
                vat.0,
                line.report_submitted_at.map_or(0, |at| at.timestamp_micros()),
                line.settlement_status.as_str(),
            )
            .expect("a text takes whatever is written");
        }
        Sha256::digest(text).into()
    }
}

fn count(sessions: usize) -> i32 {
    i32::try_from(sessions).expect("a therapist has less than two billion sessions")
}

#[cfg(test)]
mod tests {
    use super::super::tax::VatMode;
    use super::*;

    fn session(id: u128) -> Unsettled {
        let at = "2026-02-10T03:00:00Z".parse().expect("a moment");
        Unsettled {
            consultation_id: Uuid::from_u128(id),
            package_id: Uuid::from_u128(100),
            session_number: 1,
            kind: LineKind::Session,
            occurred_at: at,
            report_submitted_at: Some(at),
            session_fee: Won(68_001),
            platform_fee: Won(10_200),
            refunded_amount: Won(0),
            cancellation_fee: Won(0),
            platform_fee_rate: BasisPoints(1500),
        }
    }

    fn input(sessions: Vec<Unsettled>) -> Input {
        let policy = Policy {
            id: Uuid::nil(),
            income_tax_bp: BasisPoints(300),
            local_tax_bp: BasisPoints(1000),
            tax_unit: 10,
            smallest_income_tax: Won(0),
            vat_mode: VatMode::Included,
            vat_bp: BasisPoints(1000),
        };
        Input {
            therapist_id: Uuid::from_u128(7),
            period: Period::parse("2026-02").expect("a month"),
            policy,
            payee: PayeeKind::Freelancer,
            debt: Won(0),
            sessions,
        }
    }

    #[test]
    fn what_is_left_of_a_late_cancel_is_shared_like_a_whole_session() {
        let late = Unsettled { kind: LineKind::LateCancel, refunded_amount: Won(34_000), ..session(1) };
        let computed = input(vec![Unsettled { report_submitted_at: None, ..late }]).compute();
        let line = &computed.earnings[0].line;
        assert_eq!((line.session_fee, line.platform_fee, line.net_amount), (Won(34_001), Won(5_100), Won(28_901)));
        assert_eq!(line.settlement_status, LineStatus::Settled);
        assert_eq!(computed.earnings[0].vat, Won(464));
    }

    #[test]
    fn a_report_at_the_cut_off_is_too_late() {
        let cut_off = Period::parse("2026-02").expect("a month").cut_off;
        let late = Unsettled { report_submitted_at: Some(cut_off), ..session(1) };
        let just = Unsettled { report_submitted_at: Some(cut_off - chrono::TimeDelta::microseconds(1)), ..session(2) };
        let computed = input(vec![late, just]).compute();
        assert_eq!((computed.settled_sessions, computed.pending_sessions), (1, 1));
        assert_eq!(computed.earnings[0].line.report_submitted_at, None, "as if it were not there yet");
        assert_eq!(computed.settlement_amount, Won(57_801), "what waits is in no sum");
    }

    #[test]
    fn taxes_are_taken_on_what_is_left_after_debts() {
        let computed = Input { debt: Won(50_000), ..input(vec![session(1)]) }.compute();
        assert_eq!((computed.carried_debt, computed.final_amount), (Won(50_000), Won(7_801 - 230 - 20)));
        let computed = Input { debt: Won(100_000), ..input(vec![session(1)]) }.compute();
        assert_eq!((computed.carried_debt, computed.final_amount), (Won(57_801), Won(0)));
        assert_eq!(computed.withheld, Withheld::default());
        let computed = Input { debt: Won(-3), ..input(vec![session(1)]) }.compute();
        assert_eq!(computed.carried_debt, Won(0), "we owe, and they do not");
    }

    #[test]
    fn the_hash_is_the_same_for_the_same_input_and_changes_with_every_part_of_it() {
        // Made of the same text with another program.
        let golden = "694c284c4e05faa5f48a02f86b260d90fd1ac136f6e7bb6c24438a3c122170a2";
        let base = input(vec![session(1), session(2)]);
        let hash = |input: &Input| input.compute().input_hash;
        let hex = hash(&base).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert_eq!(hex, golden, "the form of the text has changed");
        let mut other_policy = base.policy.clone();
        other_policy.tax_unit = 1;
        let others = [
            Input { debt: Won(1), ..input(base.sessions.clone()) },
            Input { payee: PayeeKind::Business, ..input(base.sessions.clone()) },
            Input { policy: other_policy, ..input(base.sessions.clone()) },
            Input { therapist_id: Uuid::nil(), ..input(base.sessions.clone()) },
            Input { period: Period::parse("2026-03").expect("a month"), ..input(base.sessions.clone()) },
            input(vec![session(1)]),
            input(vec![session(1), Unsettled { refunded_amount: Won(1), ..session(2) }]),
        ];
        for other in others {
            assert_ne!(hash(&other), hash(&base), "{other:?}");
        }
    }
}
