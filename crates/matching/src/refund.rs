//! What a cancellation pays back, by the policy that was in force when the order was made.

use std::collections::HashMap;

use aipoten_kit::Locale;
use aipoten_proto::matching::v1::RefundPolicy as ProtoPolicy;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use aipoten_kit::{BasisPoints, Won};

/// A row of `refund_policies`.
#[derive(Debug, Clone)]
pub(crate) struct RefundPolicy {
    pub(crate) id: Uuid,
    pub(crate) full_until_hours: i16,
    pub(crate) late_refund_bp: BasisPoints,
    pub(crate) end_penalty_bp: BasisPoints,
    pub(crate) text_ko: String,
    pub(crate) text_en: String,
}

/// How much of a price is paid back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Share {
    Full,
    Partial,
    None,
    PackageEnd,
}

/// Who cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum CancelledBy {
    Parent,
    Therapist,
    Platform,
}

/// What becomes of the price of one session; the three add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) share: Share,
    /// Goes back.
    pub(crate) amount: Won,
    /// The therapist's, for the time kept free.
    pub(crate) earned: Won,
    /// The platform's, for ending the package.
    pub(crate) penalty: Won,
}

impl Refund {
    /// Nothing was paid, or nothing goes back yet.
    pub(crate) const NOTHING: Self = Self { share: Share::None, amount: Won(0), earned: Won(0), penalty: Won(0) };
}

impl RefundPolicy {
    pub(crate) fn text(&self, locale: Locale) -> String {
        locale.pick(&self.text_ko, &self.text_en).clone()
    }

    /// For a paid session. One without a time is a credit given back. `by` other than the parent always pays all.
    pub(crate) fn session(
        &self,
        fee: Won,
        scheduled_at: Option<DateTime<Utc>>,
        by: CancelledBy,
        now: DateTime<Utc>,
    ) -> Refund {
        let notice = TimeDelta::hours(self.full_until_hours.into());
        let in_time = scheduled_at.is_none_or(|at| now <= at - notice);
        if by != CancelledBy::Parent || in_time {
            Refund { share: Share::Full, amount: fee, ..Refund::NOTHING }
        } else {
            // Rounded in the parent's favour.
            let amount = fee.part_ceil(self.late_refund_bp);
            Refund { share: Share::Partial, amount, earned: fee - amount, penalty: Won(0) }
        }
    }

    /// For the sessions that a package's end cancels: each as above, less a penalty that the parent's end may cost, taken from
    /// the last sessions first.
    pub(crate) fn package_end(&self, sessions: Vec<Refund>, contract: Won, by: CancelledBy) -> Vec<Refund> {
        let mut penalty = if by == CancelledBy::Parent { contract.part_floor(self.end_penalty_bp) } else { Won(0) };
        let mut refunds: Vec<Refund> = sessions
            .into_iter()
            .rev()
            .map(|refund| {
                let taken = penalty.min(refund.amount);
                penalty = penalty - taken;
                let share = if refund.share == Share::Full { Share::PackageEnd } else { refund.share };
                Refund { share, amount: refund.amount - taken, penalty: taken, ..refund }
            })
            .collect();
        refunds.reverse();
        refunds
    }
}

/// The policy in force now.
pub(crate) async fn in_force(conn: &mut PgConnection) -> sqlx::Result<RefundPolicy> {
    sqlx::query_as!(
        RefundPolicy,
        r#"SELECT id, full_until_hours, late_refund_bp AS "late_refund_bp: BasisPoints",
             end_penalty_bp AS "end_penalty_bp: BasisPoints", text_ko, text_en
           FROM refund_policies WHERE tstzrange(valid_from, valid_to) @> now()"#,
    )
    .fetch_one(conn)
    .await
}

/// The policies of orders, by their ids.
pub(crate) async fn get_all(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, RefundPolicy>> {
    let policies = sqlx::query_as!(
        RefundPolicy,
        r#"SELECT id, full_until_hours, late_refund_bp AS "late_refund_bp: BasisPoints",
             end_penalty_bp AS "end_penalty_bp: BasisPoints", text_ko, text_en
           FROM refund_policies WHERE id = ANY ($1)"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(policies.into_iter().map(|policy| (policy.id, policy)).collect())
}

/// The policy of an order.
pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<RefundPolicy> {
    sqlx::query_as!(
        RefundPolicy,
        r#"SELECT id, full_until_hours, late_refund_bp AS "late_refund_bp: BasisPoints",
             end_penalty_bp AS "end_penalty_bp: BasisPoints", text_ko, text_en
           FROM refund_policies WHERE id = $1"#,
        id,
    )
    .fetch_one(conn)
    .await
}

impl Share {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
            Self::PackageEnd => "package_end",
        }
    }
}

