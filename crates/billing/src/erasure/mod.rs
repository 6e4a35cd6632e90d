//! Accounts that are to be erased: identity waits until no money of them is open.

mod store;

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::Result;
use aipoten_proto::billing::v1::ErasureCleared;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;

/// Again it changes nothing.
pub(crate) async fn begin(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    store::insert(conn, user_id).await
}

/// Tells of those of whom nothing is open any more; a job.
pub(crate) async fn clear(app: &App) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let cleared = store::clear(&mut tx).await?;
    for user_id in &cleared {
        let event = ErasureCleared { user_id: user_id.to_string() };
        let context = Context { actor: Some("billing".to_owned()), ..Context::default() };
        publish(&mut tx, Aggregate { kind: "user", id: *user_id, seq: 1 }, &event, &context).await?;
    }
    tx.commit().await?;
    if !cleared.is_empty() {
        app.relay.wake();
    }
    Ok(())
}
