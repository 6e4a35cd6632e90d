//! Tells those who keep copies that an administrator changed what everyone sees.

use aipoten_events::{Aggregate, publish};
use aipoten_kit::{Caller, Result};
use aipoten_proto::content::v1::ContentChanged;
use sqlx::PgConnection;
use uuid::Uuid;

/// In the transaction of the change; the relay is woken after its commit. The version is the one after the change.
pub(crate) async fn announce(
    conn: &mut PgConnection,
    caller: &Caller,
    kind: &'static str,
    id: Uuid,
    version: i64,
) -> Result<()> {
    let event = ContentChanged { kind: kind.to_owned(), id: id.to_string() };
    publish(conn, Aggregate { kind, id, seq: version }, &event, &caller.into()).await?;
    Ok(())
}
