//! Erasure: asked for, taken back by signing in, carried out when the time has come.

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Result};
use aipoten_proto::identity::v1::{ErasureRequested, UserDeleted};
use aipoten_proto::timestamp;
use chrono::{TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{event, store};
use crate::audit::{self, Act};
use crate::session::{self, EndReason};
use crate::{App, care, child, consent, mail_token};

pub(super) async fn request(app: &App, caller: &Caller) -> Result<()> {
    let user = caller.user()?;
    user.require_fresh_proof()?;
    let due = Utc::now() + TimeDelta::seconds(app.config.erasure_grace_s.into());
    let mut tx = app.pool.begin().await?;
    store::set_erasure_due(&mut tx, user.id, due).await?;
    let ended = session::end_others(&mut tx, user.id, None, EndReason::Erasure).await?;
    audit::record(&mut tx, caller, &Act::done("user.erasure_requested", user.id, "user", user.id)).await?;
    let requested = ErasureRequested { user_id: user.id.to_string(), due_at: Some(timestamp(due)) };
    event::publish(&mut tx, caller, user.id, &requested).await?;
    tx.commit().await?;
    app.relay.wake();
    session::revoked(app, user.id, &ended);
    Ok(())
}

/// Signing in takes a request back.
pub(super) async fn take_back(conn: &mut PgConnection, caller: &Caller, user_id: Uuid) -> Result<()> {
    if store::clear_erasure_due(conn, user_id).await? {
        audit::record(conn, caller, &Act::done("user.erasure_taken_back", user_id, "user", user_id)).await?;
    }
    Ok(())
}

/// Erases the accounts whose time has come, each in a transaction of its own: one that fails holds up no other.
pub(crate) async fn erase_due(app: &App) -> anyhow::Result<()> {
    let due = store::list_erasure_due(&mut *app.pool.acquire().await?).await?;
    for user_id in due {
        match erase(app, user_id).await.map_err(anyhow::Error::from) {
            Ok(()) => app.relay.wake(),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(stream = "error", %user_id, error, "an account could not be erased");
            }
        }
    }
    Ok(())
}

async fn erase(app: &App, user_id: Uuid) -> Result<()> {
    let system = Caller { request_id: "erasure".to_owned(), ..Caller::default() };
    let mut tx = app.pool.begin().await?;
    if !store::lock_erasure_due(&mut tx, user_id).await? {
        // Taken back meanwhile, or at work in another process.
        return Ok(());
    }
    child::erase_all(&mut tx, &system, user_id).await?;
    consent::erase(&mut tx, user_id).await?;
    care::erase(&mut tx, user_id).await?;
    mail_token::end_all(&mut tx, user_id).await?;
    let version = store::erase(&mut tx, user_id).await?;
    audit::record(&mut tx, &system, &Act::done("user.erased", user_id, "user", user_id)).await?;
    let aggregate = Aggregate { kind: "user", id: user_id, seq: version };
    let context = Context { actor: Some("identity".to_owned()), ..Context::default() };
    publish(&mut tx, aggregate, &UserDeleted { user_id: user_id.to_string() }, &context).await?;
    tx.commit().await?;
    Ok(())
}
