//! Tells those who keep copies that what everyone sees has changed.

use aipoten_events::{Aggregate, Context, publish};
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

/// The same of many of a kind at once, by nobody who is signed in.
pub(crate) async fn announce_many(conn: &mut PgConnection, kind: &'static str) -> sqlx::Result<()> {
    let event = ContentChanged { kind: kind.to_owned(), id: String::new() };
    let context = Context { actor: Some("content".to_owned()), ..Context::default() };
    publish(conn, Aggregate { kind, id: Uuid::now_v7(), seq: 1 }, &event, &context).await?;
    Ok(())
}
