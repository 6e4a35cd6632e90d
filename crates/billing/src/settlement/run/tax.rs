//! What is withheld from therapists, and the value added tax on our fee, by the policy in force. Whole won, exact.

use aipoten_kit::{BasisPoints, Won};
use uuid::Uuid;

use crate::bank_account::PayeeKind;

/// A row of `settlement_policies`.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) id: Uuid,
    pub(super) income_tax_bp: BasisPoints,
    pub(super) local_tax_bp: BasisPoints,
    pub(super) tax_unit: i16,
    pub(super) smallest_income_tax: Won,
    pub(super) vat_mode: VatMode,
    pub(super) vat_bp: BasisPoints,
}

/// Where the value added tax on our fee comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum VatMode {
    /// It is a part of the fee.
    Included,
    /// It comes on top, out of the therapist's part.
    Added,
}

/// Taxes withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Withheld {
    pub(super) income_tax: Won,
    pub(super) local_tax: Won,
}

/// The platform's part of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fee {
    /// With the tax on it.
    pub(super) gross: Won,
    /// The tax in it.
    pub(super) vat: Won,
}

impl Policy {
    /// The income tax is a part of the amount, the local tax a part of the income tax as it is withheld.
    pub(super) fn withhold(&self, payee: PayeeKind, amount: Won) -> Withheld {
        if payee == PayeeKind::Business {
            return Withheld::default();
        }
        let income_tax = self.in_units(amount.part_floor(self.income_tax_bp));
        if income_tax < self.smallest_income_tax {
            return Withheld::default();
        }
        Withheld { income_tax, local_tax: self.in_units(income_tax.part_floor(self.local_tax_bp)) }
    }

    fn in_units(&self, tax: Won) -> Won {
        Won(tax.0 - tax.0 % i64::from(self.tax_unit))
    }

    /// The fee of a session of which `base` is left, with its tax; never more than that.
    pub(super) fn fee(&self, base: Won, fee: Won) -> Fee {
        let rate = i64::from(self.vat_bp.0);
        match self.vat_mode {
            VatMode::Included => Fee { gross: fee, vat: rounded(fee, rate, 10_000 + rate) },
            VatMode::Added => {
                let vat = rounded(fee, rate, 10_000).min(base - fee);
                Fee { gross: fee + vat, vat }
            }
        }
    }
}

impl VatMode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Included => "included",
            Self::Added => "added",
        }
    }
}

/// `amount * part / whole`, half a won rounded up.
fn rounded(amount: Won, part: i64, whole: i64) -> Won {
    let (product, whole) = (i128::from(amount.0) * i128::from(part), i128::from(whole));
    let won = (2 * product + whole).div_euclid(2 * whole);
    Won(i64::try_from(won).expect("a part of an amount is no greater than the amount"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy() -> Policy {
        Policy {
            id: Uuid::nil(),
            income_tax_bp: BasisPoints(300),
            local_tax_bp: BasisPoints(1000),
            tax_unit: 10,
            smallest_income_tax: Won(0),
            vat_mode: VatMode::Included,
            vat_bp: BasisPoints(1000),
        }
    }

    fn withheld(policy: &Policy, amount: i64) -> (i64, i64) {
        let Withheld { income_tax, local_tax } = policy.withhold(PayeeKind::Freelancer, Won(amount));
        (income_tax.0, local_tax.0)
    }

    #[test]
    fn the_taxes_of_the_specification_come_out() {
        let golden = [
            (1_234_567, (37_030, 3_700)),
            (33_330, (990, 90)),
            (333, (0, 0)),
            (0, (0, 0)),
            (334, (10, 0)),
            (1_000_000, (30_000, 3_000)),
        ];
        for (amount, taxes) in golden {
            assert_eq!(withheld(&policy(), amount), taxes, "{amount}");
        }
    }

    #[test]
    fn nothing_is_withheld_from_a_business_and_nothing_below_the_smallest_tax() {
        assert_eq!(policy().withhold(PayeeKind::Business, Won(1_234_567)), Withheld::default());
        let exempt = Policy { smallest_income_tax: Won(1_000), ..policy() };
        assert_eq!(withheld(&exempt, 33_330), (0, 0));
        assert_eq!(withheld(&exempt, 33_334), (1_000, 100));
    }

    #[test]
    fn the_value_added_tax_is_an_eleventh_of_the_fee_or_a_tenth_on_top_of_it() {
        let fee = policy().fee(Won(80_000), Won(12_000));
        assert_eq!(fee, Fee { gross: Won(12_000), vat: Won(1_091) });
        let added = Policy { vat_mode: VatMode::Added, ..policy() };
        assert_eq!(added.fee(Won(80_000), Won(12_000)), Fee { gross: Won(13_200), vat: Won(1_200) });
        assert_eq!(added.fee(Won(80_000), Won(80_000)), Fee { gross: Won(80_000), vat: Won(0) });
        assert_eq!(added.fee(Won(80_000), Won(12_005)).vat, Won(1_201), "half a won is rounded up");
    }

    proptest! {
        /// Against the definition in exact rational arithmetic: the greatest multiple of the unit that is not above the exact tax.
        #[test]
        fn taxes_are_the_exact_ones_rounded_down_to_units(
            amount in 0_i64..=1_000_000_000_000, income_bp in 0_i16..=10_000, local_bp in 0_i16..=10_000, unit in 1_i16..=1_000,
        ) {
            let policy = Policy {
                income_tax_bp: BasisPoints(income_bp), local_tax_bp: BasisPoints(local_bp), tax_unit: unit, ..policy()
            };
            let (income, local) = withheld(&policy, amount);
            for (tax, of, rate) in [(income, amount, income_bp), (local, income, local_bp)] {
                let (exact, tax, unit) = (i128::from(of) * i128::from(rate), i128::from(tax), i128::from(unit));
                prop_assert!(tax % unit == 0 && tax >= 0);
                prop_assert!(tax * 10_000 <= exact && exact < (tax + unit) * 10_000);
            }
        }

        #[test]
        fn a_fee_with_its_tax_is_never_more_than_what_is_left(
            base in 0_i64..=1_000_000_000, fee_bp in 0_i16..=10_000, vat_bp in 0_i16..=10_000, added: bool,
        ) {
            let vat_mode = if added { VatMode::Added } else { VatMode::Included };
            let policy = Policy { vat_mode, vat_bp: BasisPoints(vat_bp), ..policy() };
            let plain = Won(base).part_floor(BasisPoints(fee_bp));
            let fee = policy.fee(Won(base), plain);
            prop_assert!(fee.gross <= Won(base) && Won(0) <= fee.vat && fee.vat <= fee.gross);
            // The tax is within half a won of the exact one, unless there is not enough left for it.
            let net = i128::from((fee.gross - fee.vat).0);
            let off = (i128::from(fee.vat.0) * 10_000 - net * i128::from(vat_bp)).abs();
            prop_assert!(off <= 10_000 || fee.gross == Won(base), "{off}");
        }
    }
}
