//! What must always be true of a service's events.

use aipoten_kit::Checked;
use sqlx::PgConnection;

/// Everything that must be true of the events in this database, and where it is not.
pub async fn check_invariants(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![
        Checked { name: "every event is sent or younger than 60 s", broken: unsent(conn).await? },
        Checked { name: "no event was given up or forgotten by who takes it in", broken: failed(conn).await? },
    ])
}

async fn unsent(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('event %s of %s: %s, tried %s times', id, created_at, type, attempts) AS "it!" FROM outbox
           WHERE sent_at IS NULL AND created_at < now() - interval '60 seconds' ORDER BY id LIMIT 1000"#,
    )
    .fetch_all(conn)
    .await
}

async fn failed(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('event %s: %s, %s: %s', event_id, type, state, error) AS "it!" FROM failed_events
           WHERE state = 'dead' OR state = 'waiting' AND next_at < now() - interval '10 minutes'
           ORDER BY event_id LIMIT 1000"#,
    )
    .fetch_all(conn)
    .await
}
