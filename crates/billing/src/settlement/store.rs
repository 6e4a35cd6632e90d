//! SQL of settlements.

use aipoten_kit::{Page, Won};
use sqlx::PgConnection;
use uuid::Uuid;

use super::period::Period;
use super::{Filter, Line, LineKind, LineStatus, Settlement, Status};
use crate::bank_account::PayeeKind;

/// A confirmed settlement that is to be transferred.
pub(super) struct Transfer {
    pub(super) id: Uuid,
    pub(super) bank_account: Option<Vec<u8>>,
    pub(super) final_amount: Won,
    pub(super) version: i64,
}

/// The newest month first.
pub(super) async fn page(conn: &mut PgConnection, filter: &Filter, page: Page) -> sqlx::Result<Vec<Settlement>> {
    sqlx::query_as!(
        Settlement,
        r#"SELECT id, therapist_id, settlement_period_start, settlement_period_end, total_sessions, settled_sessions,
             pending_sessions, total_session_fee AS "total_session_fee: Won", total_platform_fee AS "total_platform_fee: Won",
             settlement_amount AS "settlement_amount: Won", carried_debt AS "carried_debt: Won", income_tax AS "income_tax: Won",
             local_tax AS "local_tax: Won", final_amount AS "final_amount: Won", payee_kind AS "payee_kind: PayeeKind",
             bank_account, status AS "status: Status", input_hash, confirmed_at, paid_at, created_at, version
           FROM settlements
           WHERE ($1::date IS NULL OR settlement_period_start = $1) AND ($2::text IS NULL OR status = $2)
             AND ($3::uuid IS NULL OR therapist_id = $3)
           ORDER BY settlement_period_start DESC, id LIMIT $4 OFFSET $5"#,
        filter.period,
        filter.status.map(Status::as_str),
        filter.therapist_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM settlements
               WHERE ($1::date IS NULL OR settlement_period_start = $1) AND ($2::text IS NULL OR status = $2)
                 AND ($3::uuid IS NULL OR therapist_id = $3)
               LIMIT $4) AS found"#,
        filter.period,
        filter.status.map(Status::as_str),
        filter.therapist_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// Of this therapist alone, where one is given.
pub(super) async fn find(
    conn: &mut PgConnection,
    id: Uuid,
    therapist_id: Option<Uuid>,
) -> sqlx::Result<Option<Settlement>> {
    sqlx::query_as!(
        Settlement,
        r#"SELECT id, therapist_id, settlement_period_start, settlement_period_end, total_sessions, settled_sessions,
             pending_sessions, total_session_fee AS "total_session_fee: Won", total_platform_fee AS "total_platform_fee: Won",
             settlement_amount AS "settlement_amount: Won", carried_debt AS "carried_debt: Won", income_tax AS "income_tax: Won",
             local_tax AS "local_tax: Won", final_amount AS "final_amount: Won", payee_kind AS "payee_kind: PayeeKind",
             bank_account, status AS "status: Status", input_hash, confirmed_at, paid_at, created_at, version
           FROM settlements WHERE id = $1 AND ($2::uuid IS NULL OR therapist_id = $2)"#,
        id,
        therapist_id,
    )
    .fetch_optional(conn)
    .await
}

/// What happens to a settlement happens under this lock.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("SELECT id FROM settlements WHERE id = $1 FOR UPDATE", id).fetch_optional(conn).await?;
    Ok(())
}

/// By their time.
pub(super) async fn lines(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"SELECT consultation_id, session_number, kind AS "kind: LineKind", occurred_at, session_fee AS "session_fee: Won",
             platform_fee AS "platform_fee: Won", net_amount AS "net_amount: Won", report_submitted_at,
             settlement_status AS "settlement_status: LineStatus"
           FROM settlement_details WHERE settlement_id = $1 ORDER BY occurred_at, consultation_id"#,
        id,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn confirm(conn: &mut PgConnection, id: Uuid, account: Option<&[u8]>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE settlements SET status = 'confirmed', confirmed_at = now(), bank_account = $2, updated_at = now(),
             version = version + 1
         WHERE id = $1",
        id,
        account,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn mark_paid(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE settlements SET status = 'paid', paid_at = now(), updated_at = now(), version = version + 1 WHERE id = $1",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn to_transfer(conn: &mut PgConnection, period: Period) -> sqlx::Result<Vec<Transfer>> {
    sqlx::query_as!(
        Transfer,
        r#"SELECT id, bank_account, final_amount AS "final_amount: Won", version FROM settlements
           WHERE settlement_period_start = $1 AND status = 'confirmed' AND final_amount > 0 ORDER BY therapist_id"#,
        period.first_day,
    )
    .fetch_all(conn)
    .await
}

/// Won of the settlements of the last twelve months by their status.
pub(crate) struct Sums {
    pub(crate) pending: f64,
    pub(crate) confirmed: f64,
    pub(crate) paid: f64,
}

pub(crate) async fn sums(conn: &mut PgConnection) -> sqlx::Result<Sums> {
    sqlx::query_as!(
        Sums,
        r#"SELECT coalesce(sum(final_amount) FILTER (WHERE status = 'pending'), 0)::float8 AS "pending!",
             coalesce(sum(final_amount) FILTER (WHERE status = 'confirmed'), 0)::float8 AS "confirmed!",
             coalesce(sum(final_amount) FILTER (WHERE status = 'paid'), 0)::float8 AS "paid!"
           FROM settlements WHERE settlement_period_start > current_date - interval '1 year'"#,
    )
    .fetch_one(conn)
    .await
}
