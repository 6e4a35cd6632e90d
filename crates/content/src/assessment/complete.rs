//! Completing a check: scored once, in one transaction with its results and recommendations.

use std::collections::HashMap;

use aipoten_events::{Aggregate, publish};
use aipoten_kit::telemetry::count;
use aipoten_kit::{Caller, Error, Fields, Result, Role};
use aipoten_proto::content::v1::AssessmentCompleted;
use aipoten_proto::timestamp;
use anyhow::Context as _;
use metrics::counter;
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::unanswered;
use super::result::{AreaRow, Results};
use super::scoring::{self, AreaResult, Item, Outcome, Value};
use super::{Assessment, Response, Status, feedback, result, store};
use crate::{App, clock, video};

/// Completes a check, or answers the results of one that is completed already.
pub(crate) async fn complete(app: &App, caller: &Caller, id: Uuid) -> Result<Results> {
    let user = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let mut assessment = super::lock(&mut tx, user.id, id).await?;
    if assessment.status != Status::Completed {
        assessment.require_open()?;
        let responses = store::responses(&mut tx, id).await?;
        require_all_answered(&assessment, &responses)?;
        let items = items(&assessment, &responses)?;
        let outcome = scoring::score(&items);
        let red_flags = items.iter().filter(|item| item.raised().is_some()).map(|item| item.code.to_owned()).collect();
        let rows: Vec<AreaRow> = outcome.areas.iter().map(|area| row(area, &items)).collect();

        store::insert_results(&mut tx, id, &rows).await?;
        recommend(&mut tx, &assessment, &outcome).await?;
        assessment.finish(outcome, red_flags);
        store::complete(&mut tx, &assessment).await?;
        announce(&mut tx, caller, &assessment).await?;
        count(counter!("aipoten_assessments_total"), 1);
    }
    let results = result::load(&mut tx, assessment).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(results)
}

async fn announce(conn: &mut PgConnection, caller: &Caller, assessment: &Assessment) -> Result<()> {
    let event = AssessmentCompleted {
        assessment_id: assessment.id.to_string(),
        child_id: assessment.child_id.to_string(),
        user_id: assessment.user_id.to_string(),
        completed_at: assessment.completed_at.map(timestamp),
    };
    let aggregate = Aggregate { kind: "assessment", id: assessment.id, seq: assessment.version };
    publish(conn, aggregate, &event, &caller.into()).await?;
    Ok(())
}

impl Assessment {
    fn finish(&mut self, outcome: Outcome, red_flags: Vec<String>) {
        self.status = Status::Completed;
        self.follow_up = Some(outcome.overall.follow_up);
        self.causing_items.0 = outcome.overall.causes;
        self.red_flags.0 = red_flags;
        self.completed_at = Some(clock::now());
        self.version += 1;
    }
}

fn require_all_answered(assessment: &Assessment, responses: &[Response]) -> Result<()> {
    let mut fields = Fields::new();
    for question in unanswered(assessment, responses) {
        fields.violate(&format!("responses[{}]", question.id), format!("unanswered code={}", question.code));
    }
    fields.finish()
}

fn items<'a>(assessment: &'a Assessment, responses: &[Response]) -> Result<Vec<Item<'a>>> {
    let answers: HashMap<Uuid, &str> = responses.iter().map(|it| (it.question_id, it.answer.as_str())).collect();
    let item = |question: &'a super::Asked| {
        let value = answers.get(&question.id).and_then(|answer| question.value(answer));
        value.map(|value| question.item(value)).context("a saved answer is one of its question's")
    };
    assessment.question_set.iter().map(item).collect::<anyhow::Result<_>>().map_err(Error::Internal)
}

fn row(area: &AreaResult, items: &[Item<'_>]) -> AreaRow {
    let of_area = || items.iter().filter(|item| item.area == Some(area.area));
    let scored = || of_area().filter(|item| item.red_flag.is_none());
    let count = |number: usize| i16::try_from(number).unwrap_or(i16::MAX);
    AreaRow {
        area: area.area,
        score: area.score.map(scoring::Score::shown),
        level: area.level,
        follow_up: area.verdict.follow_up,
        causing_items: area.verdict.causes.clone(),
        red_flags: of_area().filter(|item| item.raised().is_some()).map(|item| item.code.to_owned()).collect(),
        answered_count: count(scored().filter(|item| item.answer != Value::NotSure).count()),
        question_count: count(scored().count()),
        feedback: feedback::feedback(area.area, area.level, area.verdict.follow_up),
        recommendations: feedback::recommendations(area.area, area.level),
    }
}

async fn recommend(conn: &mut PgConnection, assessment: &Assessment, outcome: &Outcome) -> Result<()> {
    let levels: Vec<_> = outcome.areas.iter().map(|area| (area.area, area.level)).collect();
    let months = assessment.months_used();
    let candidates = video::store::recommendation::candidates(conn, assessment.user_id, months).await?;
    let recommendations = video::recommend(&levels, months, &candidates);
    video::store::recommendation::insert(conn, assessment, &recommendations).await?;
    Ok(())
}
