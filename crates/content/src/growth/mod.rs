//! Growth of a child: what was measured on a day, and how it compares.

mod drawing;
pub(crate) mod grpc;
mod latest;
pub(crate) mod store;
mod who;

use aipoten_kit::{Caller, Error, Fields, Page, Result, Role};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use uuid::Uuid;

pub(crate) use latest::{Latest, latest};
use who::{Indicator, Measured, Position};
pub(crate) use who::{Score, Sex, Unscored};

use crate::age::{Age, Basis};
use crate::child::{self, Child};
use crate::{App, clock, erasure};

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Measurement {
    pub(crate) id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) measured_on: NaiveDate,
    pub(crate) height_mm: Option<i32>,
    pub(crate) position: Option<Position>,
    pub(crate) weight_g: Option<i32>,
    pub(crate) head_mm: Option<i32>,
    pub(crate) age_days: i32,
    /// Where the scores use it.
    pub(crate) corrected_age_days: Option<i32>,
    pub(crate) scores: Json<Vec<Score>>,
    pub(crate) unscored_reason: Option<Unscored>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a parent measured.
#[derive(Debug)]
pub(crate) struct NewMeasurement {
    pub(crate) child_id: Uuid,
    /// `None`: today.
    pub(crate) measured_on: Option<NaiveDate>,
    pub(crate) height_mm: Option<i32>,
    pub(crate) position: Option<Position>,
    pub(crate) weight_g: Option<i32>,
    pub(crate) head_mm: Option<i32>,
    /// Keeps values that look like an error of entry.
    pub(crate) confirmed: bool,
}

/// One indicator of one child: the standard's lines and the child's own points, as (age in days, value).
pub(crate) struct Chart {
    pub(crate) lines: Vec<(u8, Vec<(i64, f64)>)>,
    pub(crate) points: Vec<(i64, f64)>,
}

pub(crate) async fn record(app: &App, caller: &Caller, new: NewMeasurement) -> Result<Measurement> {
    let user = caller.with_role(Role::Parent)?;
    let child = child::get(&app.children, caller, new.child_id).await?;
    let measured_on = new.measured_on.unwrap_or_else(clock::today);
    let age = age_when_measured(&child, measured_on)?;

    let mut tx = app.pool.begin().await?;
    erasure::require_not_erased(&mut tx, new.child_id).await?;
    store::one_at_a_time(&mut tx, new.child_id).await?;
    let earlier = store::of_day(&mut tx, new.child_id, measured_on).await?;
    let measurement = compare(user.id, &new, measured_on, earlier.as_ref(), &child, &age)?;
    if !new.confirmed {
        measurement.require_plausible()?;
    }
    store::upsert(&mut tx, &measurement).await?;
    tx.commit().await?;
    Ok(measurement)
}

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    child_id: Uuid,
    page: Page,
    oldest_first: bool,
) -> Result<(Vec<Measurement>, i64)> {
    caller.with_role(Role::Parent)?;
    child::get(&app.children, caller, child_id).await?;
    let mut conn = app.pool.acquire().await?;
    let measurements = store::page(&mut conn, child_id, page, oldest_first).await?;
    let total = store::count(&mut conn, child_id).await?;
    Ok((measurements, total))
}

pub(crate) async fn chart(app: &App, caller: &Caller, child_id: Uuid, indicator: Indicator) -> Result<Chart> {
    caller.with_role(Role::Parent)?;
    let child = child::get(&app.children, caller, child_id).await?;
    let sex = child.sex.ok_or_else(|| Error::invalid_state("gender_not_stated"))?;
    let measurements = store::all(&mut *app.pool.acquire().await?, child_id).await?;
    let point = |measurement: &Measurement| {
        let measured = measurement.measured(Some(sex));
        Some((measured.age_days, measured.value(indicator)?))
    };
    let points = measurements.iter().filter_map(point).filter(|(days, _)| (0..=who::LAST_DAY).contains(days)).collect();
    Ok(Chart { lines: indicator.lines(sex), points })
}

fn age_when_measured(child: &Child, measured_on: NaiveDate) -> Result<Age> {
    if measured_on > clock::today() {
        return Err(Error::invalid("measured_on", "in_the_future"));
    }
    child.birth.age_on(measured_on).ok_or_else(|| Error::invalid("measured_on", "before_birth"))
}

/// The measurement of a day: what is new in it replaces what was there.
fn compare(
    user_id: Uuid,
    new: &NewMeasurement,
    measured_on: NaiveDate,
    earlier: Option<&Measurement>,
    child: &Child,
    age: &Age,
) -> Result<Measurement> {
    let now = clock::now();
    let days = |days: i64| i32::try_from(days).map_err(|error| Error::Internal(error.into()));
    let mut measurement = Measurement {
        id: earlier.map_or_else(Uuid::now_v7, |earlier| earlier.id),
        child_id: new.child_id,
        user_id,
        measured_on,
        height_mm: new.height_mm.or_else(|| earlier?.height_mm),
        position: if new.height_mm.is_some() { new.position } else { earlier.and_then(|it| it.position) },
        weight_g: new.weight_g.or_else(|| earlier?.weight_g),
        head_mm: new.head_mm.or_else(|| earlier?.head_mm),
        age_days: days(age.days)?,
        corrected_age_days: (age.basis() == Basis::Corrected).then(|| days(age.days_used())).transpose()?,
        scores: Json(Vec::new()),
        unscored_reason: None,
        created_at: earlier.map_or(now, |earlier| earlier.created_at),
        updated_at: now,
    };
    match measurement.measured(child.sex).scores() {
        Ok(scores) => measurement.scores.0 = scores,
        Err(reason) => measurement.unscored_reason = Some(reason),
    }
    Ok(measurement)
}

impl Measurement {
    fn measured(&self, sex: Option<Sex>) -> Measured {
        Measured {
            age_days: self.corrected_age_days.unwrap_or(self.age_days).into(),
            sex,
            height_mm: self.height_mm,
            position: self.position,
            weight_g: self.weight_g,
            head_mm: self.head_mm,
        }
    }

    /// Names every value that WHO takes for an error of entry.
    fn require_plausible(&self) -> Result<()> {
        let mut fields = Fields::new();
        let doubted = |fields: &[Indicator]| {
            self.scores.iter().any(|score| fields.contains(&score.indicator) && !score.is_plausible())
        };
        let height = doubted(&[Indicator::LengthHeightForAge]);
        let weight = doubted(&[Indicator::WeightForAge]);
        let proportion = doubted(&[Indicator::BmiForAge, Indicator::WeightForLength, Indicator::WeightForHeight]);
        // Height and weight that do not go together: either may be wrong, unless one is doubtful by itself.
        let either = proportion && !height && !weight;
        fields.check(!(height || either), "height_mm", "implausible");
        fields.check(!(weight || either), "weight_g", "implausible");
        fields.check(!doubted(&[Indicator::HeadCircumferenceForAge]), "head_mm", "implausible");
        fields.finish()
    }
}
