//! Sessions: one per device that is signed in, with an access token for fifteen minutes and a refresh token to go on.

mod access;
mod cache;
mod grpc;
mod lockout;
mod refresh;
mod store;

use aipoten_kit::{Caller, Error, Result, Role};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::user::{self, User};
use crate::{App, captcha, config};
pub(crate) use cache::Cache;
use lockout::Reserved;
use refresh::RefreshToken;

/// A device that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: Uuid,
    user_id: Uuid,
    role: Role,
    device_label: Option<String>,
    user_agent: String,
    ip: String,
    amr: Vec<String>,
    auth_time: DateTime<Utc>,
    refresh_counter: i64,
    refresh_key: [u8; 32],
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

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum EndReason {
    Logout,
    LogoutAll,
    EndedByUser,
    PasswordChanged,
    RefreshReuse,
    Erasure,
    Superseded,
    Suspended,
    RoleChanged,
}

/// An attempt to sign in.
struct Attempt {
    email: String,
    password: SecretString,
    device_label: Option<String>,
    captcha: Option<captcha::Answer>,
}

/// How a person proved who they are: whatever the way in, it ends in [`issue_session`].
struct Proof {
    /// Authentication methods (RFC 8176): `pwd`.
    amr: &'static [&'static str],
    /// The stored hash that was matched: a password changed meanwhile proves nothing.
    password_hash: Option<String>,
}

async fn sign_in(app: &App, caller: &Caller, attempt: Attempt) -> Result<(User, Tokens)> {
    let mut conn = app.pool.acquire().await?;
    let solved = match &attempt.captcha {
        Some(answer) => captcha::redeem(app, &mut conn, answer).await?,
        None => false,
    };
    // Nobody waits for another connection, or for a hash, with one in hand.
    drop(conn);
    let reserved = lockout::reserve(app, &attempt.email, solved).await?;
    let mut conn = app.pool.acquire().await?;
    let found = user::credentials(&mut conn, &attempt.email).await?;
    drop(conn);
    let (user_id, password_hash) = found.map_or((None, None), |it| (Some(it.user_id), it.password_hash));
    let matched = match app.passwords.matches(attempt.password.expose_secret(), password_hash.as_deref()).await {
        Ok(matched) => matched,
        Err(error) => {
            lockout::release(app, &reserved).await?;
            return Err(error);
        }
    };

    let mut tx = app.pool.begin().await?;
    let proof = Proof { amr: &["pwd"], password_hash };
    let issued = match user_id.filter(|_| matched) {
        Some(user_id) => issue_session(app, &mut tx, caller, user_id, proof, attempt.device_label).await?,
        None => None,
    };
    let Some(issued) = issued else {
        return refuse(tx, caller, user_id, &reserved).await;
    };
    lockout::clear(&mut tx, &reserved).await?;
    tx.commit().await?;
    let Issued { user, session, ended } = issued;
    revoked(app, user.id, &ended);
    app.cache.opened(&session);
    let tokens = tokens(app, &session)?;
    Ok((user, tokens))
}

async fn refuse<T>(
    mut tx: Transaction<'_, Postgres>,
    caller: &Caller,
    user_id: Option<Uuid>,
    reserved: &Reserved,
) -> Result<T> {
    audit::record(&mut tx, caller, &Act::refused("session.created", user_id)).await?;
    if reserved.last {
        audit::record(&mut tx, caller, &Act::refused("password.locked", user_id)).await?;
    }
    tx.commit().await?;
    Err(Error::Unauthenticated("INVALID_CREDENTIALS".into()))
}

/// A session just made.
struct Issued {
    user: User,
    session: Session,
    /// Sessions that it took the place of, for [`revoked`] after the commit.
    ended: Vec<Uuid>,
}

/// The one place that makes a session. `None` for an account that may not be used: suspended, erased, or with another
/// password than the one that was proved. Signing in takes back a request for erasure.
async fn issue_session(
    app: &App,
    conn: &mut PgConnection,
    caller: &Caller,
    user_id: Uuid,
    proof: Proof,
    device_label: Option<String>,
) -> Result<Option<Issued>> {
    let user = user::note_sign_in(app, conn, caller, user_id, proof.password_hash.as_deref()).await?;
    let Some(user) = user else { return Ok(None) };
    let now = Utc::now();
    let absolute_expires_at = now + absolute(&app.config.session, user.role);
    let session = Session {
        id: Uuid::now_v7(),
        user_id: user.id,
        role: user.role,
        device_label,
        user_agent: caller.agent.clone(),
        ip: caller.ip.clone(),
        amr: proof.amr.iter().map(|it| (*it).to_owned()).collect(),
        auth_time: now,
        refresh_counter: 0,
        refresh_key: rand::random(),
        rotated_at: now,
        idle_expires_at: absolute_expires_at.min(now + idle(&app.config.session)),
        absolute_expires_at,
        last_seen_at: now,
        created_at: now,
    };
    let ended = if app.config.session.single {
        store::end_others(conn, user.id, None, EndReason::Superseded).await?
    } else {
        Vec::new()
    };
    store::insert(conn, &app.cipher, &session).await?;
    audit::record(conn, caller, &Act::done("session.created", user.id, "session", session.id)).await?;
    Ok(Some(Issued { user, session, ended }))
}

