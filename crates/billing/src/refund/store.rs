//! SQL of refunds.

use std::time::Duration;

use aipoten_kit::{Page, Won};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Filter, Policy, Reason, Refund, Status};

/// A refund that begins.
#[derive(Debug)]
pub(super) struct NewRefund {
    pub(super) consultation_id: Option<Uuid>,
    pub(super) refund_amount: Won,
    pub(super) refund_reason: Reason,
    pub(super) refund_policy: Policy,
    pub(super) refund_status: Status,
    pub(super) source_event: Uuid,
}

/// What is decided is due at once.
pub(super) async fn insert(conn: &mut PgConnection, payment_id: Uuid, new: &NewRefund) -> sqlx::Result<Refund> {
    sqlx::query_as!(
        Refund,
        r#"INSERT INTO refunds (id, payment_id, consultation_id, refund_amount, refund_reason, refund_policy, refund_status,
             source_event, next_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $7 = 'processing' THEN now() END)
           RETURNING id, payment_id, consultation_id, refund_amount AS "refund_amount: Won",
             refund_reason AS "refund_reason: Reason", refund_policy AS "refund_policy: Policy",
             refund_status AS "refund_status: Status", is_by_hand, provider_refund_id, failure_code, tries, round, requested_at,
             processed_at, version"#,
        Uuid::now_v7(),
        payment_id,
        new.consultation_id,
        new.refund_amount as Won,
        new.refund_reason as Reason,
        new.refund_policy as Policy,
        new.refund_status as Status,
        new.source_event,
    )
    .fetch_one(conn)
    .await
}

/// Payments that came for a package and were not refused by matching: one, unless a refusal is still on its way.
pub(super) async fn paying(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM payments payment
         WHERE package_id = $1 AND paid_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM refunds WHERE payment_id = payment.id AND consultation_id IS NULL)",
        package_id,
    )
    .fetch_all(conn)
    .await
}

/// What is asked for or decided of a payment, paid back or not.
pub(super) async fn decided(conn: &mut PgConnection, payment_id: Uuid) -> sqlx::Result<Won> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(refund_amount), 0)::bigint AS "decided!: Won"
           FROM refunds WHERE payment_id = $1 AND refund_status <> 'rejected'"#,
        payment_id,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn payment_of(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("SELECT payment_id FROM refunds WHERE id = $1", id).fetch_optional(conn).await
}

