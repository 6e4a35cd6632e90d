//! The results of a completed check.

use aipoten_kit::{Caller, Error, Result, Role};
use chrono::{Days, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Assessment, Finding, FollowUp, Level, Status, store};
use crate::App;
use crate::area::Area;
use crate::text::Text;

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

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Results> {
    let user = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let assessment = store::get(&mut conn, user.id, id).await?.ok_or(Error::NotFound("assessment"))?;
    if assessment.status != Status::Completed {
        return Err(Error::invalid_state(assessment.status.code()));
    }
    load(&mut conn, assessment).await
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
