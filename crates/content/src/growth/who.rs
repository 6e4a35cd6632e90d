//! The WHO Child Growth Standards, 2006: z-scores and percentiles from L, M and S.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The standards end on the day a child is five years old.
pub(crate) const LAST_DAY: i64 = 1826;
/// From this day on children are measured standing, before it lying.
const STANDING_FROM_DAY: i64 = 731;
/// A child is this much longer lying than standing.
const LYING_EXCESS_MM: i32 = 7;
/// The z-scores of the chart's lines: percentiles 3, 15, 50, 85 and 97.
const CHART_LINES: [(u8, f64); 5] =
    [(3, -1.880_793_6), (15, -1.036_433_4), (50, 0.0), (85, 1.036_433_4), (97, 1.880_793_6)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Male,
    Female,
}

/// How the length or height was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Position {
    Lying,
    Standing,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Indicator {
    #[default]
    WeightForAge,
    LengthHeightForAge,
    HeadCircumferenceForAge,
    BmiForAge,
    WeightForLength,
    WeightForHeight,
}

/// What was measured of a child of this many days (corrected where due).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) age_days: i64,
    pub(crate) sex: Option<Sex>,
    pub(crate) height_mm: Option<i32>,
    /// `None`: as is usual at that age.
    pub(crate) position: Option<Position>,
    pub(crate) weight_g: Option<i32>,
    pub(crate) head_mm: Option<i32>,
}

/// A z-score with the indicator it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) indicator: Indicator,
    pub(crate) z: f64,
}

/// Why a measurement has no z-scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Unscored {
    GenderNotStated,
    BeforeDueDate,
    OverFiveYears,
}

impl Score {
    /// The share of children below this z-score, 0 to 100.
    pub(crate) fn percentile(&self) -> f64 {
        100.0 * normal_cdf(self.z)
    }

    /// The percentile as people see it: one decimal, "<0.1" or ">99.9" at the ends.
    pub(crate) fn percentile_text(&self) -> String {
        match self.percentile() {
            low if low < 0.1 => "<0.1".to_owned(),
            high if high > 99.9 => ">99.9".to_owned(),
            percentile => format!("{percentile:.1}"),
        }
    }

    /// Whether WHO takes the value for a real one; beyond the limits an entry is to be checked.
    pub(crate) fn is_plausible(&self) -> bool {
        let (low, high) = match self.indicator {
            Indicator::WeightForAge => (-6.0, 5.0),
            Indicator::LengthHeightForAge => (-6.0, 6.0),
            _ => (-5.0, 5.0),
        };
        (low..=high).contains(&self.z)
    }
}

impl Measured {
    /// The z-scores of everything measured, or why there are none.
    /// A length outside the weight-for-length table leaves only that score out.
    pub(crate) fn scores(&self) -> Result<Vec<Score>, Unscored> {
        let sex = self.sex.ok_or(Unscored::GenderNotStated)?;
        match self.age_days {
            ..0 => return Err(Unscored::BeforeDueDate),
            0..=LAST_DAY => {}
            _ => return Err(Unscored::OverFiveYears),
        }
        let by_size =
            if self.age_days < STANDING_FROM_DAY { Indicator::WeightForLength } else { Indicator::WeightForHeight };
        let size = self.height_as_usual_mm().map(i64::from);
        let compared = [
            (Indicator::WeightForAge, Some(self.age_days)),
            (Indicator::LengthHeightForAge, Some(self.age_days)),
            (Indicator::HeadCircumferenceForAge, Some(self.age_days)),
            (Indicator::BmiForAge, Some(self.age_days)),
            (by_size, size),
        ];
        Ok(compared
            .into_iter()
            .filter_map(|(indicator, index)| {
                Some(Score { indicator, z: indicator.z(sex, index?, self.value(indicator)?)? })
            })
            .collect())
    }

    /// What an indicator compares, in kg, cm or kg/m².
    pub(crate) fn value(&self, indicator: Indicator) -> Option<f64> {
        let kilograms = self.weight_g.map(|grams| f64::from(grams) / 1000.0);
        let height_cm = self.height_as_usual_mm().map(|mm| f64::from(mm) / 10.0);
        match indicator {
            Indicator::WeightForAge | Indicator::WeightForLength | Indicator::WeightForHeight => kilograms,
            Indicator::LengthHeightForAge => height_cm,
            Indicator::HeadCircumferenceForAge => self.head_mm.map(|mm| f64::from(mm) / 10.0),
            Indicator::BmiForAge => kilograms.zip(height_cm).map(|(kg, cm)| kg / (cm / 100.0).powi(2)),
        }
    }

