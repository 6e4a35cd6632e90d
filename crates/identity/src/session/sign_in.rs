//! Signing in: whatever the way, it ends in [`issue_session`].

use aipoten_kit::{Caller, Error, Result, Role};
use chrono::{TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::end::{EndReason, revoked};
use super::lockout::{self, Reserved};
use super::refresh_token::RefreshKey;
use super::{Session, Tokens, device, idle, metrics, store, tokens};
use crate::audit::{self, Act};
use crate::user::{self, Alert, User};
use crate::{App, captcha, config};

/// An attempt to sign in.
pub(super) struct Attempt {
    pub(super) email: String,
    pub(super) password: SecretString,
    pub(super) device_label: Option<String>,
    pub(super) captcha: Option<captcha::Answer>,
}

/// How a person proved who they are: whatever the way in, it ends in [`issue_session`].
struct Proof {
    /// Authentication methods (RFC 8176): `pwd`.
    amr: &'static [&'static str],
    /// The stored hash that was matched: a password changed meanwhile proves nothing.
    password_hash: Option<String>,
}

pub(super) async fn sign_in(app: &App, caller: &Caller, attempt: Attempt) -> Result<(User, Tokens)> {
    let outcome = try_sign_in(app, caller, attempt).await;
    metrics::note_sign_in(&outcome);
    outcome
}

async fn try_sign_in(app: &App, caller: &Caller, attempt: Attempt) -> Result<(User, Tokens)> {
    let _turn = app.passwords.turn().await?;
    // Nobody waits for another connection, or for a hash, with one in hand.
    let solved = captcha::is_solved(app, attempt.captcha.as_ref()).await?;
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
        return refuse(app, tx, caller, user_id, &reserved).await;
    };
    lockout::clear(&mut tx, &reserved).await?;
    tx.commit().await?;
    app.relay.wake();
    let Issued { user, session, key, ended } = issued;
    revoked(app, user.id, &ended);
    app.cache.opened(&session);
    let tokens = tokens(app, &session, &key)?;
    Ok((user, tokens))
}

async fn refuse<T>(
    app: &App,
    mut tx: Transaction<'_, Postgres>,
    caller: &Caller,
    user_id: Option<Uuid>,
    reserved: &Reserved,
) -> Result<T> {
    audit::record(&mut tx, caller, &Act::refused("session.created", user_id)).await?;
    if reserved.last {
        audit::record(&mut tx, caller, &Act::refused("password.locked", user_id)).await?;
        if let Some(user_id) = user_id {
            user::alert(&mut tx, caller, user_id, Alert::Locked).await?;
        }
    }
    tx.commit().await?;
    app.relay.wake();
    Err(Error::Unauthenticated("INVALID_CREDENTIALS".into()))
}

/// A session just made.
struct Issued {
    user: User,
    session: Session,
    key: RefreshKey,
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
    let fingerprint = device::fingerprint(&caller.agent, device_label.as_deref());
    if store::is_new_device(conn, user.id, &fingerprint).await? {
        user::alert(conn, caller, user.id, Alert::NewDevice).await?;
    }
    let now = Utc::now();
    let absolute_expires_at = now + absolute(&app.config.session, user.role);
    let session = Session {
        id: Uuid::now_v7(),
        user_id: user.id,
        role: user.role,
        email_verified: user.email_verified_at.is_some(),
        device_label,
        user_agent: caller.agent.clone(),
        ip: caller.ip.clone(),
        amr: proof.amr.iter().map(|it| (*it).to_owned()).collect(),
        auth_time: now,
        refresh_counter: 0,
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
    let key = RefreshKey(rand::random());
    store::insert(conn, &app.cipher, &session, &key, &fingerprint).await?;
    audit::record(conn, caller, &Act::done("session.created", user.id, "session", session.id)).await?;
    Ok(Some(Issued { user, session, key, ended }))
}

fn absolute(config: &config::Session, role: Role) -> TimeDelta {
    let seconds = if role == Role::Parent { config.absolute_s } else { config.staff_absolute_s };
    TimeDelta::seconds(seconds.into())
}
