//! Who a connection belongs to: the token in the handshake says so, or the cookie of a page of ours.

use std::fmt;
use std::sync::Arc;

use aipoten_kit::User;
use aipoten_kit::token::Refusal;
use http::HeaderValue;
use serde::Deserialize;
use socketioxide::extract::{SocketRef, TryData};
use uuid::Uuid;

use super::cut::Cut;
use super::rate::Rate;
use super::session::{Session, Sink, Token};
use super::{Adapter, Io, message};
use crate::call::{self, Origin};
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;
use crate::locale::negotiate;

/// What a client says of itself.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Auth {
    /// Its access token; without it, that of the cookie or the header.
    token: Option<String>,
    /// ko or en.
    language: Option<String>,
    /// The newest notification that it has.
    last_event_id: Option<String>,
}

/// Why a client is not let in: a code.
pub(super) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure.reason)
    }
}

/// Lets a client in, or not.
pub(super) async fn enter(
    gateway: Gateway,
    socket: SocketRef<Adapter>,
    io: Io,
    TryData(auth): TryData<Auth>,
) -> Result<(), Refused> {
    let auth = auth.unwrap_or_default();
    let known = &socket.req_parts().extensions;
    let (Some(origin), Some(cut)) = (known.get::<Arc<Origin>>().cloned(), known.get::<Cut>().cloned()) else {
        return Err(Failure::new("INTERNAL").into());
    };
    let token = auth.token.or_else(|| match known.get() {
        Some(call::Token::Good(bearer, _)) => text_of(bearer),
        _ => None,
    });
    let who = authenticate(&gateway, token.as_deref().unwrap_or_default()).await?;
    let locale = auth.language.as_deref().map_or(origin.locale, negotiate);
    let newest = auth.last_event_id.and_then(|id| Uuid::try_parse(&id).ok());
    let sink = Sink::Socket { io, sid: socket.id, cut };
    let rate = Rate::new(gateway.message_limit());
    let session = Arc::new(Session::new(who, sink, (origin, locale), rate, newest));
    gateway.connections().admit(&session)?;
    message::listen(&gateway, &socket, &session);
    Ok(())
}

/// Whom a token speaks for, and until when.
pub(super) async fn authenticate(gateway: &Gateway, token: &str) -> Answer<(User, Token)> {
    let refuse = |refusal| match refusal {
        Refusal::Expired => Failure::new("TOKEN_EXPIRED"),
        Refusal::Invalid => Failure::new("UNAUTHENTICATED"),
    };
    let (user, until) = gateway.verify_until(token).await.map_err(refuse)?;
    let bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Failure::new("UNAUTHENTICATED"))?;
    Ok((user, Token { bearer, until, warned: false }))
}

/// The token in a header that was found good.
pub(super) fn text_of(bearer: &HeaderValue) -> Option<String> {
    bearer.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned)
}
