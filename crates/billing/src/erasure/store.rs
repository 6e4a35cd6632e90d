//! SQL of erasures.

use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn insert(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO erasures (user_id) VALUES ($1) ON CONFLICT DO NOTHING", user_id).execute(conn).await?;
    Ok(())
}

/// Those of whom nothing is open from now on. Open is a payment that may still come, a refund that has not gone, a paid session of
/// which nobody knows what became; of therapists also one that can still settle, and a settlement that is to be paid. A deposit that
/// was taken back is not: there is nothing here. A session without a report will never have one.
pub(super) async fn clear(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "UPDATE erasures erasure SET cleared_at = now()
         WHERE cleared_at IS NULL
           AND NOT EXISTS (
               SELECT FROM payments p
               WHERE p.user_id = erasure.user_id AND p.reversed_at IS NULL AND (
                   p.payment_status IN ('pending', 'confirming')
                   OR EXISTS (
                       SELECT FROM refunds r
                       WHERE r.payment_id = p.id AND r.refund_status IN ('requested', 'processing', 'failed'))))
           AND NOT EXISTS (
               SELECT FROM settlements t
               WHERE t.therapist_id = erasure.user_id AND t.status <> 'paid' AND t.final_amount > 0)
           AND NOT EXISTS (
               SELECT FROM sessions s JOIN payments p ON p.package_id = s.package_id
               WHERE erasure.user_id IN (p.user_id, s.therapist_id)
                 AND p.paid_at IS NOT NULL AND p.reversed_at IS NULL
                 AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id AND r.consultation_id IS NULL)
                 AND (s.outcome IS NULL OR s.therapist_id = erasure.user_id
                     AND (s.outcome <> 'completed' OR s.report_submitted_at IS NOT NULL)
                     AND s.session_fee > s.refunded_amount + s.cancellation_fee
                     AND NOT EXISTS (
                         SELECT FROM settlement_details d
                         WHERE d.consultation_id = s.consultation_id AND d.settlement_status = 'settled')))
         RETURNING user_id",
    )
    .fetch_all(conn)
    .await
}
