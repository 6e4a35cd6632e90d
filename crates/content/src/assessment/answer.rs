//! Answering a check: in any order, one or many, again at will.

use std::collections::HashSet;

use aipoten_kit::{Caller, Fields, Result, Role};
use uuid::Uuid;

use super::scoring::Value;
use super::{Assessment, Response, store};
use crate::App;

/// Where a check stands after answers were saved.
pub(crate) struct Saved {
    pub(crate) question_count: usize,
    /// Questions still to answer, in the order they are asked.
    pub(crate) unanswered: Vec<Uuid>,
    pub(crate) version: i64,
}

/// An answer with what it counts; `None` for `not_sure`.
pub(crate) struct Valued {
    pub(crate) question_id: Uuid,
    pub(crate) answer: String,
    pub(crate) value: Option<i16>,
}

/// Saves all answers or none.
pub(crate) async fn save(app: &App, caller: &Caller, id: Uuid, responses: Vec<Response>) -> Result<Saved> {
    let user = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let assessment = super::lock(&mut tx, user.id, id).await?;
    assessment.require_open()?;
    let valued = value(&assessment, responses)?;
    store::save_responses(&mut tx, id, user.id, caller.locale.as_str(), &valued).await?;
    let version = store::touch(&mut tx, id).await?;
    let answered = store::responses(&mut tx, id).await?;
    tx.commit().await?;

    let unanswered = unanswered(&assessment, &answered).map(|question| question.id).collect();
    Ok(Saved { question_count: assessment.question_set.len(), unanswered, version })
}

/// The questions without an answer, in the order they are asked.
pub(crate) fn unanswered<'a>(
    assessment: &'a Assessment,
    responses: &[Response],
) -> impl Iterator<Item = &'a super::Asked> {
    let answered: HashSet<Uuid> = responses.iter().map(|response| response.question_id).collect();
    assessment.question_set.iter().filter(move |question| !answered.contains(&question.id))
}

fn value(assessment: &Assessment, responses: Vec<Response>) -> Result<Vec<Valued>> {
    let mut fields = Fields::new();
    let mut seen = HashSet::new();
    let mut valued = Vec::new();
    for (index, Response { question_id, answer }) in responses.into_iter().enumerate() {
        let path = |field: &str| format!("responses[{index}].{field}");
        fields.check(seen.insert(question_id), &path("question_id"), "duplicate");
        let Some(question) = assessment.question_set.iter().find(|question| question.id == question_id) else {
            fields.violate(&path("question_id"), "not_in_this_check");
            continue;
        };
        match question.value(&answer) {
            None => fields.violate(&path("answer"), "not_an_answer"),
            Some(Value::NotSure) => valued.push(Valued { question_id, answer, value: None }),
            Some(Value::Hundredths(value)) => valued.push(Valued { question_id, answer, value: Some(value.into()) }),
        }
    }
    fields.finish()?;
    Ok(valued)
}
