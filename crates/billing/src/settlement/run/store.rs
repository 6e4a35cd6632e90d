//! SQL of runs.

use aipoten_kit::{BasisPoints, Won};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::compute::{Computed, Earning, Input, Unsettled};
use super::tax::{Policy, VatMode};
use crate::bank_account::PayeeKind;
use crate::settlement::LineKind;
use crate::settlement::period::Period;

/// Those who have no settlement of the month and sessions that belong into one: what [`lock_unsettled`] finds.
pub(super) async fn therapists_to_settle(conn: &mut PgConnection, period: Period) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT DISTINCT s.therapist_id FROM sessions s
         WHERE s.occurred_at < $1 AND s.session_fee > s.refunded_amount + s.cancellation_fee
           AND (s.outcome <> 'completed' OR s.report_submitted_at < $1 OR s.occurred_at >= $2)
           AND (s.disputed_at IS NULL OR s.dispute_decided_at IS NOT NULL)
           AND EXISTS (
               SELECT FROM payments p
               WHERE p.package_id = s.package_id AND p.reversed_at IS NULL
                 AND p.payment_status IN ('completed', 'partially_refunded', 'refunded'))
           AND NOT EXISTS (
               SELECT FROM settlement_details d
               WHERE d.consultation_id = s.consultation_id AND d.settlement_status = 'settled')
           AND NOT EXISTS (
               SELECT FROM settlements t WHERE t.therapist_id = s.therapist_id AND t.settlement_period_start = $3)
         ORDER BY s.therapist_id",
        period.cut_off,
        period.begins_at,
        period.first_day,
    )
    .fetch_all(conn)
    .await
}

/// Nobody else settles anything for this therapist before the transaction ends.
pub(super) async fn lock_therapist(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('settlement/' || $1::text, 0))",
        therapist_id.to_string()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn is_settled(conn: &mut PgConnection, therapist_id: Uuid, period: Period) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM settlements WHERE therapist_id = $1 AND settlement_period_start = $2) AS "settled!""#,
        therapist_id,
        period.first_day,
    )
    .fetch_one(conn)
    .await
}

/// The payments of sessions that may be settled: none is taken back meanwhile.
pub(super) async fn lock_payments(conn: &mut PgConnection, therapist_id: Uuid, period: Period) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM payments
         WHERE package_id IN (
             SELECT s.package_id FROM sessions s
             WHERE s.therapist_id = $1 AND s.occurred_at < $2
               AND NOT EXISTS (
                   SELECT FROM settlement_details d
                   WHERE d.consultation_id = s.consultation_id AND d.settlement_status = 'settled'))
         ORDER BY id FOR SHARE",
        therapist_id,
        period.cut_off,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Sessions that were paid for and of which something is left, in no open dispute: those that are due, and those of the month that
/// wait for their report. By their time.
pub(super) async fn lock_unsettled(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    period: Period,
) -> sqlx::Result<Vec<Unsettled>> {
    sqlx::query_as!(
        Unsettled,
        r#"SELECT s.consultation_id, s.package_id, s.session_number,
             CASE s.outcome WHEN 'completed' THEN 'session' WHEN 'no_show' THEN 'no_show' ELSE 'late_cancel' END
               AS "kind!: LineKind",
             s.occurred_at AS "occurred_at!", s.report_submitted_at, s.session_fee AS "session_fee: Won",
             s.platform_fee AS "platform_fee: Won", s.refunded_amount AS "refunded_amount: Won",
             s.cancellation_fee AS "cancellation_fee: Won", o.platform_fee_bp AS "platform_fee_rate: BasisPoints"
           FROM sessions s JOIN orders o ON o.package_id = s.package_id
           WHERE s.therapist_id = $1 AND s.occurred_at < $2
             AND (s.outcome <> 'completed' OR s.report_submitted_at < $2 OR s.occurred_at >= $3)
             AND s.session_fee > s.refunded_amount + s.cancellation_fee
             AND (s.disputed_at IS NULL OR s.dispute_decided_at IS NOT NULL)
             AND EXISTS (
                 SELECT FROM payments p
                 WHERE p.package_id = s.package_id AND p.reversed_at IS NULL
                   AND p.payment_status IN ('completed', 'partially_refunded', 'refunded'))
             AND NOT EXISTS (
                 SELECT FROM settlement_details d
                 WHERE d.consultation_id = s.consultation_id AND d.settlement_status = 'settled')
           ORDER BY s.occurred_at, s.consultation_id FOR UPDATE OF s"#,
        therapist_id,
        period.cut_off,
        period.begins_at,
    )
    .fetch_all(conn)
    .await
}

