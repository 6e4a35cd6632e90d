//! Payments stand where their providers say, and none is forgotten.

use aipoten_kit::Checked;
use sqlx::PgConnection;

pub(super) async fn check(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![
        Checked { name: "captured less paid back is what the provider holds", broken: balances(conn).await? },
        Checked { name: "the sessions of an order add up to its price", broken: prices(conn).await? },
        Checked { name: "no payment is unknown for a day without a case", broken: unknown(conn).await? },
        Checked { name: "no payment is past its deadline", broken: late(conn).await? },
    ])
}

/// Of payments that nobody is about to read. What a person has a case about is known.
async fn balances(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('payment %s: the provider holds %s won of %s, of which %s were paid back', payment.id, provider_balance,
             total_amount, paid_back.amount) AS "it!"
           FROM payments payment, LATERAL (
             SELECT coalesce(sum(refund_amount), 0) AS amount FROM refunds
             WHERE payment_id = payment.id AND refund_status = 'completed' AND NOT is_by_hand) AS paid_back
           WHERE payment_status IN ('completed', 'partially_refunded', 'refunded') AND reversed_at IS NULL AND sync_at IS NULL
             AND provider_balance <> total_amount - paid_back.amount
             AND NOT EXISTS (SELECT FROM refunds WHERE payment_id = payment.id AND refund_status = 'processing')
             AND NOT EXISTS (SELECT FROM reconciliation_cases WHERE payment_id = payment.id AND kind = 'refund')"#,
    )
    .fetch_all(conn)
    .await
}

async fn prices(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('package %s: %s won for sessions of %s', package.package_id, package.total_amount,
             coalesce(sum(session.session_fee), 0)) AS "it!"
           FROM orders package LEFT JOIN sessions session ON session.package_id = package.package_id
           GROUP BY package.package_id
           HAVING coalesce(sum(session.session_fee), 0) <> package.total_amount OR count(session) <> package.total_sessions
             OR bool_or(session.platform_fee NOT BETWEEN 0 AND session.session_fee)"#,
    )
    .fetch_all(conn)
    .await
}

async fn unknown(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('payment %s: unknown since %s', id, unknown_since) AS "it!" FROM payments payment
           WHERE unknown_since < now() - interval '24 hours'
             AND NOT EXISTS (SELECT FROM reconciliation_cases WHERE payment_id = payment.id)"#,
    )
    .fetch_all(conn)
    .await
}

async fn late(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('payment %s: %s, expires at %s, read at %s', id, payment_status, expires_at, sync_at) AS "it!"
           FROM payments
           WHERE payment_status = 'pending' AND expires_at < now() - interval '10 minutes' AND sync_at IS NULL
              OR payment_status = 'confirming' AND sync_at IS NULL
              OR sync_at < now() - interval '10 minutes'"#,
    )
    .fetch_all(conn)
    .await
}
