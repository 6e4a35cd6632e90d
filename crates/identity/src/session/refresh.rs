//! Staying signed in: a refresh token is traded for its successor and a new access token.

use aipoten_kit::{Caller, Error, Result};
use chrono::{TimeDelta, Utc};
use sqlx::{PgConnection, Postgres, Transaction};

use super::end::{EndReason, revoked};
use super::refresh_token::{self, RefreshKey, RefreshToken};
use super::{Session, Tokens, idle, metrics, store, tokens};
use crate::App;
use crate::audit::{self, Act};
use crate::user::{self, Alert};

/// Trades a refresh token. Of many tabs that trade the same one at once, one moves the counter and all get its
/// successor; a token older than that was stolen or copied, and its session ends.
pub(super) async fn refresh(app: &App, caller: &Caller, token: &str) -> Result<Tokens> {
    let (tokens, result) = match trade(app, caller, token).await {
        Ok(Traded::New(tokens)) => (Ok(tokens), "ok"),
        Ok(Traded::Again(tokens)) => (Ok(tokens), "repeated"),
        Ok(Traded::Stolen) => (Err(Error::unauthenticated()), "reused"),
        Err(Error::Unauthenticated(reason)) => (Err(Error::Unauthenticated(reason)), "refused"),
        Err(error) => return Err(error),
    };
    metrics::note_refresh(result);
    tokens
}

/// What became of a refresh token that is one of ours.
enum Traded {
    New(Tokens),
    /// Another request traded the same one a moment before.
    Again(Tokens),
    Stolen,
}

async fn trade(app: &App, caller: &Caller, token: &str) -> Result<Traded> {
    let token: RefreshToken = token.parse().map_err(|refresh_token::Invalid| Error::unauthenticated())?;
    let mut tx = app.pool.begin().await?;
    let (session, key) = find(app, &mut tx, &token).await?;
    if !token.is_signed_by(&key) {
        return Err(Error::unauthenticated());
    }
    let idle_expires_at = session.absolute_expires_at.min(Utc::now() + idle(&app.config.session));
    let rotated = store::rotate(&mut tx, session.id, token.counter, idle_expires_at, &caller.ip).await?;
    let Some(refresh_counter) = rotated else { return refresh_again(app, tx, caller, &token).await };
    tx.commit().await?;
    let session = Session { refresh_counter, idle_expires_at, ..session };
    app.cache.rotated(&session);
    Ok(Traded::New(tokens(app, &session, &key)?))
}

async fn find(app: &App, conn: &mut PgConnection, token: &RefreshToken) -> Result<(Session, RefreshKey)> {
    store::find_refreshable(conn, &app.cipher, token.session_id).await?.ok_or_else(Error::unauthenticated)
}

/// Another request has moved the counter while this one waited for the row, or long before.
async fn refresh_again(
    app: &App,
    mut tx: Transaction<'_, Postgres>,
    caller: &Caller,
    token: &RefreshToken,
) -> Result<Traded> {
    let (session, key) = find(app, &mut tx, token).await?;
    let grace = TimeDelta::seconds(app.config.session.grace_s.into());
    if session.refresh_counter == token.counter + 1 && Utc::now() - session.rotated_at <= grace {
        return Ok(Traded::Again(tokens(app, &session, &key)?));
    }
    end_stolen(app, tx, caller, &session).await?;
    Ok(Traded::Stolen)
}

async fn end_stolen(app: &App, mut tx: Transaction<'_, Postgres>, caller: &Caller, session: &Session) -> Result<()> {
    store::end(&mut tx, session.user_id, &[session.id], EndReason::RefreshReuse).await?;
    let act = Act {
        resource: "session",
        resource_id: Some(session.id),
        ..Act::refused("session.refreshed", Some(session.user_id))
    };
    audit::record(&mut tx, caller, &act).await?;
    user::alert(&mut tx, caller, session.user_id, Alert::RefreshReused).await?;
    tx.commit().await?;
    app.relay.wake();
    tracing::warn!(stream = "auth", session_id = %session.id, "a refresh token was used again: the session is ended");
    revoked(app, session.user_id, &[session.id]);
    Ok(())
}