    /// The length below 731 days, the height from then on, whichever way it was measured.
    fn height_as_usual_mm(&self) -> Option<i32> {
        let usual = if self.age_days < STANDING_FROM_DAY { Position::Lying } else { Position::Standing };
        let correction = match (self.position.unwrap_or(usual), usual) {
            (Position::Standing, Position::Lying) => LYING_EXCESS_MM,
            (Position::Lying, Position::Standing) => -LYING_EXCESS_MM,
            _ => 0,
        };
        self.height_mm.map(|mm| mm + correction)
    }
}

impl Indicator {
    /// The z-score of a value (kg, cm or kg/m²) in the row of an age in days or a length in millimetres;
    /// `None` where the table has no such row.
    pub(crate) fn z(self, sex: Sex, index: i64, value: f64) -> Option<f64> {
        let lms = self.table().row(sex, index)?;
        let z = lms.z(value);
        Some(if self.is_weight_based() { lms.beyond_three(z, value) } else { z })
    }

    /// The chart's lines over the first five years: percentile and points (age in days, value), one a month.
    pub(crate) fn lines(self, sex: Sex) -> Vec<(u8, Vec<(i64, f64)>)> {
        let days = || (0..LAST_DAY).step_by(30).chain([LAST_DAY]);
        let point = |z: f64| move |day| Some((day, self.table().row(sex, day)?.value_at(z)));
        CHART_LINES.into_iter().map(|(percentile, z)| (percentile, days().filter_map(point(z)).collect())).collect()
    }

    fn is_weight_based(self) -> bool {
        !matches!(self, Self::LengthHeightForAge | Self::HeadCircumferenceForAge)
    }

