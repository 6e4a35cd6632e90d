//! The question bank: what is asked at which age.

pub(crate) mod grpc;
pub(crate) mod store;

use aipoten_kit::{Caller, Error, Fields, Page, Result, Role};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::area::Area;
use crate::assessment::{AnswerType, Choice, FollowUp};
use crate::clock;
use crate::{App, change};

/// The first and the last month of age that checks are made for.
pub(crate) const CHECKED_MONTHS: std::ops::RangeInclusive<i32> = 2..=71;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum QuestionKind {
    #[default]
    Milestone,
    Supplementary,
    RedFlag,
}

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct Question {
    pub(crate) id: Uuid,
    pub(crate) code: String,
    pub(crate) kind: QuestionKind,
    /// `None`: any, of red flags that count for the whole check.
    pub(crate) area: Option<Area>,
    pub(crate) age_range_start: i16,
    pub(crate) age_range_end: i16,
    pub(crate) text_ko: String,
    pub(crate) text_en: String,
    pub(crate) hint_ko: Option<String>,
    pub(crate) hint_en: Option<String>,
    pub(crate) answer_type: AnswerType,
    pub(crate) options: Json<Vec<Choice>>,
    /// In hundredths.
    pub(crate) weight: i16,
    pub(crate) follow_up: Option<FollowUp>,
    pub(crate) order_index: i16,
    pub(crate) source: String,
    pub(crate) is_active: bool,
    pub(crate) reviewed: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// What an administrator changes: `None` leaves as it is.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) kind: Option<QuestionKind>,
    pub(crate) area: Option<Option<Area>>,
    pub(crate) age_range_start: Option<i16>,
    pub(crate) age_range_end: Option<i16>,
    pub(crate) text_ko: Option<String>,
    pub(crate) text_en: Option<String>,
    pub(crate) hint_ko: Option<Option<String>>,
    pub(crate) hint_en: Option<Option<String>>,
    pub(crate) answer_type: Option<AnswerType>,
    pub(crate) options: Option<Vec<Choice>>,
    pub(crate) weight: Option<i16>,
    pub(crate) follow_up: Option<Option<FollowUp>>,
    pub(crate) order_index: Option<i16>,
    pub(crate) source: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) reviewed: Option<bool>,
}

/// Which questions an administrator wants to see.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) age: Option<i32>,
    /// `Some(None)`: those of any area.
    pub(crate) area: Option<Option<Area>>,
    pub(crate) kind: Option<QuestionKind>,
    pub(crate) is_active: Option<bool>,
    pub(crate) order_by: &'static str,
}

/// The questions asked at an age. Signed-in people see them before they start a check.
pub(crate) async fn list_of_age(app: &App, caller: &Caller, months: i32) -> Result<Vec<Question>> {
    caller.user()?;
    if !CHECKED_MONTHS.contains(&months) {
        return Ok(Vec::new());
    }
    Ok(store::asked_at(&mut *app.pool.acquire().await?, months).await?)
}

pub(crate) async fn list(app: &App, caller: &Caller, page: Page, filter: &Filter) -> Result<(Vec<Question>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    let questions = store::page(&mut conn, page, filter).await?;
    let total = store::count(&mut conn, filter).await?;
    Ok((questions, total))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Question> {
    caller.with_role(Role::Admin)?;
    store::get(&mut *app.pool.acquire().await?, id).await?.ok_or(Error::NotFound("question"))
}

pub(crate) async fn create(app: &App, caller: &Caller, question: Question) -> Result<Question> {
    caller.with_role(Role::Admin)?;
    question.check()?;
    let mut tx = app.pool.begin().await?;
    store::insert(&mut tx, &question).await?;
    change::announce(&mut tx, caller, "question", question.id, question.version).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(question)
}

pub(crate) async fn update(
    app: &App,
    caller: &Caller,
    id: Uuid,
    expected_version: Option<i64>,
    patch: Patch,
) -> Result<Question> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let mut question = store::lock(&mut tx, id).await?.ok_or(Error::NotFound("question"))?;
    Error::unless_version(expected_version, question.version)?;
    patch.apply(&mut question);
    question.check()?;
    store::update(&mut tx, &question).await?;
    change::announce(&mut tx, caller, "question", question.id, question.version).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(question)
}

pub(crate) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let question = store::lock(&mut tx, id).await?.ok_or(Error::NotFound("question"))?;
    store::delete(&mut tx, id).await?;
    change::announce(&mut tx, caller, "question", id, question.version + 1).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

impl Question {
    /// The rules that hold between fields.
    fn check(&self) -> Result<()> {
        let red_flag = self.kind == QuestionKind::RedFlag;
        let multiple_choice = self.answer_type == AnswerType::MultipleChoice;
        let mut fields = Fields::new();
        fields.check(self.age_range_start <= self.age_range_end, "age_range_end", "before_start");
        fields.check(red_flag || self.area.is_some(), "area", "any_only_for_red_flags");
        fields.check(!red_flag || self.answer_type == AnswerType::YesNo, "answer_type", "red_flags_are_yes_no");
        fields.check(red_flag == self.follow_up.is_some(), "follow_up", "exactly_for_red_flags");
        let options = if multiple_choice { 2..=10 } else { 0..=0 };
        fields.check(options.contains(&self.options.len()), "options", "exactly_for_multiple_choice min=2 max=10");
        fields.finish()
    }
}

impl Patch {
    fn apply(self, question: &mut Question) {
        set(&mut question.kind, self.kind);
        set(&mut question.area, self.area);
        set(&mut question.age_range_start, self.age_range_start);
        set(&mut question.age_range_end, self.age_range_end);
        set(&mut question.text_ko, self.text_ko);
        set(&mut question.text_en, self.text_en);
        set(&mut question.hint_ko, self.hint_ko);
        set(&mut question.hint_en, self.hint_en);
        set(&mut question.answer_type, self.answer_type);
        set(&mut question.options.0, self.options);
        set(&mut question.weight, self.weight);
        set(&mut question.follow_up, self.follow_up);
        set(&mut question.order_index, self.order_index);
        set(&mut question.source, self.source);
        set(&mut question.is_active, self.is_active);
        set(&mut question.reviewed, self.reviewed);
        question.updated_at = clock::now();
        question.version += 1;
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
