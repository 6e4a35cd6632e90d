//! The ledger balances, and says what the tables say.

use aipoten_kit::Checked;
use sqlx::PgConnection;

pub(super) async fn check(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![
        Checked { name: "every journal sums to 0", broken: unbalanced(conn).await? },
        Checked { name: "all entries sum to 0", broken: sum(conn).await? },
        Checked { name: "a payment is booked while it is here, and not otherwise", broken: payments(conn).await? },
        Checked { name: "what is paid ahead is what the sessions to settle are worth", broken: prepaid(conn).await? },
        Checked { name: "what is on its way back is what the open refunds say", broken: clearing(conn).await? },
        Checked { name: "what therapists are owed is what their settlements say", broken: payable(conn).await? },
    ])
}

async fn unbalanced(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('journal %s (%s): %s won', journal.id, journal.source, sum(entry.amount)) AS "it!"
           FROM journals journal JOIN journal_entries entry ON entry.journal_id = journal.id
           GROUP BY journal.id HAVING sum(entry.amount) <> 0"#,
    )
    .fetch_all(conn)
    .await
}

async fn sum(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"SELECT format('%s won', sum(amount)) AS "it!" FROM journal_entries HAVING sum(amount) <> 0"#)
        .fetch_all(conn)
        .await
}

async fn payments(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"WITH booked AS (
             SELECT split_part(journal.source, ':', 2) AS payment_id, sum(entry.amount) AS amount
             FROM journals journal
             JOIN journal_entries entry ON entry.journal_id = journal.id
             JOIN accounts account ON account.id = entry.account_id AND account.kind = 'provider_receivable'
             WHERE journal.kind IN ('paid', 'reversed')
             GROUP BY 1),
           here AS (
             SELECT id::text AS payment_id, CASE
               WHEN reversed_at IS NULL AND payment_status IN ('completed', 'partially_refunded', 'refunded') THEN total_amount
               ELSE 0 END AS amount
             FROM payments)
           SELECT format('payment %s: %s won booked of %s', coalesce(here.payment_id, booked.payment_id),
             coalesce(booked.amount, 0), coalesce(here.amount, 0)) AS "it!"
           FROM here FULL JOIN booked ON booked.payment_id = here.payment_id
           WHERE coalesce(booked.amount, 0) <> coalesce(here.amount, 0)"#,
    )
    .fetch_all(conn)
    .await
}

/// Of packages that run on one payment, all sessions that are not settled; of those whose payment matching refused, the ones that had
/// come to their end. Where two came and none is refused yet, or a deposit was taken back, there is nothing to compare with.
async fn prepaid(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"WITH came AS (
             SELECT package_id, bool_or(reversed_at IS NOT NULL) AS is_reversed, count(*) FILTER (WHERE NOT EXISTS (
               SELECT FROM refunds WHERE payment_id = payment.id AND consultation_id IS NULL)) AS running
             FROM payments payment WHERE paid_at IS NOT NULL GROUP BY package_id),
           worth AS (
             SELECT session.package_id, sum(session.session_fee - session.refunded_amount - session.cancellation_fee) AS amount
             FROM sessions session JOIN came ON came.package_id = session.package_id
             WHERE (came.running = 1 OR session.outcome IS NOT NULL)
               AND NOT EXISTS (SELECT FROM journals WHERE source = 'settled:' || session.consultation_id)
             GROUP BY session.package_id),
           booked AS (
             SELECT account.owner, -sum(entry.amount) AS amount
             FROM accounts account JOIN journal_entries entry ON entry.account_id = account.id
             WHERE account.kind = 'customer_prepaid' GROUP BY account.owner)
           SELECT format('package %s: %s won booked, its sessions are worth %s', package.package_id, coalesce(booked.amount, 0),
             coalesce(worth.amount, 0)) AS "it!"
           FROM orders package
           LEFT JOIN came ON came.package_id = package.package_id
           LEFT JOIN worth ON worth.package_id = package.package_id
           LEFT JOIN booked ON booked.owner = package.package_id::text
           WHERE coalesce(came.running, 0) <= 1 AND came.is_reversed IS NOT TRUE
             AND coalesce(booked.amount, 0) <> coalesce(worth.amount, 0)"#,
    )
    .fetch_all(conn)
    .await
}

async fn clearing(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('%s won booked, %s open', booked.amount, open.amount) AS "it!"
           FROM (SELECT coalesce(-sum(entry.amount), 0) AS amount
                 FROM accounts account JOIN journal_entries entry ON entry.account_id = account.id
                 WHERE account.kind = 'refund_clearing') AS booked,
                (SELECT coalesce(sum(refund_amount), 0) AS amount
                 FROM refunds WHERE refund_status IN ('processing', 'failed')) AS open
           WHERE booked.amount <> open.amount"#,
    )
    .fetch_all(conn)
    .await
}

async fn payable(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"WITH booked AS (
             SELECT account.owner AS therapist_id, -sum(entry.amount) AS amount
             FROM accounts account JOIN journal_entries entry ON entry.account_id = account.id
             WHERE account.kind = 'therapist_payable' GROUP BY account.owner),
           owed AS (
             SELECT therapist_id::text AS therapist_id,
               sum(settlement_amount - carried_debt) FILTER (WHERE status <> 'paid') AS amount
             FROM settlements GROUP BY therapist_id)
           SELECT format('therapist %s: %s won booked, %s owed', coalesce(booked.therapist_id, owed.therapist_id),
             coalesce(booked.amount, 0), coalesce(owed.amount, 0)) AS "it!"
           FROM booked FULL JOIN owed ON owed.therapist_id = booked.therapist_id
           WHERE coalesce(booked.amount, 0) <> coalesce(owed.amount, 0)"#,
    )
    .fetch_all(conn)
    .await
}
