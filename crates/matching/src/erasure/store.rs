//! SQL of erasures.

use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn lock_shared(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('erased/' || $1::text, 0))",
        child_id.to_string(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn is_erased(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM erased_children WHERE child_id = $1) AS "erased!""#, child_id,)
        .fetch_one(conn)
        .await
}

/// From the end of the transaction on nothing new of this child is kept. Waits for what is being kept now: it can be
/// erased after that.
pub(super) async fn remember(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('erased/' || $1::text, 0))", child_id.to_string(),)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("INSERT INTO erased_children (child_id) VALUES ($1) ON CONFLICT DO NOTHING", child_id)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn erase_feedbacks(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM consultation_feedbacks WHERE consultation_id IN (SELECT id FROM consultations WHERE child_id = $1)",
        child_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn erase_schedule_changes(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM schedule_change_requests WHERE consultation_id IN (SELECT id FROM consultations WHERE child_id = $1)",
        child_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is said of a child's sessions in words.
pub(super) async fn erase_texts(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE consultations
         SET visit_address = NULL, notes = NULL, dispute_reason = NULL, cancellation_reason = NULL
         WHERE child_id = $1",
        child_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Answers that are kept to be given again. Those of the other side go by themselves within a day.
pub(super) async fn erase_answers(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE caller_id = $1", user_id).execute(conn).await?;
    Ok(())
}

pub(super) async fn children_of(conn: &mut PgConnection, parent_user_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT DISTINCT child_id FROM matching_requests WHERE parent_user_id = $1 ORDER BY child_id",
        parent_user_id,
    )
    .fetch_all(conn)
    .await
}

/// Reviews keep what they say of the therapist.
pub(super) async fn forget_reviewer(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE consultation_reviews SET reviewer_user_id = NULL WHERE reviewer_user_id = $1", user_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Time off leaves the calendar with its day.
pub(super) async fn erase_working_hours(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM therapist_availability WHERE therapist_id = $1", therapist_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM therapist_blocked_dates WHERE therapist_id = $1", therapist_id).execute(conn).await?;
    Ok(())
}

pub(super) async fn erase_documents(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM therapist_documents WHERE therapist_id = $1", therapist_id).execute(conn).await?;
    Ok(())
}

/// A therapist's own words: notes on sessions, answers to reviews. Reports belong to the children they are about.
pub(super) async fn erase_words(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE consultations SET notes = NULL WHERE therapist_id = $1 AND notes IS NOT NULL", therapist_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE consultation_reviews SET reply_text = NULL, replied_at = NULL
         WHERE therapist_id = $1 AND reply_text IS NOT NULL",
        therapist_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody finds or books the therapist any more. The version after it; none without a profile.
pub(super) async fn empty_profile(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    name: &str,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "UPDATE therapist_profiles
         SET display_name = $2, bio = '', certifications = '{}', years_of_experience = 0, consultation_kinds = '{online}',
             region_codes = '{}', search_name = '', search_text = '', approval_status = 'suspended', decided_at = now(),
             decision_reason = NULL, licence_valid_until = NULL, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        therapist_id,
        name,
    )
    .fetch_optional(conn)
    .await
}
