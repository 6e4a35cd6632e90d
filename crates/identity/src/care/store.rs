use sqlx::PgConnection;
use uuid::Uuid;

use super::CareRelation;

/// Nothing is kept of a child that is not there any more.
pub(super) async fn keep(conn: &mut PgConnection, relation: &CareRelation) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO care_relations AS kept (package_id, therapist_id, child_id, until, seq)
         SELECT $1, $2, id, $4, $5 FROM children WHERE id = $3 FOR KEY SHARE
         ON CONFLICT (package_id) DO UPDATE SET until = excluded.until, seq = excluded.seq WHERE kept.seq < excluded.seq",
        relation.package_id,
        relation.therapist_id,
        relation.child_id,
        relation.until,
        relation.seq,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn sharer(conn: &mut PgConnection, therapist_id: Uuid, child_id: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT g.user_id FROM child_caregivers g
         WHERE g.child_id = $2 AND g.role = 'owner' AND g.revoked_at IS NULL
           AND EXISTS (
               SELECT FROM care_relations r
               WHERE r.therapist_id = $1 AND r.child_id = $2 AND (r.until IS NULL OR r.until > now())
           )
           AND EXISTS (
               SELECT FROM consents c WHERE c.user_id = g.user_id AND c.kind = 'guardian' AND c.withdrawn_at IS NULL
           )
           AND EXISTS (
               SELECT FROM consents c
               WHERE c.user_id = g.user_id AND c.kind = 'child_sensitive_data' AND c.withdrawn_at IS NULL
           )",
        therapist_id,
        child_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn delete_all(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM care_relations WHERE therapist_id = $1", therapist_id).execute(conn).await?;
    Ok(())
}
