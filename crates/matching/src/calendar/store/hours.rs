//! SQL of weekly hours.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::calendar::slot::Hours;

/// Whether holidays are worked on, and the version of the hours.
pub(in crate::calendar) async fn get(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Option<(bool, i64)>> {
    let row =
        sqlx::query!("SELECT works_on_holidays, hours_version FROM therapist_profiles WHERE id = $1", therapist_id)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| (row.works_on_holidays, row.hours_version)))
}

pub(in crate::calendar) async fn weekly(
    conn: &mut PgConnection,
    therapist_id: Uuid,
) -> sqlx::Result<Vec<(i16, Hours)>> {
    let rows = sqlx::query!(
        "SELECT day_of_week, start_minute, end_minute FROM therapist_availability
         WHERE therapist_id = $1 ORDER BY day_of_week, start_minute",
        therapist_id,
    )
    .fetch_all(conn)
    .await?;
    let hours = |start_minute, end_minute| Hours { start_minute, end_minute };
    Ok(rows.iter().map(|row| (row.day_of_week, hours(row.start_minute, row.end_minute))).collect())
}

/// The version of the hours, which nobody else changes before the transaction ends.
pub(in crate::calendar) async fn lock(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT hours_version FROM therapist_profiles WHERE id = $1 FOR NO KEY UPDATE", therapist_id)
        .fetch_optional(conn)
        .await
}

pub(in crate::calendar) async fn replace_weekly(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    weekly: &[(i16, Hours)],
) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM therapist_availability WHERE therapist_id = $1", therapist_id)
        .execute(&mut *conn)
        .await?;
    let ids: Vec<Uuid> = weekly.iter().map(|_| Uuid::now_v7()).collect();
    let days: Vec<i16> = weekly.iter().map(|(day, _)| *day).collect();
    let starts: Vec<i16> = weekly.iter().map(|(_, hours)| hours.start_minute).collect();
    let ends: Vec<i16> = weekly.iter().map(|(_, hours)| hours.end_minute).collect();
    sqlx::query!(
        "INSERT INTO therapist_availability (id, therapist_id, day_of_week, start_minute, end_minute)
         SELECT id, $1, day, begins, ends
         FROM unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[]) AS given (id, day, begins, ends)",
        therapist_id,
        &ids,
        &days,
        &starts,
        &ends,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::calendar) async fn update(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    works_on_holidays: bool,
    version: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE therapist_profiles SET works_on_holidays = $2, hours_version = $3 WHERE id = $1",
        therapist_id,
        works_on_holidays,
        version,
    )
    .execute(conn)
    .await?;
    Ok(())
}
