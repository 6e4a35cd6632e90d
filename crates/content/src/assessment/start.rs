//! Starting a check.

use aipoten_kit::{Caller, Error, Reason, Result, Role};
use chrono::NaiveDate;
use sqlx::types::Json;
use uuid::Uuid;

use super::asked::{Asked, item_set_version};
use super::{Assessment, Status, open_for, scoring, store};
use crate::age::Age;
use crate::question::{self, CHECKED_MONTHS};
use crate::{App, child, clock, erasure};

/// Starts a check with the questions of the child's age today.
pub(crate) async fn start(app: &App, caller: &Caller, child_id: Uuid) -> Result<Assessment> {
    let user = caller.with_role(Role::Parent)?;
    let today = clock::today();
    let age = child::get(&app.children, caller, child_id).await?.birth.age_on(today);
    let age = age.filter(|age| age.months_used() >= *CHECKED_MONTHS.start());
    let age = age.ok_or_else(|| refused("CHILD_TOO_YOUNG"))?;
    if age.months_used() > *CHECKED_MONTHS.end() {
        return Err(refused("CHILD_TOO_OLD"));
    }

    let mut tx = app.pool.begin().await?;
    erasure::require_not_erased(&mut tx, child_id).await?;
    let questions = question::store::asked_at(&mut tx, age.months_used()).await?;
    let assessment = fix(user.id, child_id, today, &age, questions.into_iter().map(Asked::from).collect())?;
    store::cancel_expired(&mut tx, child_id, clock::now() - open_for()).await?;
    let item_set = item_set_version(&assessment.question_set);
    if !store::insert(&mut tx, &assessment, caller.locale.as_str(), &item_set).await? {
        let open = store::in_progress(&mut tx, child_id).await?;
        return Err(already_open(open));
    }
    tx.commit().await?;
    Ok(assessment)
}

fn fix(user_id: Uuid, child_id: Uuid, today: NaiveDate, age: &Age, questions: Vec<Asked>) -> Result<Assessment> {
    let months = |months: i32| i16::try_from(months).map_err(|error| Error::Internal(error.into()));
    Ok(Assessment {
        id: Uuid::now_v7(),
        child_id,
        user_id,
        assessment_date: today,
        age_in_months: months(age.chronological_months)?,
        corrected_age_in_months: age.corrected_months.map(months).transpose()?,
        status: Status::InProgress,
        question_set: Json(questions),
        rule_version: scoring::RULE_VERSION.to_owned(),
        follow_up: None,
        causing_items: Json(Vec::new()),
        red_flags: Json(Vec::new()),
        completed_at: None,
        created_at: clock::now(),
        version: 1,
    })
}

fn refused(reason: &'static str) -> Error {
    let [min, max] = [CHECKED_MONTHS.start(), CHECKED_MONTHS.end()].map(ToString::to_string);
    Error::FailedPrecondition(Reason::from(reason).with("min", min).with("max", max))
}

/// The open one may have been completed or cancelled a moment ago: then there is no id to tell.
fn already_open(open: Option<Uuid>) -> Error {
    let reason = Reason::from("ASSESSMENT_IN_PROGRESS");
    Error::AlreadyExists(match open {
        Some(id) => reason.with("assessment_id", id.to_string()),
        None => reason,
    })
}
