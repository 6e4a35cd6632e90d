//! Erasure: asked for, taken back by signing in, begun when the time has come, carried out when nothing is open anywhere.

use aipoten_events::{Aggregate, Context, Failure, publish};
use aipoten_kit::{Caller, Page, Result, Role};
use aipoten_proto::identity::v1::{ErasureBegun, ErasureRequested, UserDeleted};
use aipoten_proto::timestamp;
use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{event, store};
use crate::audit::{self, Act};
use crate::session::{self, EndReason};
use crate::{App, care, child, consent, mail_token};

/// What is to be done of an erasure now.
pub(super) enum Due {
    Begin,
    Erase,
}

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

/// An erasure that waits for others.
pub(super) struct Erasure {
    pub(super) user_id: Uuid,
    pub(super) role: Role,
    pub(super) begun_at: DateTime<Utc>,
    pub(super) cleared_by: Vec<String>,
}

pub(super) async fn list(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Erasure>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    Ok((store::waiting_erasures(&mut conn, page).await?, store::count_waiting_erasures(&mut conn).await?))
}

/// Signing in takes a request back, before it has begun.
pub(super) async fn take_back(conn: &mut PgConnection, caller: &Caller, user_id: Uuid) -> Result<()> {
    if store::clear_erasure_due(conn, user_id).await? {
        audit::record(conn, caller, &Act::done("user.erasure_taken_back", user_id, "user", user_id)).await?;
    }
    Ok(())
}

/// A service has nothing open of the account.
pub(crate) async fn cleared(conn: &mut PgConnection, user_id: &str, service: &str) -> Result<(), Failure> {
    let user_id = aipoten_proto::uuid(user_id).map_err(|_| anyhow!("the event holds no id"))?;
    Ok(store::keep_clearance(conn, user_id, service).await?)
}

/// Goes on with the accounts whose time has come, each in a transaction of its own: one that fails holds up no other.
pub(crate) async fn erase_due(app: &App) -> anyhow::Result<()> {
    let due = store::list_erasure_due(&mut *app.pool.acquire().await?).await?;
    for user_id in due {
        match go_on(app, user_id).await.map_err(anyhow::Error::from) {
            Ok(()) => app.relay.wake(),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(stream = "error", %user_id, error, "an account could not be erased");
            }
        }
    }
    Ok(())
}

async fn go_on(app: &App, user_id: Uuid) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let ended = match store::lock_erasure_due(&mut tx, user_id).await? {
        // Taken back meanwhile, or at work in another process.
        None => return Ok(()),
        Some(Due::Begin) => {
            begin(&mut tx, user_id).await?;
            Vec::new()
        }
        Some(Due::Erase) => erase(&mut tx, user_id).await?,
    };
    tx.commit().await?;
    session::revoked(app, user_id, &ended);
    Ok(())
}

/// Others are to end what is open.
async fn begin(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    let aggregate = Aggregate { kind: "user", id: user_id, seq: store::begin_erasure(conn, user_id).await? };
    publish(conn, aggregate, &ErasureBegun { user_id: user_id.to_string() }, &by_itself()).await?;
    Ok(())
}

/// Answers the sessions that ended: somebody may have signed in while it was waited for others.
async fn erase(conn: &mut PgConnection, user_id: Uuid) -> Result<Vec<Uuid>> {
    let system = Caller { request_id: "erasure".to_owned(), ..Caller::default() };
    let ended = session::end_others(conn, user_id, None, EndReason::Erasure).await?;
    child::erase_all(conn, &system, user_id).await?;
    consent::erase(conn, user_id).await?;
    care::erase(conn, user_id).await?;
    mail_token::end_all(conn, user_id).await?;
    let version = store::erase(conn, user_id).await?;
    audit::record(conn, &system, &Act::done("user.erased", user_id, "user", user_id)).await?;
    let aggregate = Aggregate { kind: "user", id: user_id, seq: version };
    publish(conn, aggregate, &UserDeleted { user_id: user_id.to_string() }, &by_itself()).await?;
    Ok(ended)
}

fn by_itself() -> Context {
    Context { actor: Some("identity".to_owned()), ..Context::default() }
}
