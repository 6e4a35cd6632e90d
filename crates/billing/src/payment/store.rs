//! SQL of payments.

use std::time::Duration;

use aipoten_kit::{Page, Won};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Payment, Status};
use crate::provider::{Charge, Checkout, Method, Name};

/// Which payments a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) user_id: Option<Uuid>,
    pub(crate) package_id: Option<Uuid>,
    pub(crate) status: Option<Status>,
}

/// A payment that begins.
#[derive(Debug)]
pub(super) struct NewPayment<'a> {
    pub(super) id: Uuid,
    pub(super) package_id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) therapist_id: Uuid,
    pub(super) total_sessions: i16,
    pub(super) original_amount: Won,
    pub(super) total_amount: Won,
    pub(super) provider: Name,
    pub(super) order_id: &'a str,
    /// How long it can be paid.
    pub(super) time: Duration,
}

pub(super) async fn insert(conn: &mut PgConnection, new: &NewPayment<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO payments (id, package_id, user_id, therapist_id, payment_type, total_sessions, original_amount, discount_amount,
             total_amount, provider, order_id, expires_at)
         VALUES ($1, $2, $3, $4, CASE WHEN $5 = 1::smallint THEN 'single_session' ELSE 'package' END, $5, $6, $7, $8, $9, $10,
             now() + make_interval(secs => $11))",
        new.id,
        new.package_id,
        new.user_id,
        new.therapist_id,
        new.total_sessions,
        new.original_amount as Won,
        (new.original_amount - new.total_amount) as Won,
        new.total_amount as Won,
        new.provider as Name,
        new.order_id,
        new.time.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// With its row locked: all that happens to a payment and its refunds waits for it.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as!(
        Payment,
        r#"SELECT id, package_id, user_id, therapist_id, total_sessions, original_amount AS "original_amount: Won",
             discount_amount AS "discount_amount: Won", total_amount AS "total_amount: Won",
             refunded_amount AS "refunded_amount: Won", payment_method AS "payment_method: Method",
             payment_status AS "payment_status: Status", provider AS "provider: Name", order_id, provider_key, transaction_id,
             client_key, client_secret, checkout_url, virtual_account, refund_account, failure_code, expires_at, paid_at, reversed_at,
             reversals, sync_at, sync_tries, unknown_since, created_at, version
           FROM payments WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// A payment of this parent.
pub(super) async fn find(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as!(
        Payment,
        r#"SELECT id, package_id, user_id, therapist_id, total_sessions, original_amount AS "original_amount: Won",
             discount_amount AS "discount_amount: Won", total_amount AS "total_amount: Won",
             refunded_amount AS "refunded_amount: Won", payment_method AS "payment_method: Method",
             payment_status AS "payment_status: Status", provider AS "provider: Name", order_id, provider_key, transaction_id,
             client_key, client_secret, checkout_url, virtual_account, refund_account, failure_code, expires_at, paid_at, reversed_at,
             reversals, sync_at, sync_tries, unknown_since, created_at, version
           FROM payments WHERE id = $1 AND user_id = $2"#,
        id,
        user_id,
    )
    .fetch_optional(conn)
    .await
}

/// A payment that another one of its package would come on top of.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: Uuid,
    pub(super) status: Status,
    /// It can still be confirmed.
    pub(super) is_open: bool,
}

