//! Nobody waits for ever to be erased.

use aipoten_kit::Checked;
use sqlx::PgConnection;

pub(super) async fn check(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    Ok(vec![Checked { name: "no erasure waits for its money for two months", broken: late(conn).await? }])
}

/// A therapist's last sessions settle in the month after, and are paid in it.
async fn late(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('account %s: to be erased since %s', user_id, begun_at) AS "it!"
           FROM erasures WHERE cleared_at IS NULL AND begun_at < now() - interval '60 days'"#,
    )
    .fetch_all(conn)
    .await
}
