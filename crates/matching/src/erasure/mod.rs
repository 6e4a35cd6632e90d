//! What remains here when identity has erased a child or an account: what money hangs on, under ids that name nobody.

mod account;
mod child;
mod store;

use aipoten_kit::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) use account::erase as account;
pub(crate) use child::erase as child;

/// Until the transaction ends the child is not erased; not found where it was. First in every transaction that keeps
/// something new of a child.
pub(crate) async fn require_not_erased(conn: &mut PgConnection, child_id: Uuid) -> Result<()> {
    store::lock_shared(conn, child_id).await?;
    // A statement of its own: it sees what was committed while the lock was waited for.
    if store::is_erased(conn, child_id).await? { Err(Error::NotFound("child")) } else { Ok(()) }
}

/// Whether the child was erased; under a lock that its erasure takes as well.
pub(crate) async fn is_erased(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<bool> {
    store::is_erased(conn, child_id).await
}
