//! Sessions: one per device that is signed in, with an access token for fifteen minutes and a refresh token to go on.

mod access;
mod cache;
mod device;
mod end;
mod grpc;
mod lockout;
pub(crate) mod metrics;
mod refresh;
mod refresh_token;
mod sign_in;
mod store;

use aipoten_kit::{Caller, Error, Result, Role};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::user::{self, User};
use crate::{App, config};
pub(crate) use cache::Cache;
pub(crate) use end::{EndReason, end_others, revoked, take_revocations};
pub(crate) use lockout::{forget_failures, reserve_mail};
use refresh_token::{RefreshKey, RefreshToken};

/// A device that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: Uuid,
    user_id: Uuid,
    role: Role,
    /// Of the account, as the role is.
    email_verified: bool,
    device_label: Option<String>,
    user_agent: String,
    ip: String,
    amr: Vec<String>,
    auth_time: DateTime<Utc>,
    refresh_counter: i64,
    rotated_at: DateTime<Utc>,
    idle_expires_at: DateTime<Utc>,
    absolute_expires_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl Session {
    fn expires_at(&self) -> DateTime<Utc> {
        self.idle_expires_at.min(self.absolute_expires_at)
    }
}

/// What a session is used with.
struct Tokens {
    access: String,
    access_s: i64,
    refresh: String,
    refresh_expires_at: DateTime<Utc>,
    session_id: Uuid,
}

fn idle(config: &config::Session) -> TimeDelta {
    TimeDelta::seconds(config.idle_s.into())
}

fn tokens(app: &App, session: &Session, key: &RefreshKey) -> Result<Tokens> {
    // No access token outlives its session.
    let left = (session.expires_at() - Utc::now()).num_seconds().max(0);
    metrics::note_token("access");
    let access_s = left.min(app.config.session.access_s.into());
    Ok(Tokens {
        access: access::sign(app, session, access_s)?,
        access_s,
        refresh: RefreshToken::of(session, key).to_string(),
        refresh_expires_at: session.expires_at(),
        session_id: session.id,
    })
}

/// Forgets failures that count no longer.
pub(crate) async fn forget_old_attempts(app: &App) -> Result<()> {
    store::delete_old_attempts(&mut *app.pool.acquire().await?, &app.config.lockout).await
}

/// Redis knows what has just ended; PostgreSQL has the record.
async fn is_live(app: &App, session_id: Uuid) -> Result<bool> {
    if app.cache.has_ended(session_id).await {
        return Ok(false);
    }
    let mut conn = app.pool.acquire().await?;
    Ok(store::find_live(&mut conn, session_id).await?.is_some())
}

async fn current(app: &App, caller: &Caller) -> Result<(User, Session)> {
    let signed_in = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let session = store::find_live(&mut conn, signed_in.session_id).await?;
    let session = session.ok_or_else(Error::unauthenticated)?;
    let user = user::find(app, &mut conn, signed_in.id).await?;
    Ok((user, session))
}

async fn list(app: &App, caller: &Caller) -> Result<Vec<Session>> {
    let user = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    store::list_live(&mut conn, user.id).await
}

/// What a role may do, for client apps to show the right screens; the services decide by role and relation.
fn permissions(role: Role) -> &'static [&'static str] {
    match role {
        Role::Parent => &["account:write", "children:write", "assessments:write", "videos:read"],
        Role::Therapist => &["account:write", "videos:read"],
        Role::Admin => &["account:write", "questions:write", "videos:write", "categories:write"],
    }
}