/// The one that is paid before one that is under way.
pub(super) async fn live(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Option<Live>> {
    sqlx::query_as!(
        Live,
        r#"SELECT id, payment_status AS "status: Status", payment_status = 'pending' AND expires_at > now() AS "is_open!"
           FROM payments
           WHERE package_id = $1 AND payment_status IN ('pending', 'confirming', 'completed', 'partially_refunded')
           ORDER BY array_position(ARRAY['completed', 'partially_refunded', 'confirming'], payment_status) LIMIT 1"#,
        package_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn page(conn: &mut PgConnection, filter: &Filter, page: Page) -> sqlx::Result<Vec<Payment>> {
    sqlx::query_as!(
        Payment,
        r#"SELECT id, package_id, user_id, therapist_id, total_sessions, original_amount AS "original_amount: Won",
             discount_amount AS "discount_amount: Won", total_amount AS "total_amount: Won",
             refunded_amount AS "refunded_amount: Won", payment_method AS "payment_method: Method",
             payment_status AS "payment_status: Status", provider AS "provider: Name", order_id, provider_key, transaction_id,
             client_key, client_secret, checkout_url, virtual_account, refund_account, failure_code, expires_at, paid_at, reversed_at,
             reversals, sync_at, sync_tries, unknown_since, created_at, version
           FROM payments
           WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR package_id = $2)
             AND ($3::text IS NULL OR payment_status = $3)
           ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5"#,
        filter.user_id,
        filter.package_id,
        filter.status as Option<Status>,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM payments
             WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR package_id = $2)
               AND ($3::text IS NULL OR payment_status = $3) LIMIT $4) AS counted"#,
        filter.user_id,
        filter.package_id,
        filter.status as Option<Status>,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// Unless somebody else has made one meanwhile.
pub(super) async fn set_checkout(
    conn: &mut PgConnection,
    id: Uuid,
    checkout: &Checkout,
    client_secret: Option<&[u8]>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments
         SET client_key = $2, client_secret = $3, checkout_url = $4, transaction_id = coalesce($5, transaction_id),
             updated_at = now(), version = version + 1
         WHERE id = $1 AND payment_status = 'pending' AND num_nonnulls(client_key, client_secret, checkout_url) = 0",
        id,
        checkout.client_key,
        client_secret,
        checkout.checkout_url,
        checkout.transaction_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The parent authorised it. Should nobody take in what the provider answers, it is read after `lease`.
pub(super) async fn set_confirming(
    conn: &mut PgConnection,
    id: Uuid,
    provider_key: &str,
    lease: Duration,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments
         SET payment_status = 'confirming', provider_key = $2, sync_at = now() + make_interval(secs => $3), sync_tries = 0,
             synced_at = now(), unknown_since = now(), updated_at = now(), version = version + 1
         WHERE id = $1",
        id,
        provider_key,
        lease.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The money is here, less what went back before.
pub(super) async fn complete(conn: &mut PgConnection, payment: &Payment, charge: &Charge) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE payments
         SET payment_status = CASE refunded_amount WHEN 0 THEN 'completed' WHEN total_amount THEN 'refunded'
               ELSE 'partially_refunded' END,
             transaction_id = $2, payment_method = coalesce($3, payment_method), paid_at = coalesce($4, now()), reversed_at = NULL,
             failure_code = NULL, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        payment.id,
        charge.transaction_id,
        charge.method as Option<Method>,
        charge.charged_at,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn reverse(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE payments
         SET payment_status = 'confirming', reversed_at = now(), reversals = reversals + 1, updated_at = now(),
             version = version + 1
         WHERE id = $1 RETURNING version",
        id,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn await_deposit(
    conn: &mut PgConnection,
    id: Uuid,
    charge: &Charge,
    virtual_account: Option<&[u8]>,
    due_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments
         SET payment_status = 'confirming', transaction_id = $2, payment_method = coalesce($3, payment_method),
             virtual_account = $4, expires_at = coalesce($5, expires_at), updated_at = now(), version = version + 1
         WHERE id = $1",
        id,
        charge.transaction_id,
        charge.method as Option<Method>,
        virtual_account,
        due_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Failed or expired.
pub(super) async fn give_up(
    conn: &mut PgConnection,
    id: Uuid,
    status: Status,
    failure_code: Option<&str>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE payments SET payment_status = $2, failure_code = $3, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        id,
        status as Status,
        failure_code,
    )
    .fetch_one(conn)
    .await
}

/// A person has to look first.
pub(super) async fn hold_up(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET payment_status = 'confirming', updated_at = now(), version = version + 1 WHERE id = $1",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The provider has said how it stands, and what can be paid back where it was charged.
pub(super) async fn set_told(conn: &mut PgConnection, id: Uuid, balance: Option<Won>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET provider_balance = $2, unknown_since = NULL, sync_tries = 0 WHERE id = $1",
        id,
        balance as Option<Won>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The provider has not said how it stands.
pub(super) async fn doubt(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET unknown_since = coalesce(unknown_since, now()), sync_tries = sync_tries + 1 WHERE id = $1",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Plans the next reading after one that held `lease`, or none. A reading that somebody asked for meanwhile stays.
pub(super) async fn read_next(
    conn: &mut PgConnection,
    id: Uuid,
    lease: Option<DateTime<Utc>>,
    pause: Option<Duration>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments
         SET sync_at = CASE WHEN sync_at IS NOT DISTINCT FROM $2 THEN now() + make_interval(secs => $3)
               ELSE least(sync_at, now() + make_interval(secs => $3)) END
         WHERE id = $1",
        id,
        lease,
        pause.map(|pause| pause.as_secs_f64()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It is read again: at once, but not within five seconds of the last time.
pub(crate) async fn read_soon(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET sync_at = least(sync_at, greatest(now(), synced_at + interval '5 seconds')) WHERE id = $1",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Payments whose time is over: they may have been charged all the same.
pub(super) async fn read_overdue(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET sync_at = now() WHERE id IN (
             SELECT id FROM payments WHERE payment_status = 'pending' AND expires_at <= now() AND sync_at IS NULL
             FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Payments of which a provider has not said what became of them.
pub(super) struct Unknown {
    pub(super) provider: Name,
    pub(super) payments: f64,
    /// For how many seconds the oldest has been so.
    pub(super) oldest: f64,
}

pub(super) async fn unknown(conn: &mut PgConnection) -> sqlx::Result<Vec<Unknown>> {
    sqlx::query_as!(
        Unknown,
        r#"SELECT provider AS "provider: Name", count(*)::float8 AS "payments!",
             extract(epoch FROM now() - min(unknown_since))::float8 AS "oldest!"
           FROM payments WHERE unknown_since IS NOT NULL GROUP BY provider"#,
    )
    .fetch_all(conn)
    .await
}

/// While a provider has not said what became of payments, one of them is read each minute, each in its turn.
pub(super) async fn read_one_unknown(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET sync_at = now() WHERE id IN (
             SELECT DISTINCT ON (provider) id FROM payments unknown
             WHERE unknown_since IS NOT NULL AND NOT EXISTS (
                 SELECT FROM payments asked
                 WHERE asked.provider = unknown.provider AND asked.unknown_since IS NOT NULL
                   AND asked.synced_at > now() - interval '1 minute')
             ORDER BY provider, synced_at)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A provider answers again: all that it owed an answer for are read, but those that somebody has just asked for.
pub(super) async fn read_unknown_now(conn: &mut PgConnection, provider: Name) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET sync_at = now() WHERE id IN (
             SELECT id FROM payments
             WHERE provider = $1 AND unknown_since IS NOT NULL AND synced_at < now() - interval '5 seconds' AND sync_at > now()
             FOR UPDATE SKIP LOCKED)",
        provider as Name,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A payment that is to be read, claimed for `lease`: nobody else reads it meanwhile.
pub(super) async fn claim(conn: &mut PgConnection, lease: Duration) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as!(
        Payment,
        r#"UPDATE payments SET sync_at = now() + make_interval(secs => $1), synced_at = now()
           WHERE id = (SELECT id FROM payments WHERE sync_at <= now() ORDER BY sync_at LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING id, package_id, user_id, therapist_id, total_sessions, original_amount AS "original_amount: Won",
             discount_amount AS "discount_amount: Won", total_amount AS "total_amount: Won",
             refunded_amount AS "refunded_amount: Won", payment_method AS "payment_method: Method",
             payment_status AS "payment_status: Status", provider AS "provider: Name", order_id, provider_key, transaction_id,
             client_key, client_secret, checkout_url, virtual_account, refund_account, failure_code, expires_at, paid_at, reversed_at,
             reversals, sync_at, sync_tries, unknown_since, created_at, version"#,
        lease.as_secs_f64(),
    )
    .fetch_optional(conn)
    .await
}

/// The package was given up: what is not charged yet is not charged any more.
pub(crate) async fn end_time(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET expires_at = least(expires_at, now()), updated_at = now(), version = version + 1
         WHERE package_id = $1 AND payment_status IN ('pending', 'confirming') AND virtual_account IS NULL AND reversed_at IS NULL",
        package_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The payment that a message of a provider names.
pub(super) async fn named(
    conn: &mut PgConnection,
    provider: Name,
    order_id: Option<&str>,
    transaction_id: Option<&str>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM payments WHERE provider = $1 AND (order_id = $2 OR ($2 IS NULL AND transaction_id = $3))",
        provider as Name,
        order_id,
        transaction_id,
    )
    .fetch_optional(conn)
    .await
}

/// False when the event is there already.
pub(crate) async fn keep_event(
    conn: &mut PgConnection,
    provider: Name,
    event_id: &str,
    payment_id: Uuid,
    kind: &str,
    body: &Value,
) -> sqlx::Result<bool> {
    let kept = sqlx::query!(
        "INSERT INTO payment_events (id, provider, event_id, payment_id, kind, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT payment_events_once DO NOTHING",
        Uuid::now_v7(),
        provider as Name,
        event_id,
        payment_id,
        kind,
        body,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

pub(super) async fn set_refund_account(conn: &mut PgConnection, id: Uuid, account: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET refund_account = $2, updated_at = now(), version = version + 1 WHERE id = $1",
        id,
        account,
    )
    .execute(conn)
    .await?;
    Ok(())
}
