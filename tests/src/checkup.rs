//! A development check as a parent's app goes through it: start, answer, leave, come back, complete.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::Api;

/// What a parent answers to one question.
pub(crate) type Answering = fn(area: &str, number_in_area: usize, code: &str, is_red_flag: bool) -> &'static str;

/// A started check: its questions and what will be answered.
pub(crate) struct Checkup {
    pub(crate) check: Value,
    /// Question, area, answer; red flags have their area too, but never count.
    answers: Vec<Planned>,
}

struct Planned {
    question_id: String,
    area: String,
    is_red_flag: bool,
    answer: &'static str,
}

/// Score and number of items that are not yet, of one area.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    sum: f64,
    answered: f64,
    pub(crate) not_yet: usize,
}

impl Expected {
    /// 0 to 100.
    pub(crate) fn score(&self) -> f64 {
        100.0 * self.sum / self.answered
    }

    /// The level of the unrounded score.
    pub(crate) fn level(&self) -> &'static str {
        match self.score() {
            score if score >= 80.0 => "excellent",
            score if score >= 60.0 => "good",
            score if score >= 40.0 => "caution",
            _ => "needs_observation",
        }
    }
}

impl Checkup {
    /// Starts a check of a child and decides on all answers.
    pub(crate) async fn start(api: &Api, child_id: &str, answering: Answering) -> anyhow::Result<Self> {
        let check = api.post("/assessments", json!({ "child_id": child_id })).await?.data(201)?;
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut answers = Vec::new();
        for item in check["questions"].as_array().context("a check has questions")? {
            let question = &item["question"];
            let text = |name: &str| question[name].as_str().with_context(|| format!("a question has no {name}"));
            let (area, code, id) = (text("area")?.to_owned(), text("code")?, text("id")?);
            let is_red_flag = question["is_red_flag"].as_bool().context("a question is a red flag or not")?;
            let number = numbers.entry(area.clone()).or_default();
            let answer = answering(&area, *number, code, is_red_flag);
            *number += usize::from(!is_red_flag);
            let offered = question["answers"].as_array().context("a question offers answers")?;
            ensure!(offered.iter().any(|it| it["code"] == answer), "{code} does not offer {answer}");
            answers.push(Planned { question_id: id.to_owned(), area, is_red_flag, answer });
        }
        Ok(Self { check, answers })
    }

    fn path(&self, rest: &str) -> String {
        format!("/assessments/{}{rest}", self.check["id"].as_str().unwrap_or_default())
    }

    /// Answers half of the questions, the last first; comes back on another device; is refused to complete; answers the
    /// rest one by one; completes.
    pub(crate) async fn complete(&self, api: &Api) -> anyhow::Result<Value> {
        let (first, second) = self.answers.split_at(self.answers.len() / 2);
        let batch: Vec<Value> = second.iter().rev().map(response).collect();
        api.post(&self.path("/responses"), json!({ "responses": batch })).await?.data(200)?;

        let resumed = api.get(&self.path("")).await?.data(200)?;
        ensure!(resumed["answered_count"] == second.len(), "resumed with {}", resumed["answered_count"]);
        let early = api.post(&self.path("/complete"), json!({})).await?;
        ensure!(early.status == 400, "completed with {} unanswered questions", first.len());
        ensure!(early.fields().len() == first.len(), "{} unanswered, told {:?}", first.len(), early.fields());

        for planned in first {
            api.post(&self.path("/responses"), json!({ "responses": [response(planned)] })).await?.data(200)?;
        }
        let results = api.post(&self.path("/complete"), json!({})).await?.data(200)?;
        let again = api.get(&self.path("/results")).await?.data(200)?;
        ensure!(again == results, "the results read again are others");
        Ok(results)
    }

    /// The results in another language.
    pub(crate) async fn results(&self, api: &Api) -> anyhow::Result<Value> {
        api.get(&self.path("/results")).await?.data(200)
    }

    /// What the answers must come to, computed here from the rules and the answers alone.
    pub(crate) fn expected(&self) -> BTreeMap<&str, Expected> {
        let mut areas: BTreeMap<&str, Expected> = BTreeMap::new();
        for planned in self.answers.iter().filter(|planned| !planned.is_red_flag) {
            let area = areas.entry(&planned.area).or_default();
            let value = match planned.answer {
                "yes" => 1.0,
                "sometimes" => 0.5,
                "not_sure" => continue,
                _ => 0.0,
            };
            area.sum += value;
            area.answered += 1.0;
            area.not_yet += usize::from(planned.answer == "not_yet");
        }
        areas
    }
}

fn response(planned: &Planned) -> Value {
    json!({ "question_id": planned.question_id, "answer": planned.answer })
}
