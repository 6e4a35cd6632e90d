//! Nothing goes back twice, nothing that was not paid, and nothing is forgotten on its way.

use aipoten_kit::Checked;
use sqlx::PgConnection;

pub(super) async fn check(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![
        Checked { name: "refunds never exceed what was captured", broken: of_payments(conn).await? },
        Checked { name: "what goes back of a session is what its refund says", broken: of_sessions(conn).await? },
        Checked { name: "every refund is booked when it is decided and when it is done", broken: booked(conn).await? },
        Checked { name: "no event pays back twice", broken: twice(conn).await? },
        Checked { name: "a disputed session waits for its decision", broken: disputes(conn).await? },
        Checked { name: "no refund is past its deadline", broken: late(conn).await? },
    ])
}

async fn of_payments(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('payment %s: %s won are to go back of %s, %s have gone, of which %s are counted', payment.id, refunds.decided,
             total_amount, refunds.completed, refunded_amount) AS "it!"
           FROM payments payment, LATERAL (
             SELECT coalesce(sum(refund_amount) FILTER (WHERE refund_status <> 'rejected'), 0) AS decided,
               coalesce(sum(refund_amount) FILTER (WHERE refund_status = 'completed'), 0) AS completed
             FROM refunds WHERE payment_id = payment.id) AS refunds
           WHERE refunds.decided > CASE WHEN paid_at IS NULL THEN 0 ELSE total_amount END
              OR refunds.completed <> refunded_amount"#,
    )
    .fetch_all(conn)
    .await
}

async fn of_sessions(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('session %s: %s won of %s are to go back, its refund is of %s', session.consultation_id, refunded_amount,
             session_fee, refund.amount) AS "it!"
           FROM sessions session, LATERAL (
             SELECT coalesce(sum(refund_amount), 0) AS amount FROM refunds
             WHERE consultation_id = session.consultation_id AND refund_status IN ('processing', 'completed', 'failed')) AS refund
           WHERE refund.amount <> refunded_amount OR refunded_amount + cancellation_fee > session_fee"#,
    )
    .fetch_all(conn)
    .await
}

async fn booked(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"WITH cleared AS (
             SELECT journal.source, sum(entry.amount) AS amount
             FROM journals journal
             JOIN journal_entries entry ON entry.journal_id = journal.id
             JOIN accounts account ON account.id = entry.account_id AND account.kind = 'refund_clearing'
             GROUP BY journal.source)
           SELECT format('refund %s of %s won, %s: %s booked when decided, %s when done', refund.id, refund_amount, refund_status,
             coalesce(decided.amount, 0), coalesce(done.amount, 0)) AS "it!"
           FROM refunds refund
           LEFT JOIN cleared decided ON decided.source = 'refund_decided:' || refund.id
           LEFT JOIN cleared done ON done.source = 'refund_done:' || refund.id
           WHERE coalesce(decided.amount, 0) <>
                 CASE WHEN refund_status IN ('processing', 'failed', 'completed') THEN -refund_amount ELSE 0 END
              OR coalesce(done.amount, 0) <> CASE refund_status WHEN 'completed' THEN refund_amount ELSE 0 END"#,
    )
    .fetch_all(conn)
    .await
}

async fn twice(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('event %s: %s refunds of payment %s', source_event, count(*), payment_id) AS "it!"
           FROM refunds GROUP BY source_event, payment_id HAVING count(*) > 1
           UNION ALL
           SELECT format('session %s: %s refunds', consultation_id, count(*))
           FROM refunds WHERE refund_status <> 'rejected' AND consultation_id IS NOT NULL
           GROUP BY consultation_id HAVING count(*) > 1
           UNION ALL
           SELECT format('%s is booked %s times', source, count(*)) FROM journals GROUP BY source HAVING count(*) > 1"#,
    )
    .fetch_all(conn)
    .await
}

async fn disputes(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('session %s: disputed at %s, decided at %s', session.consultation_id, disputed_at, dispute_decided_at)
             AS "it!"
           FROM sessions session
           WHERE (disputed_at IS NOT NULL AND dispute_decided_at IS NULL) <> EXISTS (
             SELECT FROM refunds WHERE consultation_id = session.consultation_id AND refund_status = 'requested')"#,
    )
    .fetch_all(conn)
    .await
}

async fn late(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('refund %s: asked about at %s, decided at %s', refund.id, next_at, refund.updated_at) AS "it!"
           FROM refunds refund JOIN payments payment ON payment.id = refund.payment_id
           WHERE refund_status = 'processing' AND reversed_at IS NULL AND (next_at < now() - interval '10 minutes'
             OR refund.updated_at < now() - interval '24 hours' AND NOT EXISTS (
               SELECT FROM reconciliation_cases WHERE kind = 'refund' AND subject = refund.id::text))"#,
    )
    .fetch_all(conn)
    .await
}
