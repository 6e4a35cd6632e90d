//! SQL of reports.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Report, Status, Texts, Wanted};
use crate::consultation::Consultation;

/// The report of a session, for its therapist, and once it is handed in for its parent.
pub(crate) async fn find(
    conn: &mut PgConnection,
    consultation_id: Uuid,
    user_id: Uuid,
) -> sqlx::Result<Option<Report>> {
    let row = sqlx::query!(
        r#"SELECT r.id, c.child_id, r.child_assessment, r.session_content, r.home_activities, r.next_session_goal,
             r.next_session_suggestions, r.recommended_video_ids, r.status AS "status: Status", r.submitted_at, r.amended_at,
             r.created_at, r.version
           FROM consultation_reports r JOIN consultations c ON c.id = r.consultation_id
           WHERE c.id = $1 AND (c.therapist_id = $2 OR (c.parent_user_id = $2 AND r.status = 'submitted'))"#,
        consultation_id,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Report {
        id: row.id,
        consultation_id,
        child_id: row.child_id,
        texts: Texts {
            child_assessment: row.child_assessment,
            session_content: row.session_content,
            home_activities: row.home_activities,
            next_session_goal: row.next_session_goal,
            next_session_suggestions: row.next_session_suggestions,
        },
        recommended_video_ids: row.recommended_video_ids,
        status: row.status,
        submitted_at: row.submitted_at,
        amended_at: row.amended_at,
        created_at: row.created_at,
        version: row.version,
    }))
}

/// Writes the report of a session, under the lock of its package. The first handing in stays what it was.
pub(crate) async fn put(
    conn: &mut PgConnection,
    id: Uuid,
    consultation: &Consultation,
    wanted: &Wanted,
    texts: &Texts<Vec<u8>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO consultation_reports AS kept (id, consultation_id, therapist_id, child_assessment, session_content,
             home_activities, next_session_goal, next_session_suggestions, recommended_video_ids, status, submitted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE $10 WHEN 'submitted' THEN now() END)
         ON CONFLICT (consultation_id) DO UPDATE
         SET child_assessment = excluded.child_assessment, session_content = excluded.session_content,
             home_activities = excluded.home_activities, next_session_goal = excluded.next_session_goal,
             next_session_suggestions = excluded.next_session_suggestions,
             recommended_video_ids = excluded.recommended_video_ids, status = excluded.status,
             submitted_at = coalesce(kept.submitted_at, excluded.submitted_at),
             amended_at = CASE kept.status WHEN 'submitted' THEN now() END, updated_at = now(), version = kept.version + 1",
        id,
        consultation.id,
        consultation.therapist_id,
        texts.child_assessment,
        texts.session_content,
        texts.home_activities,
        texts.next_session_goal,
        texts.next_session_suggestions,
        &wanted.recommended_video_ids,
        wanted.status as Status,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what stands in a report before it is amended.
pub(crate) async fn keep_version(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO consultation_report_versions (report_id, version, child_assessment, session_content, home_activities,
             next_session_goal, next_session_suggestions, recommended_video_ids)
         SELECT id, version, child_assessment, session_content, home_activities, next_session_goal,
             next_session_suggestions, recommended_video_ids
         FROM consultation_reports WHERE id = $1",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All reports on a child, with their earlier versions.
pub(crate) async fn erase_child(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM consultation_reports WHERE consultation_id IN (SELECT id FROM consultations WHERE child_id = $1)",
        child_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}
