//! SQL of checks.

use aipoten_kit::Page;
use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::answer::Valued;
use super::asked::Asked;
use super::result::AreaRow;
use super::{Assessment, Filter, Finding, FollowUp, Level, ProgressRow, Response, Status, Summary};
use crate::area::Area;
use crate::text::Text;

/// False when the child has a check in progress already.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    assessment: &Assessment,
    language: &str,
    item_set_version: &str,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "INSERT INTO development_assessments (id, child_id, user_id, assessment_date, age_in_months,
             corrected_age_in_months, question_set, question_count, language, item_set_version, rule_version, created_at,
             updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, jsonb_array_length($7), $8, $9, $10, $11, $11)
         ON CONFLICT (child_id) WHERE status = 'in_progress' DO NOTHING",
        assessment.id,
        assessment.child_id,
        assessment.user_id,
        assessment.assessment_date,
        assessment.age_in_months,
        assessment.corrected_age_in_months,
        &assessment.question_set as _,
        language,
        item_set_version,
        assessment.rule_version,
        assessment.created_at,
    );
    Ok(inserted.execute(conn).await?.rows_affected() == 1)
}

pub(crate) async fn in_progress(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM development_assessments WHERE child_id = $1 AND status = 'in_progress'",
        child_id
    )
    .fetch_optional(conn)
    .await
}

/// Gives a check up that was started too long ago, with its answers.
pub(crate) async fn cancel_expired(conn: &mut PgConnection, child_id: Uuid, before: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH expired AS (
             UPDATE development_assessments SET status = 'cancelled', updated_at = now(), version = version + 1
             WHERE child_id = $1 AND status = 'in_progress' AND created_at < $2
             RETURNING id
         )
         DELETE FROM assessment_responses WHERE assessment_id IN (SELECT id FROM expired)",
        child_id,
        before,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn get(conn: &mut PgConnection, user_id: Uuid, id: Uuid) -> sqlx::Result<Option<Assessment>> {
    sqlx::query_as!(
        Assessment,
        r#"SELECT id, child_id, user_id, assessment_date, age_in_months, corrected_age_in_months, status AS "status: Status",
               question_set AS "question_set: Json<Vec<Asked>>", rule_version, follow_up AS "follow_up: FollowUp",
               causing_items AS "causing_items: Json<Vec<Finding>>", red_flags AS "red_flags: Json<Vec<String>>",
               completed_at, created_at, version
           FROM development_assessments WHERE id = $1 AND user_id = $2"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

/// The child and the account that a check belongs to.
pub(crate) async fn whose(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!("SELECT child_id, user_id FROM development_assessments WHERE id = $1", id)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.child_id, row.user_id)))
}

