//! The results of a completed check.

use aipoten_kit::{Caller, Error, Result};
use chrono::{Days, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Assessment, Finding, FollowUp, Level, Status, store};
use crate::area::Area;
use crate::text::Text;
use crate::{App, child};

/// A completed check with its areas, worst first.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) assessment: Assessment,
    pub(crate) areas: Vec<AreaRow>,
}

/// How one area came out, as it is kept.
#[derive(Debug)]
pub(crate) struct AreaRow {
    pub(crate) area: Area,
    pub(crate) score: Option<f64>,
    pub(crate) level: Level,
    pub(crate) follow_up: FollowUp,
    pub(crate) causing_items: Vec<Finding>,
    /// Codes of the red flags whose sign is present.
    pub(crate) red_flags: Vec<String>,
    pub(crate) answered_count: i16,
    pub(crate) question_count: i16,
    pub(crate) feedback: Text,
    pub(crate) recommendations: Text,
}

/// For the child's parent and for therapists who see the child.
pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Results> {
    let child_id = visible_child(app, caller, id).await?;
    let mut tx = app.pool.begin().await?;
    let assessment = store::of_child(&mut tx, child_id, id).await?.ok_or_else(not_found)?;
    if assessment.status != Status::Completed {
        return Err(Error::invalid_state(assessment.status.code()));
    }
    let results = load(&mut tx, assessment).await?;
    child::log_access(&mut tx, caller, child_id, &["assessment_results"], "GetAssessmentResults").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(results)
}

/// The child of a check that the caller sees: a parent's own checks, else what identity says. No connection is held meanwhile.
async fn visible_child(app: &App, caller: &Caller, id: Uuid) -> Result<Uuid> {
    let user = caller.user()?;
    let (child_id, user_id) = store::whose(&mut *app.pool.acquire().await?, id).await?.ok_or_else(not_found)?;
    if user_id != user.id {
        child::get(&app.children, caller, child_id).await.map_err(|error| match error {
            Error::NotFound(_) => not_found(),
            error => error,
        })?;
    }
    Ok(child_id)
}

fn not_found() -> Error {
    Error::NotFound("assessment")
}

pub(crate) async fn load(conn: &mut PgConnection, assessment: Assessment) -> Result<Results> {
    let areas = store::results(conn, assessment.id).await?;
    Ok(Results { assessment, areas })
}

impl Results {
    /// 4 to 8 weeks after the check, where something is to be watched.
    pub(crate) fn check_again(&self) -> Option<(NaiveDate, NaiveDate)> {
        let weeks = |weeks: u64| self.assessment.assessment_date.checked_add_days(Days::new(weeks * 7));
        if self.assessment.follow_up == Some(FollowUp::Watch) { weeks(4).zip(weeks(8)) } else { None }
    }
}