    fn table(self) -> &'static Table {
        match self {
            Self::WeightForAge => &WEIGHT_FOR_AGE,
            Self::LengthHeightForAge => &LENGTH_HEIGHT_FOR_AGE,
            Self::HeadCircumferenceForAge => &HEAD_CIRCUMFERENCE_FOR_AGE,
            Self::BmiForAge => &BMI_FOR_AGE,
            Self::WeightForLength => &WEIGHT_FOR_LENGTH,
            Self::WeightForHeight => &WEIGHT_FOR_HEIGHT,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Lms {
    l: f64,
    m: f64,
    s: f64,
}

impl Lms {
    fn z(self, value: f64) -> f64 {
        let ratio = value / self.m;
        if self.l == 0.0 { ratio.ln() / self.s } else { (ratio.powf(self.l) - 1.0) / (self.l * self.s) }
    }

    fn value_at(self, z: f64) -> f64 {
        if self.l == 0.0 {
            self.m * (self.s * z).exp()
        } else {
            self.m * (1.0 + self.l * self.s * z).powf(1.0 / self.l)
        }
    }

    /// Weights spread so unevenly that WHO counts beyond 3 in steps of the last whole one.
    fn beyond_three(self, z: f64, value: f64) -> f64 {
        if z.abs() <= 3.0 {
            return z;
        }
        let end = 3.0_f64.copysign(z);
        let step = (self.value_at(end) - self.value_at(end - 1.0_f64.copysign(z))).abs();
        end + (value - self.value_at(end)) / step
    }
}

/// The rows of one indicator, male and female, without a gap from the first index on.
struct Table {
    first: i64,
    rows: Vec<[Lms; 2]>,
}

impl Table {
    fn parse(text: &str) -> Self {
        let mut rows = text.lines().skip(1).map(|line| {
            let mut numbers = line.split(',').map(|cell| cell.parse::<f64>().expect("a shipped table holds numbers"));
            std::array::from_fn::<f64, 7, _>(|_| numbers.next().expect("a shipped table has seven columns"))
        });
        let lms = |row: [f64; 7]| [Lms { l: row[1], m: row[2], s: row[3] }, Lms { l: row[4], m: row[5], s: row[6] }];
        let head = rows.next().expect("a shipped table has rows");
        #[expect(clippy::cast_possible_truncation, reason = "the first index is a small whole number")]
        let first = head[0] as i64;
        Self { first, rows: std::iter::once(head).chain(rows).map(lms).collect() }
    }

    fn row(&self, sex: Sex, index: i64) -> Option<Lms> {
        let row = usize::try_from(index - self.first).ok()?;
        self.rows.get(row).map(|pair| match sex {
            Sex::Male => pair[0],
            Sex::Female => pair[1],
        })
    }
}

static WEIGHT_FOR_AGE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/growth/who_weight_for_age.csv")));
static LENGTH_HEIGHT_FOR_AGE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/growth/who_length_height_for_age.csv")));
static HEAD_CIRCUMFERENCE_FOR_AGE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/growth/who_head_circumference_for_age.csv")));
static BMI_FOR_AGE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/growth/who_bmi_for_age.csv")));
static WEIGHT_FOR_LENGTH: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/growth/who_weight_for_length.csv")));
static WEIGHT_FOR_HEIGHT: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/growth/who_weight_for_height.csv")));

/// The standard normal distribution, within 0.0000001 (a Chebyshev fit of the error function).
fn normal_cdf(z: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = FIT.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = 0.5 * t * (polynomial - x * x).exp();
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WITHOUT_VALUES: Measured = Measured {
        age_days: 365,
        sex: Some(Sex::Female),
        height_mm: None,
        position: None,
        weight_g: None,
        head_mm: None,
    };

    fn indicator(name: &str) -> Indicator {
        match name {
            "weight_for_age" => Indicator::WeightForAge,
            "length_height_for_age" => Indicator::LengthHeightForAge,
            "head_circumference_for_age" => Indicator::HeadCircumferenceForAge,
            "bmi_for_age" => Indicator::BmiForAge,
            other => panic!("unknown indicator {other}"),
        }
    }

    fn z_of(measured: &Measured, indicator: Indicator) -> Option<f64> {
        measured.scores().expect("scores").into_iter().find(|score| score.indicator == indicator).map(|score| score.z)
    }

    #[test]
    fn every_golden_z_score_agrees_within_a_hundredth() {
        let mut rows = csv::Reader::from_reader(include_bytes!("../../data/growth/who_test_vectors.csv").as_slice());
        let mut seen = 0;
        for row in rows.records() {
            let row = row.expect("a readable row");
            let sex = if &row[1] == "male" { Sex::Male } else { Sex::Female };
            let number = |column: usize| row[column].parse::<f64>().expect("a number");
            let indicator = indicator(&row[0]);
            let z = indicator.z(sex, row[2].parse().expect("days"), number(3)).expect("a row");
            assert!((z - number(4)).abs() <= 0.01, "{row:?}: {z}");
            let percentile = Score { indicator, z }.percentile();
            assert!((percentile - number(5)).abs() < 0.1, "{row:?}: {percentile}");
            seen += 1;
        }
        assert_eq!(seen, 102);
    }

    #[test]
    fn a_length_and_a_height_of_the_same_child_score_the_same() {
        for age_days in [700, 800] {
            let child = Measured { age_days, weight_g: Some(12_000), ..WITHOUT_VALUES };
            let lying = Measured { height_mm: Some(867), position: Some(Position::Lying), ..child };
            let standing = Measured { height_mm: Some(860), position: Some(Position::Standing), ..child };
            assert_eq!(lying.scores(), standing.scores(), "{age_days}");
        }
    }

    #[test]
    fn without_a_position_the_usual_one_of_the_age_is_meant() {
        for (age_days, usual) in [(730, Position::Lying), (731, Position::Standing)] {
            let unsaid = Measured { age_days, height_mm: Some(870), ..WITHOUT_VALUES };
            assert_eq!(unsaid.scores(), Measured { position: Some(usual), ..unsaid }.scores());
        }
    }

    #[test]
    fn weight_for_length_follows_the_shipped_rows() {
        let boy = |age_days, height_mm, weight_g| Measured {
            age_days,
            sex: Some(Sex::Male),
            height_mm: Some(height_mm),
            weight_g: Some(weight_g),
            ..WITHOUT_VALUES
        };
        let near_zero = |z: Option<f64>| z.is_some_and(|z| z.abs() < 0.01);
        assert!(near_zero(z_of(&boy(10, 450, 2441), Indicator::WeightForLength)));
        assert!(near_zero(z_of(&boy(800, 651, 7456), Indicator::WeightForHeight)));
        assert_eq!(z_of(&boy(10, 449, 2441), Indicator::WeightForLength), None);
        assert_eq!(z_of(&boy(10, 1101, 2441), Indicator::WeightForLength), None);
    }

    #[test]
    fn without_a_gender_or_an_age_in_the_standards_the_reason_is_given() {
        let child = Measured { weight_g: Some(9000), ..WITHOUT_VALUES };
        assert_eq!(Measured { sex: None, ..child }.scores(), Err(Unscored::GenderNotStated));
        assert_eq!(Measured { age_days: -1, ..child }.scores(), Err(Unscored::BeforeDueDate));
        assert_eq!(Measured { age_days: 1827, ..child }.scores(), Err(Unscored::OverFiveYears));
        assert!(Measured { age_days: 1826, ..child }.scores().is_ok());
    }

    #[test]
    fn only_what_was_measured_is_scored() {
        assert_eq!(WITHOUT_VALUES.scores(), Ok(vec![]));
        let head = Measured { head_mm: Some(450), ..WITHOUT_VALUES };
        assert_eq!(head.scores().expect("scores").len(), 1);
    }

    #[test]
    fn the_ends_of_the_percentiles_are_shown_as_bounds() {
        let text = |z| Score { indicator: Indicator::WeightForAge, z }.percentile_text();
        assert_eq!([text(-3.2), text(-3.0), text(0.0), text(3.0), text(3.2)], ["<0.1", "0.1", "50.0", "99.9", ">99.9"]);
    }

    #[test]
    fn the_limits_of_plausible_values_are_those_of_who() {
        let plausible = |indicator, z| Score { indicator, z }.is_plausible();
        assert!(plausible(Indicator::WeightForAge, -6.0) && !plausible(Indicator::WeightForAge, -6.01));
        assert!(plausible(Indicator::WeightForAge, 5.0) && !plausible(Indicator::WeightForAge, 5.01));
        assert!(plausible(Indicator::LengthHeightForAge, 6.0) && !plausible(Indicator::LengthHeightForAge, 6.01));
        assert!(!plausible(Indicator::BmiForAge, -5.01) && !plausible(Indicator::WeightForLength, 5.01));
        assert!(
            plausible(Indicator::HeadCircumferenceForAge, 5.0) && !plausible(Indicator::HeadCircumferenceForAge, 5.01)
        );
    }

    #[test]
    fn the_chart_runs_from_birth_to_five_years_without_crossing_lines() {
        let lines = Indicator::BmiForAge.lines(Sex::Female);
        assert_eq!(lines.iter().map(|(percentile, _)| *percentile).collect::<Vec<_>>(), [3, 15, 50, 85, 97]);
        for (_, points) in &lines {
            assert_eq!(points.first().map(|(day, _)| *day), Some(0));
            assert_eq!(points.last().map(|(day, _)| *day), Some(LAST_DAY));
        }
        for (lower, upper) in lines.iter().zip(&lines[1..]) {
            assert!(lower.1.iter().zip(&upper.1).all(|((_, low), (_, high))| low < high));
        }
    }

    #[test]
    fn the_chart_lines_lie_at_their_percentiles() {
        for (percentile, z) in CHART_LINES {
            assert!((100.0 * normal_cdf(z) - f64::from(percentile)).abs() < 0.001, "{percentile}");
        }
    }

    proptest! {
        #[test]
        fn a_value_drawn_at_a_z_score_scores_that_z(day in 0_i64..=LAST_DAY, z in -5.0_f64..5.0, male: bool) {
            let sex = if male { Sex::Male } else { Sex::Female };
            for indicator in [Indicator::LengthHeightForAge, Indicator::HeadCircumferenceForAge] {
                let value = indicator.table().row(sex, day).expect("a row").value_at(z);
                prop_assert!((indicator.z(sex, day, value).expect("a row") - z).abs() < 1e-6);
            }
            let z = z.clamp(-3.0, 3.0);
            let value = Indicator::WeightForAge.table().row(sex, day).expect("a row").value_at(z);
            prop_assert!((Indicator::WeightForAge.z(sex, day, value).expect("a row") - z).abs() < 1e-6);
        }

        #[test]
        fn a_heavier_child_never_scores_lower(day in 0_i64..=LAST_DAY, grams in 500_i32..60_000, more in 1_i32..5_000) {
            let z = |grams: i32| Indicator::WeightForAge.z(Sex::Male, day, f64::from(grams) / 1000.0).expect("a row");
            prop_assert!(z(grams) < z(grams + more));
        }
    }
}
