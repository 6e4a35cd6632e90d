//! SQL of the question bank.

use aipoten_kit::{Error, Page, Result};
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Filter, Question, QuestionKind};
use crate::area::Area;
use crate::assessment::{AnswerType, Choice, FollowUp};

const COLUMNS: &str = "SELECT id, code, kind, NULLIF(area, 'any') AS area, age_range_start, age_range_end, text_ko, \
                       text_en, hint_ko, hint_en, answer_type, options, weight, follow_up, order_index, source, \
                       is_active, reviewed, created_at, updated_at, version FROM assessment_questions WHERE true";

/// What is asked at an age: red flags last.
pub(crate) async fn asked_at(conn: &mut PgConnection, months: i32) -> sqlx::Result<Vec<Question>> {
    sqlx::query_as!(
        Question,
        r#"SELECT id, code, kind AS "kind: QuestionKind", NULLIF(area, 'any') AS "area: Area", age_range_start,
               age_range_end, text_ko, text_en, hint_ko, hint_en, answer_type AS "answer_type: AnswerType",
               options AS "options: Json<Vec<Choice>>", weight, follow_up AS "follow_up: FollowUp", order_index, source,
               is_active, reviewed, created_at, updated_at, version
           FROM assessment_questions WHERE is_active AND $1::integer BETWEEN age_range_start AND age_range_end
           ORDER BY is_red_flag, order_index, code"#,
        months,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn page(conn: &mut PgConnection, page: Page, filter: &Filter) -> sqlx::Result<Vec<Question>> {
    let mut query = QueryBuilder::new(COLUMNS);
    push_filter(&mut query, filter);
    query.push(" ORDER BY ").push(filter.order_by);
    query.push(" LIMIT ").push_bind(page.rows()).push(" OFFSET ").push_bind(page.offset());
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn count(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM assessment_questions WHERE true");
    push_filter(&mut query, filter);
    query.push(" LIMIT ").push_bind(Page::counted()).push(") counted");
    query.build_query_scalar().fetch_one(conn).await
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(age) = filter.age {
        query.push(" AND ").push_bind(age).push(" BETWEEN age_range_start AND age_range_end");
    }
    if let Some(area) = filter.area {
        query.push(" AND area = ").push_bind(area.map_or("any", Area::code));
    }
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push_bind(kind);
    }
    if let Some(is_active) = filter.is_active {
        query.push(" AND is_active = ").push_bind(is_active);
    }
}

pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Question>> {
    sqlx::query_as!(
        Question,
        r#"SELECT id, code, kind AS "kind: QuestionKind", NULLIF(area, 'any') AS "area: Area", age_range_start,
               age_range_end, text_ko, text_en, hint_ko, hint_en, answer_type AS "answer_type: AnswerType",
               options AS "options: Json<Vec<Choice>>", weight, follow_up AS "follow_up: FollowUp", order_index, source,
               is_active, reviewed, created_at, updated_at, version
           FROM assessment_questions WHERE id = $1"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Question>> {
    sqlx::query_as!(
        Question,
        r#"SELECT id, code, kind AS "kind: QuestionKind", NULLIF(area, 'any') AS "area: Area", age_range_start,
               age_range_end, text_ko, text_en, hint_ko, hint_en, answer_type AS "answer_type: AnswerType",
               options AS "options: Json<Vec<Choice>>", weight, follow_up AS "follow_up: FollowUp", order_index, source,
               is_active, reviewed, created_at, updated_at, version
           FROM assessment_questions WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn insert(conn: &mut PgConnection, question: &Question) -> Result<()> {
    let inserted = sqlx::query!(
        "INSERT INTO assessment_questions (id, code, kind, area, age_range_start, age_range_end, text_ko, text_en, hint_ko,
             hint_en, answer_type, options, weight, follow_up, order_index, source, is_active, reviewed, created_at,
             updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)",
        question.id,
        question.code,
        question.kind as _,
        question.area.map_or("any", Area::code),
        question.age_range_start,
        question.age_range_end,
        question.text_ko,
        question.text_en,
        question.hint_ko,
        question.hint_en,
        question.answer_type as _,
        &question.options as _,
        question.weight,
        question.follow_up as _,
        question.order_index,
        question.source,
        question.is_active,
        question.reviewed,
        question.created_at,
    );
    inserted.execute(conn).await.map_err(|error| match error.as_database_error().and_then(|it| it.constraint()) {
        Some("assessment_questions_code") => Error::AlreadyExists("CODE_TAKEN".into()),
        _ => error.into(),
    })?;
    Ok(())
}

pub(crate) async fn update(conn: &mut PgConnection, question: &Question) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE assessment_questions
         SET kind = $2, area = $3, age_range_start = $4, age_range_end = $5, text_ko = $6, text_en = $7, hint_ko = $8,
             hint_en = $9, answer_type = $10, options = $11, weight = $12, follow_up = $13, order_index = $14, source = $15,
             is_active = $16, reviewed = $17, updated_at = $18, version = $19
         WHERE id = $1",
        question.id,
        question.kind as _,
        question.area.map_or("any", Area::code),
        question.age_range_start,
        question.age_range_end,
        question.text_ko,
        question.text_en,
        question.hint_ko,
        question.hint_en,
        question.answer_type as _,
        &question.options as _,
        question.weight,
        question.follow_up as _,
        question.order_index,
        question.source,
        question.is_active,
        question.reviewed,
        question.updated_at,
        question.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("DELETE FROM assessment_questions WHERE id = $1", id).execute(conn).await?;
    Ok(deleted.rows_affected() == 1)
}