fn idle(config: &config::Session) -> TimeDelta {
    TimeDelta::seconds(config.idle_s.into())
}

fn absolute(config: &config::Session, role: Role) -> TimeDelta {
    let seconds = if role == Role::Parent { config.absolute_s } else { config.staff_absolute_s };
    TimeDelta::seconds(seconds.into())
}

fn tokens(app: &App, session: &Session) -> Result<Tokens> {
    // No access token outlives its session.
    let left = (session.expires_at() - Utc::now()).num_seconds().max(0);
    let access_s = left.min(app.config.session.access_s.into());
    Ok(Tokens {
        access: access::sign(&app.keys, session, access_s)?,
        access_s,
        refresh: RefreshToken::of(session).to_string(),
        refresh_expires_at: session.expires_at(),
        session_id: session.id,
    })
}

/// Trades a refresh token. Of many tabs that trade the same one at once, one moves the counter and all get its
/// successor; a token older than that was stolen or copied, and its session ends.
async fn refresh(app: &App, caller: &Caller, token: &str) -> Result<Tokens> {
    let token: RefreshToken = token.parse().map_err(|refresh::Invalid| Error::unauthenticated())?;
    let mut tx = app.pool.begin().await?;
    let session = store::find_live(&mut tx, &app.cipher, token.session_id).await?.ok_or_else(Error::unauthenticated)?;
    if !token.is_signed_by(&session) {
        return Err(Error::unauthenticated());
    }
    let idle_expires_at = session.absolute_expires_at.min(Utc::now() + idle(&app.config.session));
    let rotated = store::rotate(&mut tx, session.id, token.counter, idle_expires_at, &caller.ip).await?;
    let Some(refresh_counter) = rotated else { return refresh_again(app, tx, caller, &token).await };
    tx.commit().await?;
    let session = Session { refresh_counter, idle_expires_at, ..session };
    app.cache.rotated(&session);
    tokens(app, &session)
}

/// Another request has moved the counter while this one waited for the row, or long before.
async fn refresh_again(
    app: &App,
    mut tx: Transaction<'_, Postgres>,
    caller: &Caller,
    token: &RefreshToken,
) -> Result<Tokens> {
    let session = store::find_live(&mut tx, &app.cipher, token.session_id).await?.ok_or_else(Error::unauthenticated)?;
    let grace = TimeDelta::seconds(app.config.session.grace_s.into());
    if session.refresh_counter == token.counter + 1 && Utc::now() - session.rotated_at <= grace {
        return tokens(app, &session);
    }
    end_stolen(app, tx, caller, &session).await
}

async fn end_stolen(
    app: &App,
    mut tx: Transaction<'_, Postgres>,
    caller: &Caller,
    session: &Session,
) -> Result<Tokens> {
    store::end(&mut tx, session.user_id, &[session.id], EndReason::RefreshReuse).await?;
    let act = Act {
        resource: "session",
        resource_id: Some(session.id),
        ..Act::refused("session.refreshed", Some(session.user_id))
    };
    audit::record(&mut tx, caller, &act).await?;
    tx.commit().await?;
    tracing::warn!(stream = "auth", session_id = %session.id, "a refresh token was used again: the session is ended");
    revoked(app, session.user_id, &[session.id]);
    Err(Error::unauthenticated())
}

async fn end_current(app: &App, caller: &Caller) -> Result<()> {
    let user = caller.user()?;
    match end(app, caller, &[user.session_id], EndReason::Logout).await {
        // Ended at another replica a moment ago.
        Err(Error::NotFound(_)) => Err(Error::unauthenticated()),
        ended => ended,
    }
}

async fn end_one(app: &App, caller: &Caller, session_id: Uuid) -> Result<()> {
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

async fn end_all(app: &App, caller: &Caller) -> Result<()> {
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
struct Revocation {
    session_id: Uuid,
    revoked_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

async fn revocations(app: &App, after: Option<DateTime<Utc>>) -> Result<Vec<Revocation>> {
    let life = revocation_life(app);
    let oldest = Utc::now() - life;
    let mut conn = app.pool.acquire().await?;
    let ended = store::ended_after(&mut conn, after.map_or(oldest, |after| after.max(oldest))).await?;
    let revocation = |(session_id, revoked_at)| Revocation { session_id, revoked_at, expires_at: revoked_at + life };
    Ok(ended.into_iter().map(revocation).collect())
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
    Ok(store::find_live(&mut conn, &app.cipher, session_id).await?.is_some())
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

async fn current(app: &App, caller: &Caller) -> Result<(User, Session)> {
    let signed_in = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let session = store::find_live(&mut conn, &app.cipher, signed_in.session_id).await?;
    let session = session.ok_or_else(Error::unauthenticated)?;
    let user = user::find(app, &mut conn, signed_in.id).await?;
    Ok((user, session))
}

async fn list(app: &App, caller: &Caller) -> Result<Vec<Session>> {
    let user = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    store::list_live(&mut conn, &app.cipher, user.id).await
}

/// What a role may do, for client apps to show the right screens; the services decide by role and relation.
fn permissions(role: Role) -> &'static [&'static str] {
    match role {
        Role::Parent => &["account:write", "children:write", "assessments:write", "videos:read"],
        Role::Therapist => &["account:write", "videos:read"],
        Role::Admin => &["account:write", "questions:write", "videos:write", "categories:write"],
    }
}
