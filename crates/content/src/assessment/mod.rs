//! Development checks of a child: started, answered, completed once, never scored again.

mod answer;
mod asked;
mod complete;
mod drawing;
mod feedback;
mod follow_up;
pub(crate) mod grpc;
mod report;
mod result;
mod scoring;
mod start;
pub(crate) mod store;

use aipoten_kit::{Caller, Error, Page, Result, Role};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

pub(crate) use asked::Asked;
pub(crate) use feedback::advice;
pub(crate) use follow_up::{Finding, FollowUp};
pub(crate) use scoring::{AnswerType, Choice, Level};

use crate::age::Basis;
use crate::area::Area;
use crate::{App, child, clock};

/// A check that is not completed within this time describes a child that has grown on.
fn open_for() -> TimeDelta {
    TimeDelta::days(30)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    #[default]
    InProgress,
    Completed,
    Cancelled,
}

#[derive(Debug, Clone)]
pub(crate) struct Assessment {
    pub(crate) id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) assessment_date: NaiveDate,
    pub(crate) age_in_months: i16,
    pub(crate) corrected_age_in_months: Option<i16>,
    pub(crate) status: Status,
    pub(crate) question_set: Json<Vec<Asked>>,
    pub(crate) rule_version: String,
    pub(crate) follow_up: Option<FollowUp>,
    pub(crate) causing_items: Json<Vec<Finding>>,
    pub(crate) red_flags: Json<Vec<String>>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// A check in a list.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Summary {
    pub(crate) id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) assessment_date: NaiveDate,
    pub(crate) age_in_months: i16,
    pub(crate) corrected_age_in_months: Option<i16>,
    pub(crate) status: Status,
    pub(crate) follow_up: Option<FollowUp>,
    pub(crate) answered_count: i64,
    pub(crate) question_count: i16,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
}

/// Which of the caller's checks are wanted.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) child_id: Option<Uuid>,
    pub(crate) status: Option<Status>,
    pub(crate) order_by: &'static str,
}

/// An answer that was saved.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) question_id: Uuid,
    pub(crate) answer: String,
}

/// One area of one completed check.
#[derive(Debug)]
pub(crate) struct ProgressRow {
    pub(crate) assessment_id: Uuid,
    pub(crate) assessment_date: NaiveDate,
    pub(crate) age_in_months: i16,
    pub(crate) corrected_age_in_months: Option<i16>,
    pub(crate) overall: FollowUp,
    pub(crate) area: Area,
    pub(crate) score: Option<f64>,
    pub(crate) level: Level,
    pub(crate) follow_up: FollowUp,
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<(Assessment, Vec<Response>)> {
    let user = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let assessment = store::get(&mut conn, user.id, id).await?.ok_or(Error::NotFound("assessment"))?;
    let responses = store::responses(&mut conn, id).await?;
    Ok((assessment, responses))
}

pub(crate) async fn list(app: &App, caller: &Caller, page: Page, filter: Filter) -> Result<(Vec<Summary>, i64)> {
    let user = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let assessments = store::page(&mut conn, user.id, page, &filter).await?;
    let total = store::count(&mut conn, user.id, &filter).await?;
    Ok((assessments, total))
}

/// Gives a check up. What was answered is erased: it will never become a result.
pub(crate) async fn cancel(
    app: &App,
    caller: &Caller,
    id: Uuid,
    expected_version: Option<i64>,
) -> Result<(Assessment, Vec<Response>)> {
    let user = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let mut assessment = lock(&mut tx, user.id, id).await?;
    Error::unless_version(expected_version, assessment.version)?;
    if assessment.status != Status::InProgress {
        return Err(Error::invalid_state(assessment.status.code()));
    }
    store::erase_responses(&mut tx, id).await?;
    assessment.version = store::cancel(&mut tx, id).await?;
    assessment.status = Status::Cancelled;
    tx.commit().await?;
    Ok((assessment, Vec::new()))
}

/// The areas of a child's completed checks, the oldest check first; for its parent and for therapists who see the child.
pub(crate) async fn progress(app: &App, caller: &Caller, child_id: Uuid) -> Result<Vec<ProgressRow>> {
    child::get(&app.children, caller, child_id).await?;
    let mut tx = app.pool.begin().await?;
    let rows = store::progress(&mut tx, child_id).await?;
    child::log_access(&mut tx, caller, child_id, &["assessment_results"], "GetChildProgress").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(rows)
}

async fn lock(conn: &mut PgConnection, user_id: Uuid, id: Uuid) -> Result<Assessment> {
    store::lock(conn, user_id, id).await?.ok_or(Error::NotFound("assessment"))
}

impl Status {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Assessment {
    pub(crate) fn basis(&self) -> Basis {
        Basis::of(self.age_in_months.into(), self.corrected_age_in_months.is_some())
    }

    /// The completed months that selected the questions.
    pub(crate) fn months_used(&self) -> i32 {
        match (self.basis(), self.corrected_age_in_months) {
            (Basis::Corrected, Some(months)) => months.into(),
            _ => self.age_in_months.into(),
        }
    }

    pub(crate) fn expires_at(&self) -> DateTime<Utc> {
        self.created_at + open_for()
    }

    pub(crate) fn question(&self, code: &str) -> Option<&Asked> {
        self.question_set.iter().find(|question| question.code == code)
    }

    /// Fails unless answers are still taken.
    fn require_open(&self) -> Result<()> {
        if self.status != Status::InProgress {
            return Err(Error::invalid_state(self.status.code()));
        }
        if self.expires_at() < clock::now() {
            return Err(Error::FailedPrecondition("ASSESSMENT_EXPIRED".into()));
        }
        Ok(())
    }
}
