//! What a package costs, by the policy in force when the therapist approves.

use sqlx::PgConnection;
use uuid::Uuid;

use aipoten_kit::{BasisPoints, Won};

/// Sizes of packages.
pub(crate) const SIZES: [i16; 4] = [1, 4, 8, 12];

/// A row of `price_policies`.
#[derive(Debug, Clone)]
pub(crate) struct PricePolicy {
    pub(crate) id: Uuid,
    pub(crate) discount_bp_1: BasisPoints,
    pub(crate) discount_bp_4: BasisPoints,
    pub(crate) discount_bp_8: BasisPoints,
    pub(crate) discount_bp_12: BasisPoints,
    pub(crate) platform_fee_bp: BasisPoints,
    pub(crate) hold_minutes: i32,
}

/// What a package costs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) original: Won,
    pub(crate) discount_rate: BasisPoints,
    pub(crate) discounted: Won,
    /// In the order of the sessions; they add up to `discounted`.
    pub(crate) sessions: Vec<SessionPrice>,
}

/// What one of its sessions costs, and the platform's part of that; the rest is the therapist's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionPrice {
    pub(crate) fee: Won,
    pub(crate) platform_fee: Won,
}

impl PricePolicy {
    fn discount(&self, sessions: i16) -> BasisPoints {
        match sessions {
            12.. => self.discount_bp_12,
            8.. => self.discount_bp_8,
            4.. => self.discount_bp_4,
            _ => self.discount_bp_1,
        }
    }

    /// The discount is taken once off the whole and rounded down; sessions share it by the largest remainder.
    pub(crate) fn price(&self, consultation_fee: Won, sessions: i16) -> Price {
        let (original, discount_rate) = (consultation_fee.times(sessions), self.discount(sessions));
        let discounted = original.part_floor(BasisPoints(10_000 - discount_rate.0));
        let session = |fee: Won| SessionPrice { fee, platform_fee: fee.part_floor(self.platform_fee_bp) };
        Price {
            original,
            discount_rate,
            discounted,
            sessions: discounted.split(sessions).into_iter().map(session).collect(),
        }
    }
}

/// The policy in force now.
pub(crate) async fn in_force(conn: &mut PgConnection) -> sqlx::Result<PricePolicy> {
    sqlx::query_as!(
        PricePolicy,
        r#"SELECT id, discount_bp_1 AS "discount_bp_1: BasisPoints", discount_bp_4 AS "discount_bp_4: BasisPoints",
             discount_bp_8 AS "discount_bp_8: BasisPoints", discount_bp_12 AS "discount_bp_12: BasisPoints",
             platform_fee_bp AS "platform_fee_bp: BasisPoints", hold_minutes
           FROM price_policies WHERE tstzrange(valid_from, valid_to) @> now()"#,
    )
    .fetch_one(conn)
    .await
}

/// The policy of an order.
pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<PricePolicy> {
    sqlx::query_as!(
        PricePolicy,
        r#"SELECT id, discount_bp_1 AS "discount_bp_1: BasisPoints", discount_bp_4 AS "discount_bp_4: BasisPoints",
             discount_bp_8 AS "discount_bp_8: BasisPoints", discount_bp_12 AS "discount_bp_12: BasisPoints",
             platform_fee_bp AS "platform_fee_bp: BasisPoints", hold_minutes
           FROM price_policies WHERE id = $1"#,
        id,
    )
    .fetch_one(conn)
    .await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy() -> PricePolicy {
        PricePolicy {
            id: Uuid::nil(),
            discount_bp_1: BasisPoints(0),
            discount_bp_4: BasisPoints(1000),
            discount_bp_8: BasisPoints(1500),
            discount_bp_12: BasisPoints(2000),
            platform_fee_bp: BasisPoints(1500),
            hold_minutes: 1440,
        }
    }

    #[test]
    fn the_prices_of_the_specification_come_out() {
        for (sessions, discounted) in [(1, 80_000), (4, 288_000), (8, 544_000), (12, 768_000)] {
            assert_eq!(policy().price(Won(80_000), sessions).discounted, Won(discounted));
        }
    }

    proptest! {
        #[test]
        fn sessions_always_add_up_and_nearly_cost_the_same(fee in 1_i64..=1_000_000, size in 0_usize..4, rate in 0_i16..=10_000, cut in 0_i16..=10_000) {
            let policy = PricePolicy {
                discount_bp_1: BasisPoints(rate), discount_bp_4: BasisPoints(rate), discount_bp_8: BasisPoints(rate),
                discount_bp_12: BasisPoints(rate), platform_fee_bp: BasisPoints(cut), ..policy()
            };
            let sessions = SIZES[size];
            let price = policy.price(Won(fee), sessions);
            // Exact rational arithmetic, apart from the code above.
            let exact = i128::from(fee) * i128::from(sessions) * i128::from(10_000 - rate);
            prop_assert_eq!(i128::from(price.discounted.0), exact.div_euclid(10_000));
            prop_assert_eq!(price.sessions.len(), usize::from(sessions.unsigned_abs()));
            prop_assert_eq!(price.sessions.iter().map(|it| it.fee).sum::<Won>(), price.discounted);
            let fees = price.sessions.iter().map(|it| it.fee.0);
            prop_assert!(fees.clone().max().unwrap_or(0) - fees.min().unwrap_or(0) <= 1);
            for session in &price.sessions {
                prop_assert_eq!(i128::from(session.platform_fee.0), i128::from(session.fee.0) * i128::from(cut) / 10_000);
                prop_assert!(session.platform_fee <= session.fee);
            }
        }
    }
}
