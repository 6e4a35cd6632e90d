//! Money: whole won, never a float, never wrapped around.

use std::iter::Sum;
use std::ops::{Add, Sub};

/// An amount in won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, sqlx::Type)]
#[sqlx(transparent)]
pub struct Won(pub i64);

/// A rate in basis points: 10,000 is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct BasisPoints(pub i16);

const ALL: i128 = 10_000;

impl Won {
    /// The part of it, rounded down to whole won.
    pub fn part_floor(self, rate: BasisPoints) -> Self {
        Self::exact(i128::from(self.0) * i128::from(rate.0) / ALL)
    }

    /// The part of it, rounded up to whole won.
    pub fn part_ceil(self, rate: BasisPoints) -> Self {
        Self::exact((i128::from(self.0) * i128::from(rate.0) + ALL - 1) / ALL)
    }

    /// As much of it as `part` is of `whole`, rounded down to whole won; nothing where the whole is nothing.
    pub fn in_proportion(self, part: Self, whole: Self) -> Self {
        let product = i128::from(self.0) * i128::from(part.0);
        Self::exact(product.checked_div(i128::from(whole.0)).unwrap_or_default())
    }

    /// So many times the amount.
    pub fn times(self, count: i16) -> Self {
        Self::exact(i128::from(self.0) * i128::from(count))
    }

    /// Split into `count` parts that differ by one won at most and add up to it, the greater ones first.
    pub fn split(self, count: i16) -> Vec<Self> {
        let (count, parts) = (i64::from(count), usize::try_from(count).unwrap_or_default());
        let (each, over) = (self.0 / count, usize::try_from(self.0 % count).unwrap_or_default());
        (0..parts).map(|part| Self(each + i64::from(part < over))).collect()
    }

    fn exact(amount: i128) -> Self {
        Self(i64::try_from(amount).expect("fees are bounded to a million won and packages to twelve sessions"))
    }
}

impl Add for Won {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::exact(i128::from(self.0) + i128::from(other.0))
    }
}

impl Sub for Won {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::exact(i128::from(self.0) - i128::from(other.0))
    }
}

impl Sum for Won {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), Add::add)
    }
}
