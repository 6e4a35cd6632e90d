//! Children that identity has erased stay erased here: what was begun in that moment finds out before it is kept.

use aipoten_kit::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

/// Until the transaction ends the child is not erased; not found where it was. First in every transaction that keeps
/// something new of a child.
pub(crate) async fn require_not_erased(conn: &mut PgConnection, child_id: Uuid) -> Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('child ' || $1::text, 0))",
        child_id.to_string()
    )
    .execute(&mut *conn)
    .await?;
    // A statement of its own: it sees what was committed while the lock was waited for.
    let erased =
        sqlx::query_scalar!("SELECT EXISTS (SELECT FROM erased_children WHERE child_id = $1) AS \"erased!\"", child_id)
            .fetch_one(conn)
            .await?;
    if erased { Err(Error::NotFound("child")) } else { Ok(()) }
}

/// From the end of the transaction on nothing of this child is kept. Waits for what is being kept now: it can be erased
/// after that.
pub(crate) async fn remember(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('child ' || $1::text, 0))", child_id.to_string())
        .execute(&mut *conn)
        .await?;
    sqlx::query!("INSERT INTO erased_children (child_id) VALUES ($1) ON CONFLICT DO NOTHING", child_id)
        .execute(conn)
        .await?;
    Ok(())
}