/// The policy in force when the month ended.
pub(super) async fn policy(conn: &mut PgConnection, period: Period) -> sqlx::Result<Option<Policy>> {
    sqlx::query_as!(
        Policy,
        r#"SELECT id, income_tax_bp AS "income_tax_bp: BasisPoints", local_tax_bp AS "local_tax_bp: BasisPoints", tax_unit,
             smallest_income_tax AS "smallest_income_tax: Won", vat_mode AS "vat_mode: VatMode", vat_bp AS "vat_bp: BasisPoints"
           FROM settlement_policies WHERE tstzrange(valid_from, valid_to) @> $1::timestamptz"#,
        period.last_moment(),
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn insert(conn: &mut PgConnection, id: Uuid, input: &Input, computed: &Computed) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO settlements (id, therapist_id, settlement_period_start, settlement_period_end, total_sessions,
             settled_sessions, pending_sessions, total_session_fee, total_platform_fee, settlement_amount, carried_debt,
             income_tax, local_tax, final_amount, payee_kind, policy_id, input_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        id,
        input.therapist_id,
        input.period.first_day,
        input.period.last_day,
        computed.settled_sessions + computed.pending_sessions,
        computed.settled_sessions,
        computed.pending_sessions,
        computed.total_session_fee as Won,
        computed.total_platform_fee as Won,
        computed.settlement_amount as Won,
        computed.carried_debt as Won,
        computed.withheld.income_tax as Won,
        computed.withheld.local_tax as Won,
        computed.final_amount as Won,
        input.payee as PayeeKind,
        input.policy.id,
        &computed.input_hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_lines(conn: &mut PgConnection, id: Uuid, earnings: &[Earning]) -> sqlx::Result<()> {
    let lines = || earnings.iter().map(|earning| &earning.line);
    sqlx::query!(
        "INSERT INTO settlement_details (settlement_id, consultation_id, session_number, kind, occurred_at, session_fee,
             platform_fee, net_amount, report_submitted_at, settlement_status)
         SELECT $1, line.* FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[],
             $8::bigint[], $9::timestamptz[], $10::text[]) AS line",
        id,
        &lines().map(|line| line.consultation_id).collect::<Vec<_>>(),
        &lines().map(|line| line.session_number).collect::<Vec<_>>(),
        &lines().map(|line| line.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &lines().map(|line| line.occurred_at).collect::<Vec<_>>(),
        &lines().map(|line| line.session_fee.0).collect::<Vec<_>>(),
        &lines().map(|line| line.platform_fee.0).collect::<Vec<_>>(),
        &lines().map(|line| line.net_amount.0).collect::<Vec<_>>(),
        &lines().map(|line| line.report_submitted_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &lines().map(|line| line.settlement_status.as_str().to_owned()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many settlements a month has, and what is to be transferred for it.
pub(super) async fn totals(conn: &mut PgConnection, period: Period) -> sqlx::Result<(i32, Won)> {
    let row = sqlx::query!(
        r#"SELECT count(*)::int AS "settlements!", coalesce(sum(final_amount), 0)::bigint AS "final_amount!: Won"
           FROM settlements WHERE settlement_period_start = $1"#,
        period.first_day,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.settlements, row.final_amount))
}