impl From<Share> for ProtoPolicy {
    fn from(share: Share) -> Self {
        match share {
            Share::Full => Self::Full,
            Share::Partial => Self::Partial,
            Share::None => Self::None,
            Share::PackageEnd => Self::PackageEnd,
        }
    }
}

impl CancelledBy {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Therapist => "therapist",
            Self::Platform => "platform",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::price::{PricePolicy, SIZES};

    fn policy(late: i16, penalty: i16) -> RefundPolicy {
        RefundPolicy {
            id: Uuid::nil(),
            full_until_hours: 24,
            late_refund_bp: BasisPoints(late),
            end_penalty_bp: BasisPoints(penalty),
            text_ko: String::new(),
            text_en: String::new(),
        }
    }

    #[test]
    fn the_last_second_of_the_notice_still_pays_all() {
        let start = Utc::now();
        let refund = |before: TimeDelta, by| policy(5000, 0).session(Won(71_999), Some(start), by, start - before);
        assert_eq!(
            refund(TimeDelta::hours(24), CancelledBy::Parent),
            Refund { share: Share::Full, amount: Won(71_999), ..Refund::NOTHING }
        );
        let late = refund(TimeDelta::hours(24) - TimeDelta::seconds(1), CancelledBy::Parent);
        assert_eq!(
            late,
            Refund { share: Share::Partial, amount: Won(36_000), earned: Won(35_999), penalty: Won(0) },
            "rounded in the parent's favour"
        );
        for by in [CancelledBy::Therapist, CancelledBy::Platform] {
            assert_eq!(refund(TimeDelta::zero(), by).amount, Won(71_999));
        }
        let credit = policy(5000, 0).session(Won(71_999), None, CancelledBy::Parent, start);
        assert_eq!(credit.share, Share::Full);
    }

    proptest! {
        /// Sizes, discounts, used sessions, policies.
        #[test]
        fn of_any_package_all_that_was_paid_is_used_or_goes_back_or_is_the_penalty(
            fee in 1_i64..=1_000_000, size in 0_usize..4, discount in 0_i16..=10_000, used in 0_usize..=12,
            late in 0_i16..=10_000, penalty in 0_i16..=1_000, by_parent: bool,
        ) {
            let discount = BasisPoints(discount);
            let prices = PricePolicy {
                id: Uuid::nil(), discount_bp_1: discount, discount_bp_4: discount, discount_bp_8: discount,
                discount_bp_12: discount, platform_fee_bp: BasisPoints(1_500), hold_minutes: 1440,
            };
            let price = prices.price(Won(fee), SIZES[size]);
            let (used, open) = price.sessions.split_at(used.min(price.sessions.len()));
            let (policy, by) = (policy(late, penalty), if by_parent { CancelledBy::Parent } else { CancelledBy::Platform });
            let each = open.iter().map(|it| policy.session(it.fee, None, by, Utc::now())).collect();
            let refunds = policy.package_end(each, price.discounted, by);
            let used: Won = used.iter().map(|it| it.fee).sum();
            let back: Won = refunds.iter().map(|it| it.amount).sum();
            // Exact, apart from the code above; a used session is never priced anew.
            let unused = i128::from((price.discounted - used).0);
            let kept = if by_parent { i128::from(price.discounted.0) * i128::from(penalty) / 10_000 } else { 0 };
            prop_assert_eq!(i128::from(back.0), unused - kept.min(unused));
            prop_assert_eq!(refunds.iter().map(|it| it.penalty).sum::<Won>() + back + used, price.discounted);
            prop_assert!(refunds.iter().zip(open).all(|(it, session)| Won(0) <= it.amount && it.amount <= session.fee));
        }

        #[test]
        fn the_end_of_a_package_divides_what_was_paid_and_nothing_else(fees in proptest::collection::vec(0_i64..=1_000_000, 1..12), late in 0_i16..=10_000, penalty in 0_i16..=1000, lateness in proptest::collection::vec(any::<bool>(), 12)) {
            let policy = policy(late, penalty);
            let now = Utc::now();
            let contract: Won = fees.iter().map(|fee| Won(*fee)).sum();
            let sessions: Vec<Refund> = fees.iter().zip(&lateness).map(|(fee, late)| {
                let at = late.then(|| now + TimeDelta::hours(1));
                policy.session(Won(*fee), at, CancelledBy::Parent, now)
            }).collect();
            let before: Won = sessions.iter().map(|it| it.amount).sum();
            let refunds = policy.package_end(sessions, contract, CancelledBy::Parent);
            let after: Won = refunds.iter().map(|it| it.amount).sum();
            let due = contract.part_floor(BasisPoints(penalty)).min(before);
            prop_assert_eq!(after, before - due);
            prop_assert!(refunds.iter().zip(&fees).all(|(refund, fee)| refund.amount >= Won(0) && refund.amount + refund.earned + refund.penalty == Won(*fee)));
        }
    }
}
