//! The end of sessions, and telling every process that checks their access tokens.

use aipoten_kit::{Caller, Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::App;
use crate::audit::{self, Act};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum EndReason {
    Logout,
    LogoutAll,
    EndedByUser,
    PasswordChanged,
    PasswordReset,
    RefreshReuse,
    Erasure,
    Superseded,
    Suspended,
    RoleChanged,
}

pub(super) async fn end_current(app: &App, caller: &Caller) -> Result<()> {
    let user = caller.user()?;
    match end(app, caller, &[user.session_id], EndReason::Logout).await {
        // Ended at another replica a moment ago.
        Err(Error::NotFound(_)) => Err(Error::unauthenticated()),
        ended => ended,
    }
}

pub(super) async fn end_one(app: &App, caller: &Caller, session_id: Uuid) -> Result<()> {
    end(app, caller, &[session_id], EndReason::EndedByUser).await
}

async fn end(app: &App, caller: &Caller, ids: &[Uuid], reason: EndReason) -> Result<()> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    let ended = store::end(&mut tx, user.id, ids, reason).await?;
    for id in &ended {
        audit::record(&mut tx, caller, &Act::done("session.ended", user.id, "session", *id)).await?;
    }
    tx.commit().await?;
    revoked(app, user.id, &ended);
    if ended.is_empty() { Err(Error::NotFound("session")) } else { Ok(()) }
}

pub(super) async fn end_all(app: &App, caller: &Caller) -> Result<()> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    let ended = store::end_others(&mut tx, user.id, None, EndReason::LogoutAll).await?;
    audit::record(&mut tx, caller, &Act::done("session.ended_all", user.id, "user", user.id)).await?;
    tx.commit().await?;
    revoked(app, user.id, &ended);
    Ok(())
}

/// Ends all sessions of an account, except one if it is named, in the transaction of what makes it necessary.
/// The ids go to [`revoked`] after the commit.
pub(crate) async fn end_others(
    conn: &mut PgConnection,
    user_id: Uuid,
    except: Option<Uuid>,
    reason: EndReason,
) -> Result<Vec<Uuid>> {
    store::end_others(conn, user_id, except, reason).await
}

/// Makes ended sessions known here at once; other processes ask for them twice a second.
pub(crate) fn revoked(app: &App, user_id: Uuid, session_ids: &[Uuid]) {
    let expires_at = Utc::now() + revocation_life(app);
    for id in session_ids {
        app.revocations.insert(*id, expires_at);
    }
    app.cache.ended(user_id, session_ids, revocation_life(app));
}

/// How long an access token of an ended session may still be shown: its life and the leeway of clocks.
fn revocation_life(app: &App) -> TimeDelta {
    TimeDelta::seconds(i64::from(app.config.session.access_s) + 5)
}

/// An ended session whose access tokens may still live.
pub(super) struct Revocation {
    pub(super) session_id: Uuid,
    pub(super) revoked_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

pub(super) async fn revocations(app: &App, after: Option<DateTime<Utc>>) -> Result<Vec<Revocation>> {
    let life = revocation_life(app);
    let oldest = Utc::now() - life;
    let mut conn = app.pool.acquire().await?;
    let ended = store::ended_after(&mut conn, after.map_or(oldest, |after| after.max(oldest))).await?;
    let revocation = |(session_id, revoked_at)| Revocation { session_id, revoked_at, expires_at: revoked_at + life };
    Ok(ended.into_iter().map(revocation).collect())
}

/// Takes what other replicas of this service have ended; answers the newest moment.
pub(crate) async fn take_revocations(app: &App, newest: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>> {
    // Transactions commit out of order: look back further than the last answer.
    let after = newest.map(|moment| moment - TimeDelta::seconds(5));
    let taken = revocations(app, after).await?;
    for revocation in &taken {
        app.revocations.insert(revocation.session_id, revocation.expires_at);
    }
    app.revocations.forget_expired();
    Ok(taken.iter().map(|it| it.revoked_at).max())
}
