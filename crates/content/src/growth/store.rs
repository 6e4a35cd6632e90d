//! SQL of growth.

use aipoten_kit::Page;
use chrono::NaiveDate;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Measurement;
use super::who::{Position, Score, Unscored};

/// Until the transaction ends nobody else records a measurement of this child.
pub(crate) async fn one_at_a_time(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('growth ' || $1::text, 0))", child_id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn of_day(
    conn: &mut PgConnection,
    child_id: Uuid,
    measured_on: NaiveDate,
) -> sqlx::Result<Option<Measurement>> {
    sqlx::query_as!(
        Measurement,
        r#"SELECT id, child_id, user_id, measured_on, height_mm, position AS "position: Position", weight_g, head_mm, age_days,
               corrected_age_days, scores AS "scores: Json<Vec<Score>>", unscored_reason AS "unscored_reason: Unscored",
               created_at, updated_at
           FROM growth_measurements WHERE child_id = $1 AND measured_on = $2"#,
        child_id,
        measured_on,
    )
    .fetch_optional(conn)
    .await
}

/// A child's measurements, the oldest first; one a day in five years of standards.
pub(crate) async fn all(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<Vec<Measurement>> {
    sqlx::query_as!(
        Measurement,
        r#"SELECT id, child_id, user_id, measured_on, height_mm, position AS "position: Position", weight_g, head_mm, age_days,
               corrected_age_days, scores AS "scores: Json<Vec<Score>>", unscored_reason AS "unscored_reason: Unscored",
               created_at, updated_at
           FROM growth_measurements WHERE child_id = $1 ORDER BY measured_on LIMIT 2000"#,
        child_id,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn page(
    conn: &mut PgConnection,
    child_id: Uuid,
    page: Page,
    oldest_first: bool,
) -> sqlx::Result<Vec<Measurement>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM growth_measurements WHERE child_id = ");
    query.push_bind(child_id).push(if oldest_first { " ORDER BY measured_on" } else { " ORDER BY measured_on DESC" });
    query.push(" LIMIT ").push_bind(page.rows()).push(" OFFSET ").push_bind(page.offset());
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn count(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT 1 FROM growth_measurements WHERE child_id = $1 LIMIT $2) counted"#,
        child_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn upsert(conn: &mut PgConnection, measurement: &Measurement) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO growth_measurements (id, child_id, user_id, measured_on, height_mm, position, weight_g, head_mm,
             age_days, corrected_age_days, scores, unscored_reason, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT ON CONSTRAINT growth_measurements_one_a_day DO UPDATE
         SET height_mm = excluded.height_mm, position = excluded.position, weight_g = excluded.weight_g,
             head_mm = excluded.head_mm, age_days = excluded.age_days, corrected_age_days = excluded.corrected_age_days,
             scores = excluded.scores, unscored_reason = excluded.unscored_reason, updated_at = excluded.updated_at",
        measurement.id,
        measurement.child_id,
        measurement.user_id,
        measurement.measured_on,
        measurement.height_mm,
        measurement.position as _,
        measurement.weight_g,
        measurement.head_mm,
        measurement.age_days,
        measurement.corrected_age_days,
        &measurement.scores as _,
        measurement.unscored_reason as _,
        measurement.created_at,
        measurement.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn erase_child(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM growth_measurements WHERE child_id = $1", child_id).execute(conn).await?;
    Ok(())
}

pub(crate) async fn erase_user(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM growth_measurements WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}
