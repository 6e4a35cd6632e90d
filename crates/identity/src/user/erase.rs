//! Erasure: asked for, taken back by signing in, carried out when the time has come.

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Result};
use aipoten_proto::identity::v1::UserDeleted;
use chrono::{TimeDelta, Utc};

use super::store;
use crate::audit::{self, Act};
use crate::session::{self, EndReason};
use crate::{App, child, consent};

pub(super) async fn request(app: &App, caller: &Caller) -> Result<()> {
    let user = caller.user()?;
    user.require_fresh_proof()?;
    let due = Utc::now() + TimeDelta::seconds(app.config.erasure_grace_s.into());
    let mut tx = app.pool.begin().await?;
    store::set_erasure_due(&mut tx, user.id, due).await?;
    let ended = session::end_others(&mut tx, user.id, None, EndReason::Erasure).await?;
    audit::record(&mut tx, caller, &Act::done("user.erasure_requested", user.id, "user", user.id)).await?;
    tx.commit().await?;
    session::revoked(app, user.id, &ended);
    Ok(())
}

/// Erases the accounts whose time has come, each in a transaction of its own.
pub(crate) async fn erase_due(app: &App) -> anyhow::Result<()> {
    while erase_next(app).await? {
        app.relay.wake();
    }
    Ok(())
}

async fn erase_next(app: &App) -> Result<bool> {
    let system = Caller { request_id: "erasure".to_owned(), ..Caller::default() };
    let mut tx = app.pool.begin().await?;
    let Some(user_id) = store::lock_erasure_due(&mut tx).await? else { return Ok(false) };
    child::erase_all(&mut tx, &system, user_id).await?;
    consent::erase(&mut tx, user_id).await?;
    let version = store::erase(&mut tx, user_id).await?;
    audit::record(&mut tx, &system, &Act::done("user.erased", user_id, "user", user_id)).await?;
    let aggregate = Aggregate { kind: "user", id: user_id, seq: version };
    let context = Context { actor: Some("identity".to_owned()), ..Context::default() };
    publish(&mut tx, aggregate, &UserDeleted { user_id: user_id.to_string() }, &context).await?;
    tx.commit().await?;
    Ok(true)
}