/// A check of a child that the caller may see.
pub(crate) async fn of_child(conn: &mut PgConnection, child_id: Uuid, id: Uuid) -> sqlx::Result<Option<Assessment>> {
    sqlx::query_as!(
        Assessment,
        r#"SELECT id, child_id, user_id, assessment_date, age_in_months, corrected_age_in_months, status AS "status: Status",
               question_set AS "question_set: Json<Vec<Asked>>", rule_version, follow_up AS "follow_up: FollowUp",
               causing_items AS "causing_items: Json<Vec<Finding>>", red_flags AS "red_flags: Json<Vec<String>>",
               completed_at, created_at, version
           FROM development_assessments WHERE id = $1 AND child_id = $2"#,
        id,
        child_id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn lock(conn: &mut PgConnection, user_id: Uuid, id: Uuid) -> sqlx::Result<Option<Assessment>> {
    sqlx::query_as!(
        Assessment,
        r#"SELECT id, child_id, user_id, assessment_date, age_in_months, corrected_age_in_months, status AS "status: Status",
               question_set AS "question_set: Json<Vec<Asked>>", rule_version, follow_up AS "follow_up: FollowUp",
               causing_items AS "causing_items: Json<Vec<Finding>>", red_flags AS "red_flags: Json<Vec<String>>",
               completed_at, created_at, version
           FROM development_assessments WHERE id = $1 AND user_id = $2 FOR UPDATE"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn page(
    conn: &mut PgConnection,
    user_id: Uuid,
    page: Page,
    filter: &Filter,
) -> sqlx::Result<Vec<Summary>> {
    let mut query = QueryBuilder::new(
        "SELECT id, child_id, assessment_date, age_in_months, corrected_age_in_months, status, follow_up, question_count, \
         (SELECT count(*) FROM assessment_responses WHERE assessment_id = development_assessments.id) AS answered_count, \
         created_at, completed_at FROM development_assessments",
    );
    push_filter(&mut query, user_id, filter);
    query.push(" ORDER BY ").push(filter.order_by);
    query.push(" LIMIT ").push_bind(page.rows()).push(" OFFSET ").push_bind(page.offset());
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn count(conn: &mut PgConnection, user_id: Uuid, filter: &Filter) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM development_assessments");
    push_filter(&mut query, user_id, filter);
    query.push(" LIMIT ").push_bind(Page::counted()).push(") counted");
    query.build_query_scalar().fetch_one(conn).await
}

fn push_filter(query: &mut QueryBuilder<Postgres>, user_id: Uuid, filter: &Filter) {
    query.push(" WHERE user_id = ").push_bind(user_id);
    if let Some(child_id) = filter.child_id {
        query.push(" AND child_id = ").push_bind(child_id);
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status);
    }
}

pub(crate) async fn responses(conn: &mut PgConnection, assessment_id: Uuid) -> sqlx::Result<Vec<Response>> {
    sqlx::query_as!(
        Response,
        "SELECT question_id, answer FROM assessment_responses WHERE assessment_id = $1",
        assessment_id
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn save_responses(
    conn: &mut PgConnection,
    assessment_id: Uuid,
    answered_by: Uuid,
    language: &str,
    responses: &[Valued],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = responses.iter().map(|_| Uuid::now_v7()).collect();
    let questions: Vec<Uuid> = responses.iter().map(|response| response.question_id).collect();
    let answers: Vec<String> = responses.iter().map(|response| response.answer.clone()).collect();
    let values: Vec<Option<i16>> = responses.iter().map(|response| response.value).collect();
    sqlx::query!(
        "INSERT INTO assessment_responses (id, assessment_id, question_id, answer, value, language, answered_by)
         SELECT id, $1, question_id, answer, value, $2, $3
         FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::smallint[]) AS given (id, question_id, answer, value)
         ON CONFLICT ON CONSTRAINT assessment_responses_one_each DO UPDATE
         SET answer = excluded.answer, value = excluded.value, language = excluded.language,
             answered_by = excluded.answered_by, updated_at = now()",
        assessment_id,
        language,
        answered_by,
        &ids,
        &questions,
        &answers,
        &values as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn erase_responses(conn: &mut PgConnection, assessment_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM assessment_responses WHERE assessment_id = $1", assessment_id).execute(conn).await?;
    Ok(())
}

/// Raises the version; answers the new one.
pub(crate) async fn touch(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE development_assessments SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version",
        id
    )
    .fetch_one(conn)
    .await
}

/// Answers the new version.
pub(crate) async fn cancel(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE development_assessments SET status = 'cancelled', version = version + 1, updated_at = now()
         WHERE id = $1 RETURNING version",
        id
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn complete(conn: &mut PgConnection, assessment: &Assessment) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE development_assessments
         SET status = 'completed', follow_up = $2, causing_items = $3, red_flags = $4, completed_at = $5, updated_at = $5,
             version = $6
         WHERE id = $1",
        assessment.id,
        assessment.follow_up as _,
        &assessment.causing_items as _,
        &assessment.red_flags as _,
        assessment.completed_at,
        assessment.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the areas in the order given.
pub(crate) async fn insert_results(conn: &mut PgConnection, assessment_id: Uuid, rows: &[AreaRow]) -> sqlx::Result<()> {
    for (row, position) in rows.iter().zip(1_i16..) {
        sqlx::query!(
            "INSERT INTO assessment_results (id, assessment_id, area, position, score, level, follow_up, causing_items,
                 red_flags, answered_count, question_count, feedback_ko, feedback_en, recommendations_ko,
                 recommendations_en)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            Uuid::now_v7(),
            assessment_id,
            row.area as _,
            position,
            row.score,
            row.level as _,
            row.follow_up as _,
            Json(&row.causing_items) as _,
            Json(&row.red_flags) as _,
            row.answered_count,
            row.question_count,
            row.feedback.ko,
            row.feedback.en,
            row.recommendations.ko,
            row.recommendations.en,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub(crate) async fn results(conn: &mut PgConnection, assessment_id: Uuid) -> sqlx::Result<Vec<AreaRow>> {
    let rows = sqlx::query!(
        r#"SELECT area AS "area: Area", score, level AS "level: Level", follow_up AS "follow_up: FollowUp",
               causing_items AS "causing_items: Json<Vec<Finding>>", red_flags AS "red_flags: Json<Vec<String>>",
               answered_count, question_count, feedback_ko, feedback_en, recommendations_ko, recommendations_en
           FROM assessment_results WHERE assessment_id = $1 ORDER BY position"#,
        assessment_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AreaRow {
            area: row.area,
            score: row.score,
            level: row.level,
            follow_up: row.follow_up,
            causing_items: row.causing_items.0,
            red_flags: row.red_flags.0,
            answered_count: row.answered_count,
            question_count: row.question_count,
            feedback: Text::new(row.feedback_ko, row.feedback_en),
            recommendations: Text::new(row.recommendations_ko, row.recommendations_en),
        })
        .collect())
}

/// The areas of the last 100 completed checks, the oldest first.
pub(crate) async fn progress(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<Vec<ProgressRow>> {
    sqlx::query_as!(
        ProgressRow,
        r#"SELECT a.id AS assessment_id, a.assessment_date, a.age_in_months, a.corrected_age_in_months,
               a.follow_up AS "overall!: FollowUp", r.area AS "area: Area", r.score, r.level AS "level: Level",
               r.follow_up AS "follow_up: FollowUp"
           FROM (
               SELECT * FROM development_assessments
               WHERE child_id = $1 AND status = 'completed'
               ORDER BY completed_at DESC LIMIT 100
           ) a
           JOIN assessment_results r ON r.assessment_id = a.id
           ORDER BY a.completed_at, a.id"#,
        child_id,
    )
    .fetch_all(conn)
    .await
}

/// Everything about a child's checks; answers, results and recommendations go with them.
pub(crate) async fn erase_child(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM development_assessments WHERE child_id = $1", child_id).execute(conn).await?;
    Ok(())
}

/// The same for every check of an account.
pub(crate) async fn erase_user(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM development_assessments WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}
