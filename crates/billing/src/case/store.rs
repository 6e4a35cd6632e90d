//! SQL of cases.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Finding;

/// False when it is open already.
pub(super) async fn open(conn: &mut PgConnection, finding: &Finding<'_>) -> sqlx::Result<bool> {
    let opened = sqlx::query!(
        "INSERT INTO reconciliation_cases (id, kind, provider, payment_id, subject, details) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (kind, provider, subject) WHERE closed_at IS NULL DO NOTHING",
        Uuid::now_v7(),
        finding.kind as _,
        finding.provider as _,
        finding.payment_id,
        finding.subject,
        finding.details,
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected() == 1)
}
