//! Each session settles once, when it is due, at its price; and a payout is what its lines say.

use aipoten_kit::Checked;
use sqlx::PgConnection;

pub(super) async fn check(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![
        Checked { name: "each session settles at most once, and is booked when it does", broken: twice(conn).await? },
        Checked { name: "a held session settles only when it is reported", broken: unreported(conn).await? },
        Checked { name: "a disputed session settles only when it is decided", broken: undecided(conn).await? },
        Checked { name: "fee and net are the price, and no more settles than is left", broken: prices(conn).await? },
        Checked { name: "a payout is its lines less taxes and carried debt", broken: payouts(conn).await? },
    ])
}

async fn twice(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"WITH booked AS (
             SELECT split_part(journal.source, ':', 2) AS consultation_id, sum(entry.amount) AS amount
             FROM journals journal
             JOIN journal_entries entry ON entry.journal_id = journal.id
             JOIN accounts account ON account.id = entry.account_id AND account.kind = 'customer_prepaid'
             WHERE journal.kind = 'settled' GROUP BY 1),
           settled AS (
             SELECT consultation_id::text AS consultation_id, count(*) AS times, sum(session_fee) AS amount
             FROM settlement_details WHERE settlement_status = 'settled' GROUP BY 1)
           SELECT format('session %s: settled %s times at %s won, %s booked', coalesce(settled.consultation_id, booked.consultation_id),
             coalesce(times, 0), coalesce(settled.amount, 0), coalesce(booked.amount, 0)) AS "it!"
           FROM settled FULL JOIN booked ON booked.consultation_id = settled.consultation_id
           WHERE times > 1 OR coalesce(settled.amount, 0) <> coalesce(booked.amount, 0)"#,
    )
    .fetch_all(conn)
    .await
}

async fn unreported(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('session %s: settled as %s, %s, reported at %s', session.consultation_id, line.kind, session.outcome,
             session.report_submitted_at) AS "it!"
           FROM settlement_details line JOIN sessions session ON session.consultation_id = line.consultation_id
           WHERE line.settlement_status = 'settled' AND line.kind = 'session'
             AND (session.report_submitted_at IS NULL OR session.outcome IS DISTINCT FROM 'completed')"#,
    )
    .fetch_all(conn)
    .await
}

/// As far as billing knew of the dispute when it settled: its refund tells when it came.
async fn undecided(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('session %s: settled at %s, disputed at %s, decided at %s', session.consultation_id, settlement.created_at,
             refund.requested_at, session.dispute_decided_at) AS "it!"
           FROM settlement_details line
           JOIN settlements settlement ON settlement.id = line.settlement_id
           JOIN sessions session ON session.consultation_id = line.consultation_id
           JOIN refunds refund ON refund.consultation_id = session.consultation_id AND refund.refund_reason = 'dispute'
           WHERE line.settlement_status = 'settled' AND refund.requested_at < settlement.created_at
             AND coalesce(session.dispute_decided_at, 'infinity') > settlement.created_at"#,
    )
    .fetch_all(conn)
    .await
}

/// What was paid back after it had settled does not count against it.
async fn prices(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('session %s: %s won for %s and %s, %s cost', line.consultation_id, line.session_fee, line.net_amount,
             line.platform_fee, session.session_fee) AS "it!"
           FROM settlement_details line
           JOIN settlements settlement ON settlement.id = line.settlement_id
           JOIN sessions session ON session.consultation_id = line.consultation_id
           WHERE line.net_amount + line.platform_fee <> line.session_fee
              OR line.settlement_status = 'settled' AND line.session_fee > session.session_fee - session.cancellation_fee
                 - CASE WHEN session.dispute_decided_at > settlement.created_at THEN 0 ELSE session.refunded_amount END"#,
    )
    .fetch_all(conn)
    .await
}

async fn payouts(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('settlement %s: %s won, its lines are worth %s', settlement.id, final_amount, line.net) AS "it!"
           FROM settlements settlement, LATERAL (
             SELECT coalesce(sum(net_amount) FILTER (WHERE settlement_status = 'settled'), 0) AS net,
               count(*) FILTER (WHERE settlement_status = 'settled') AS settled, count(*) AS lines
             FROM settlement_details WHERE settlement_id = settlement.id) AS line
           WHERE final_amount <> line.net - income_tax - local_tax - carried_debt OR settlement_amount <> line.net
              OR settled_sessions <> line.settled OR total_sessions <> line.lines"#,
    )
    .fetch_all(conn)
    .await
}
