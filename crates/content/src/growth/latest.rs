//! The newest value of everything that was ever measured of a child.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::who::{Indicator, Score, Unscored};
use super::{Measurement, store};

/// The newest value of one indicator.
pub(crate) struct Latest {
    pub(crate) indicator: Indicator,
    pub(crate) measured_on: NaiveDate,
    /// In the indicator's unit.
    pub(crate) value: f64,
    pub(crate) score: Option<Score>,
    pub(crate) unscored_reason: Option<Unscored>,
}

/// In the order in which they are shown; what was never measured is left out.
pub(crate) async fn latest(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<Vec<Latest>> {
    const SHOWN: [Indicator; 4] = [
        Indicator::LengthHeightForAge,
        Indicator::WeightForAge,
        Indicator::HeadCircumferenceForAge,
        Indicator::BmiForAge,
    ];
    let measurements = store::all(conn, child_id).await?;
    let newest = |indicator| measurements.iter().rev().find_map(|measurement| measurement.latest(indicator));
    Ok(SHOWN.into_iter().filter_map(newest).collect())
}

impl Measurement {
    fn latest(&self, indicator: Indicator) -> Option<Latest> {
        Some(Latest {
            indicator,
            measured_on: self.measured_on,
            value: self.measured(None).value(indicator)?,
            score: self.scores.iter().copied().find(|score| score.indicator == indicator),
            unscored_reason: self.unscored_reason,
        })
    }
}