/// With its row locked, after that of its payment.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Refund>> {
    sqlx::query_as!(
        Refund,
        r#"SELECT id, payment_id, consultation_id, refund_amount AS "refund_amount: Won",
             refund_reason AS "refund_reason: Reason", refund_policy AS "refund_policy: Policy",
             refund_status AS "refund_status: Status", is_by_hand, provider_refund_id, failure_code, tries, round, requested_at,
             processed_at, version
           FROM refunds WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// The refunds of a payment, the oldest first.
pub(crate) async fn of_payment(conn: &mut PgConnection, payment_id: Uuid) -> sqlx::Result<Vec<Refund>> {
    sqlx::query_as!(
        Refund,
        r#"SELECT id, payment_id, consultation_id, refund_amount AS "refund_amount: Won",
             refund_reason AS "refund_reason: Reason", refund_policy AS "refund_policy: Policy",
             refund_status AS "refund_status: Status", is_by_hand, provider_refund_id, failure_code, tries, round, requested_at,
             processed_at, version
           FROM refunds WHERE payment_id = $1 ORDER BY requested_at, id"#,
        payment_id,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn page(conn: &mut PgConnection, filter: &Filter, page: Page) -> sqlx::Result<Vec<Refund>> {
    sqlx::query_as!(
        Refund,
        r#"SELECT id, payment_id, consultation_id, refund_amount AS "refund_amount: Won",
             refund_reason AS "refund_reason: Reason", refund_policy AS "refund_policy: Policy",
             refund_status AS "refund_status: Status", is_by_hand, provider_refund_id, failure_code, tries, round, requested_at,
             processed_at, version
           FROM refunds
           WHERE ($1::text IS NULL OR refund_status = $1) AND ($2::uuid IS NULL OR payment_id = $2)
           ORDER BY requested_at DESC, id DESC LIMIT $3 OFFSET $4"#,
        filter.status as Option<Status>,
        filter.payment_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM refunds
             WHERE ($1::text IS NULL OR refund_status = $1) AND ($2::uuid IS NULL OR payment_id = $2) LIMIT $3) AS counted"#,
        filter.status as Option<Status>,
        filter.payment_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// Refunds that a provider is to be asked about. Of a payment one at a time: what a provider has done is told apart by it. Those of a
/// deposit that was taken back rest until it comes again.
pub(super) async fn due(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM refunds refund
         WHERE next_at <= now() AND NOT EXISTS (
             SELECT FROM refunds other
             WHERE other.payment_id = refund.payment_id AND other.refund_status = 'processing' AND other.id <> refund.id
               AND (other.tries > 0 OR refund.tries = 0 AND other.id < refund.id))
           AND NOT EXISTS (SELECT FROM payments WHERE id = refund.payment_id AND reversed_at IS NOT NULL)
         ORDER BY next_at LIMIT $1",
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Nobody else asks about it for so long. Under the lock of its payment; false where it is not due any more.
pub(super) async fn claim(conn: &mut PgConnection, id: Uuid, lease: Duration) -> sqlx::Result<bool> {
    let claimed = sqlx::query!(
        "UPDATE refunds refund SET tries = tries + 1, next_at = now() + make_interval(secs => $2)
         WHERE id = $1 AND next_at <= now() AND NOT EXISTS (
             SELECT FROM refunds other
             WHERE other.payment_id = refund.payment_id AND other.refund_status = 'processing' AND other.id <> refund.id
               AND (other.tries > 0 OR refund.tries = 0 AND other.id < refund.id))
           AND NOT EXISTS (SELECT FROM payments WHERE id = refund.payment_id AND reversed_at IS NOT NULL)",
        id,
        lease.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Asked about again after the pause. A provider's number once known stays known.
pub(super) async fn postpone(
    conn: &mut PgConnection,
    id: Uuid,
    pause: Duration,
    provider_refund_id: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refunds
         SET next_at = now() + make_interval(secs => $2), provider_refund_id = coalesce(provider_refund_id, $3)
         WHERE id = $1 AND refund_status = 'processing'",
        id,
        pause.as_secs_f64(),
        provider_refund_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Due at once: an administrator wants it, or what was missing is there.
pub(super) async fn process(conn: &mut PgConnection, refund: &Refund) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refunds
         SET refund_status = 'processing', refund_amount = $2, refund_policy = $3, round = $4, failure_code = NULL, tries = 0,
             provider_refund_id = NULL, next_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1",
        refund.id,
        refund.refund_amount as Won,
        refund.refund_policy as Policy,
        refund.round,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn complete(
    conn: &mut PgConnection,
    id: Uuid,
    provider_refund_id: Option<&str>,
    is_by_hand: bool,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE refunds
         SET refund_status = 'completed', provider_refund_id = coalesce($2, provider_refund_id), is_by_hand = $3,
             failure_code = NULL, next_at = NULL, processed_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        provider_refund_id,
        is_by_hand,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn fail(conn: &mut PgConnection, id: Uuid, code: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE refunds
         SET refund_status = 'failed', failure_code = $2, next_at = NULL, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        code,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn reject(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refunds
         SET refund_status = 'rejected', processed_at = now(), updated_at = now(), version = version + 1 WHERE id = $1",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn note_decision(conn: &mut PgConnection, id: Uuid, by: Uuid, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE refunds SET decided_by = $2, decision_reason = $3 WHERE id = $1", id, by, reason)
        .execute(conn)
        .await?;
    Ok(())
}

/// So much more of the payment was paid back.
pub(super) async fn count_paid_back(conn: &mut PgConnection, payment_id: Uuid, amount: Won) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments
         SET refunded_amount = refunded_amount + $2,
             payment_status = CASE WHEN refunded_amount + $2 = total_amount THEN 'refunded' ELSE 'partially_refunded' END,
             updated_at = now(), version = version + 1
         WHERE id = $1",
        payment_id,
        amount as Won,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the provider was asked to pay back of a payment and has.
pub(super) async fn paid_back_by_provider(conn: &mut PgConnection, payment_id: Uuid) -> sqlx::Result<Won> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(refund_amount), 0)::bigint AS "amount!: Won"
           FROM refunds WHERE payment_id = $1 AND refund_status = 'completed' AND NOT is_by_hand"#,
        payment_id,
    )
    .fetch_one(conn)
    .await
}

/// Refunds that failed with this code.
pub(super) async fn failed_with(conn: &mut PgConnection, payment_id: Uuid, code: &str) -> sqlx::Result<Vec<Refund>> {
    sqlx::query_as!(
        Refund,
        r#"SELECT id, payment_id, consultation_id, refund_amount AS "refund_amount: Won",
             refund_reason AS "refund_reason: Reason", refund_policy AS "refund_policy: Policy",
             refund_status AS "refund_status: Status", is_by_hand, provider_refund_id, failure_code, tries, round, requested_at,
             processed_at, version
           FROM refunds WHERE payment_id = $1 AND refund_status = 'failed' AND failure_code = $2 FOR UPDATE"#,
        payment_id,
        code,
    )
    .fetch_all(conn)
    .await
}

/// Notes that the parent's account is gone, on each of its payments.
pub(super) async fn note_deletion(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE payments SET user_deleted_at = coalesce(user_deleted_at, now()) WHERE user_id = $1", user_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether the parent's account in the platform was deleted, or is about to be.
pub(super) async fn is_parent_gone(conn: &mut PgConnection, payment_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT user_deleted_at IS NOT NULL OR EXISTS (SELECT FROM erasures WHERE user_id = payment.user_id) AS "gone!"
           FROM payments payment WHERE id = $1"#,
        payment_id,
    )
    .fetch_one(conn)
    .await
}

/// Answers that are kept to be given again.
pub(super) async fn forget_answers(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE caller_id = $1", user_id).execute(conn).await?;
    Ok(())
}

/// What names bank accounts of deleted parents goes where nothing is open: the payment stands, each session has come to its end, and
/// nothing is on its way back.
pub(super) async fn forget_accounts(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "UPDATE payments payment
         SET client_secret = NULL, virtual_account = NULL, refund_account = NULL, updated_at = now(), version = version + 1
         WHERE user_deleted_at IS NOT NULL
           AND (client_secret IS NOT NULL OR virtual_account IS NOT NULL OR refund_account IS NOT NULL)
           AND payment_status NOT IN ('pending', 'confirming')
           AND NOT EXISTS (SELECT FROM refunds
               WHERE payment_id = payment.id AND refund_status IN ('requested', 'processing', 'failed'))
           AND (payment_status IN ('failed', 'expired', 'refunded') OR NOT EXISTS (
               SELECT FROM sessions WHERE package_id = payment.package_id AND outcome IS NULL))",
    )
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}
