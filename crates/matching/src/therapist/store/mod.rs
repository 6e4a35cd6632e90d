//! SQL of therapists.

pub(crate) mod search;

use aipoten_kit::Page;
use chrono::NaiveDate;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::profile::Draft;
use super::{ApprovalStatus, Therapist};

/// Whether a therapist `t` can be found and booked.
const LISTED: &str =
    "t.approval_status = 'approved' AND t.licence_valid_until >= (now() AT TIME ZONE 'Asia/Seoul')::date";

/// The columns of a [`Therapist`], for `FROM therapist_profiles t`.
const COLUMNS: &str = "t.id, t.display_name, t.specialties, t.years_of_experience, t.certifications, t.bio, \
     t.consultation_fee, t.session_minutes, t.buffer_minutes, t.travel_minutes, t.min_notice_hours, t.horizon_days, \
     t.daily_limit, t.consultation_kinds, t.region_codes, t.approval_status, t.applied_at, t.decided_at, t.decision_reason, \
     nullif(t.licence_valid_until, 'infinity') AS licence_valid_until, t.rating, t.review_count, t.total_consultations, \
     t.updated_at, t.version";

fn select() -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(", coalesce(").push(LISTED).push(", false) AS is_listed FROM therapist_profiles t");
    query
}

fn push_page(query: &mut QueryBuilder<Postgres>, page: Page) {
    query.push(" LIMIT ").push_bind(page.rows()).push(" OFFSET ").push_bind(page.offset());
}

pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Therapist>> {
    let mut query = select();
    query.push(" WHERE t.id = ").push_bind(id);
    query.build_query_as().fetch_optional(conn).await
}

pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Therapist>> {
    let mut query = select();
    query.push(" WHERE t.id = ").push_bind(id).push(" FOR UPDATE OF t");
    query.build_query_as().fetch_optional(conn).await
}

pub(super) async fn pending_page(conn: &mut PgConnection, page: Page) -> sqlx::Result<Vec<Therapist>> {
    let mut query = select();
    query.push(" WHERE t.approval_status = 'pending' ORDER BY t.applied_at, t.id");
    push_page(&mut query, page);
    query.build_query_as().fetch_all(conn).await
}

pub(super) async fn pending_count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!"
           FROM (SELECT FROM therapist_profiles WHERE approval_status = 'pending' LIMIT $1) AS counted"#,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// False when there is one already.
pub(super) async fn insert(conn: &mut PgConnection, id: Uuid, draft: &Draft) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "INSERT INTO therapist_profiles (id, display_name, specialties, years_of_experience, certifications, bio,
             consultation_fee, session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days, daily_limit,
             consultation_kinds, region_codes, search_name, search_text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (id) DO NOTHING",
        id,
        draft.display_name,
        &draft.specialties as _,
        draft.years_of_experience,
        &draft.certifications,
        draft.bio,
        draft.consultation_fee.0,
        draft.session_minutes,
        draft.buffer_minutes,
        draft.travel_minutes,
        draft.min_notice_hours,
        draft.horizon_days,
        draft.daily_limit,
        &draft.consultation_kinds as _,
        &draft.region_codes,
        draft.search_name(),
        draft.search_text(),
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// `applies`: it waits for a decision from now on.
pub(super) async fn update(conn: &mut PgConnection, id: Uuid, draft: &Draft, applies: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE therapist_profiles
         SET display_name = $2, specialties = $3, years_of_experience = $4, certifications = $5, bio = $6,
             consultation_fee = $7, session_minutes = $8, buffer_minutes = $9, travel_minutes = $10, min_notice_hours = $11,
             horizon_days = $12, daily_limit = $13, consultation_kinds = $14, region_codes = $15, search_name = $16,
             search_text = $17,
             approval_status = CASE WHEN $18 THEN 'pending' ELSE approval_status END,
             applied_at = CASE WHEN $18 THEN now() ELSE applied_at END,
             decided_at = CASE WHEN $18 THEN NULL ELSE decided_at END,
             decision_reason = CASE WHEN $18 THEN NULL ELSE decision_reason END,
             updated_at = now(), version = version + 1
         WHERE id = $1",
        id,
        draft.display_name,
        &draft.specialties as _,
        draft.years_of_experience,
        &draft.certifications,
        draft.bio,
        draft.consultation_fee.0,
        draft.session_minutes,
        draft.buffer_minutes,
        draft.travel_minutes,
        draft.min_notice_hours,
        draft.horizon_days,
        draft.daily_limit,
        &draft.consultation_kinds as _,
        &draft.region_codes,
        draft.search_name(),
        draft.search_text(),
        applies,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn decide(
    conn: &mut PgConnection,
    id: Uuid,
    status: ApprovalStatus,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE therapist_profiles
         SET approval_status = $2, decision_reason = $3, decided_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1",
        id,
        status as ApprovalStatus,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn parents_of_running_packages(
    conn: &mut PgConnection,
    therapist_id: Uuid,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT DISTINCT parent_user_id FROM consultation_packages
         WHERE therapist_id = $1 AND status IN ('active', 'pending_payment')",
        therapist_id,
    )
    .fetch_all(conn)
    .await
}

/// Marks the licences that end within 30 days and that nothing longer stands beside; whose, the profile's version and the
/// last day.
pub(super) async fn warn_of_expiry(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, i64, NaiveDate)>> {
    let rows = sqlx::query!(
        r#"UPDATE therapist_documents d SET warned_at = now()
           FROM therapist_profiles t
           WHERE d.warned_at IS NULL AND d.kind = 'licence' AND d.checked_at IS NOT NULL
             AND d.expires_on BETWEEN (now() AT TIME ZONE 'Asia/Seoul')::date AND (now() AT TIME ZONE 'Asia/Seoul')::date + 30
             AND t.id = d.therapist_id AND t.approval_status = 'approved' AND t.licence_valid_until = d.expires_on
           RETURNING t.id, t.version, d.expires_on AS "expires_on!""#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version, row.expires_on)).collect())
}

/// Marks those whose licence has ended since the last time, and says who they are, with the profile's version.
pub(super) async fn take_expired(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        "UPDATE therapist_profiles SET expiry_announced = licence_valid_until
         WHERE approval_status = 'approved' AND licence_valid_until < (now() AT TIME ZONE 'Asia/Seoul')::date
           AND expiry_announced IS DISTINCT FROM licence_valid_until
         RETURNING id, version",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}
