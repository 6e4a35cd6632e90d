//! SQL of bank accounts.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Payee, PayeeKind, Row};

pub(super) async fn find(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT account, payee_kind AS "payee_kind: PayeeKind", business_number, updated_at
           FROM therapist_bank_accounts WHERE therapist_id = $1"#,
        therapist_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn payee_kind(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Option<PayeeKind>> {
    sqlx::query_scalar!(
        r#"SELECT payee_kind AS "payee_kind: PayeeKind" FROM therapist_bank_accounts WHERE therapist_id = $1"#,
        therapist_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn put(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    account: &[u8],
    payee: &Payee,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "INSERT INTO therapist_bank_accounts (therapist_id, account, payee_kind, business_number) VALUES ($1, $2, $3, $4)
         ON CONFLICT (therapist_id) DO UPDATE SET account = excluded.account, payee_kind = excluded.payee_kind,
             business_number = excluded.business_number, updated_at = now()
         RETURNING updated_at",
        therapist_id,
        account,
        payee.kind as PayeeKind,
        payee.business_number,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn close(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE therapist_bank_accounts SET closed_at = coalesce(closed_at, now()) WHERE therapist_id = $1",
        therapist_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those with nothing open: no settlement that is still to be paid, and no session that was paid for and may still be settled. One
/// without a report will never have one.
pub(super) async fn delete_closed(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM therapist_bank_accounts account
         WHERE closed_at IS NOT NULL
           AND NOT EXISTS (
               SELECT FROM settlements s
               WHERE s.therapist_id = account.therapist_id AND s.status <> 'paid' AND s.final_amount > 0)
           AND NOT EXISTS (
               SELECT FROM sessions s
               WHERE s.therapist_id = account.therapist_id
                 AND (s.outcome IS DISTINCT FROM 'completed' OR s.report_submitted_at IS NOT NULL)
                 AND s.session_fee > s.refunded_amount + s.cancellation_fee
                 AND EXISTS (
                     SELECT FROM payments p
                     WHERE p.package_id = s.package_id AND p.reversed_at IS NULL
                       AND p.payment_status IN ('completed', 'partially_refunded', 'refunded'))
                 AND NOT EXISTS (
                     SELECT FROM settlement_details d
                     WHERE d.consultation_id = s.consultation_id AND d.settlement_status = 'settled'))
         RETURNING therapist_id",
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn forget_copies(conn: &mut PgConnection, therapist_ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE settlements SET bank_account = NULL, updated_at = now(), version = version + 1
         WHERE therapist_id = ANY ($1) AND bank_account IS NOT NULL",
        therapist_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}
