//! What must always be true of matching's database, whatever failed and whenever it is looked at.

use aipoten_kit::Checked;
use sqlx::PgConnection;
use uuid::Uuid;

/// Everything that must be true, and where it is not.
pub async fn check_invariants(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![
        Checked { name: "no two entries take the same time of a therapist or child", broken: overlaps(conn).await? },
        Checked { name: "a session with a time has exactly one entry in the calendar", broken: entries(conn).await? },
        Checked { name: "an entry in the calendar has a session with its time", broken: strays(conn).await? },
        Checked { name: "the credits of a package add up and are its sessions to come", broken: credits(conn).await? },
        Checked { name: "the sessions of a package add up to its price", broken: prices(conn).await? },
        Checked { name: "a package that runs is paid", broken: unpaid(conn).await? },
        Checked { name: "no package and no request is past its deadline", broken: late(conn).await? },
    ])
}

/// The packages that were paid, and the payment that each runs on: (package, payment).
pub async fn paid_packages(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        r#"SELECT id, payment_id AS "payment_id!" FROM consultation_packages
           WHERE payment_id IS NOT NULL AND status NOT IN ('pending_payment', 'expired')"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.payment_id)).collect())
}

async fn overlaps(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('entries %s and %s of therapist %s', one.id, other.id, one.therapist_id) AS "it!"
           FROM calendar_entries one
           JOIN calendar_entries other ON other.therapist_id = one.therapist_id AND other.occupied && one.occupied
           WHERE one.id < other.id
           UNION ALL
           SELECT format('entries %s and %s of child %s', one.id, other.id, one.child_id)
           FROM calendar_entries one
           JOIN calendar_entries other ON other.child_id = one.child_id AND other.session && one.session
           WHERE one.id < other.id"#,
    )
    .fetch_all(conn)
    .await
}

async fn entries(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('session %s, %s at %s: %s entries', session.id, session.status, session.scheduled_at, count(entry)) AS "it!"
           FROM consultations session
           LEFT JOIN calendar_entries entry ON entry.consultation_id = session.id AND entry.kind = 'session'
             AND entry.session = tstzrange(session.scheduled_at, session.ends_at)
           WHERE session.status IN ('scheduled', 'in_progress')
           GROUP BY session.id HAVING count(entry) <> 1"#,
    )
    .fetch_all(conn)
    .await
}

/// What is over keeps its entry, and what was given up has none.
async fn strays(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('entry %s, %s, of session %s, %s', entry.id, entry.kind, session.id, session.status) AS "it!"
           FROM calendar_entries entry JOIN consultations session ON session.id = entry.consultation_id
           WHERE CASE entry.kind WHEN 'hold' THEN session.status <> 'pending_payment' AND entry.hold_until > now()
                 ELSE session.status NOT IN ('scheduled', 'in_progress', 'completed', 'no_show') END"#,
    )
    .fetch_all(conn)
    .await
}

async fn credits(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('package %s, %s: %s used, %s paid back and %s left of %s, %s to come', package.id, package.status,
             used_sessions, refunded_sessions, remaining_sessions, total_sessions, session.to_come) AS "it!"
           FROM consultation_packages package, LATERAL (
             SELECT count(*) AS sessions,
               count(*) FILTER (WHERE status IN ('pending_payment', 'unscheduled', 'scheduled', 'in_progress')) AS to_come
             FROM consultations WHERE package_id = package.id) AS session
           WHERE used_sessions + refunded_sessions + remaining_sessions <> total_sessions
              OR least(used_sessions, refunded_sessions, remaining_sessions) < 0
              OR remaining_sessions <> session.to_come OR total_sessions <> session.sessions"#,
    )
    .fetch_all(conn)
    .await
}

async fn prices(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('package %s: %s won for sessions of %s', package.id, discounted_price, sum(session_fee)) AS "it!"
           FROM consultation_packages package JOIN consultations session ON session.package_id = package.id
           GROUP BY package.id
           HAVING sum(session_fee) <> discounted_price OR bool_or(platform_fee NOT BETWEEN 0 AND session_fee)
             OR bool_or(refund_amount > session_fee)"#,
    )
    .fetch_all(conn)
    .await
}

async fn unpaid(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('package %s, %s', id, status) AS "it!" FROM consultation_packages
           WHERE status IN ('active', 'completed') AND payment_id IS NULL"#,
    )
    .fetch_all(conn)
    .await
}

async fn late(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('package %s: held until %s', id, hold_expires_at) AS "it!" FROM consultation_packages
           WHERE status = 'pending_payment' AND hold_expires_at < now() - interval '5 minutes'
           UNION ALL
           SELECT format('request %s: to be answered until %s', id, expires_at) FROM matching_requests
           WHERE status = 'pending' AND expires_at < now() - interval '5 minutes'"#,
    )
    .fetch_all(conn)
    .await
}
