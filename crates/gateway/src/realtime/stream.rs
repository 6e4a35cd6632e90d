//! Server-Sent Events: the same news on a plain answer that does not end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::connections::Place;
use super::rate::Rate;
use super::session::{Session, Sink};
use super::{BUFFER, handshake, notification};
use crate::call::Call;
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;

/// Silence after which a sign of life is sent: less than proxies wait.
const PULSE: Duration = Duration::from_secs(15);
/// When a client comes again.
const RETRY: Duration = Duration::from_secs(3);
/// Proxies pass on at once what they would collect otherwise.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The newest notification that the client has, from `Last-Event-ID`.
pub(crate) struct Missed(pub(crate) Option<Uuid>);

impl<S: Sync> FromRequestParts<S> for Missed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(Self(id.and_then(|id| Uuid::try_parse(id).ok())))
    }
}

/// Lives as long as the answer.
struct Listening {
    gateway: Gateway,
    session: Arc<Session>,
    receiver: mpsc::Receiver<Event>,
    _place: Place,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.gateway.connections().remove(&self.session);
    }
}

/// An answer that ends with the token, the session or this gateway.
pub(crate) async fn open(gateway: Gateway, call: &Call, Missed(newest): Missed) -> Answer<Response> {
    let (origin, bearer) = call.caller().ok_or_else(|| Failure::new("UNAUTHENTICATED"))?;
    let token = handshake::text_of(bearer).unwrap_or_default();
    let who = handshake::authenticate(&gateway, &token).await?;
    let place = gateway.connections().place()?;
    let (sender, receiver) = mpsc::channel(BUFFER);
    let ended = CancellationToken::new();
    let sink = Sink::Stream { sender: sender.clone(), ended: ended.clone() };
    let about = (Arc::clone(origin), origin.locale);
    let session = Arc::new(Session::new(who, sink, about, Rate::new(gateway.message_limit()), newest));
    gateway.connections().admit(&session)?;
    let listening = Listening { gateway: gateway.clone(), session: Arc::clone(&session), receiver, _place: place };
    // There is room for the first.
    drop(sender.try_send(Event::default().retry(RETRY)));
    session.join();
    tokio::spawn(async move {
        if let Err(failure) = notification::catch_up(&gateway, &session).await {
            tracing::warn!(code = failure.code, "a client cannot catch up: it has to come again");
            session.cut();
        }
    });
    Ok(answer(listening, ended))
}

fn answer(listening: Listening, ended: CancellationToken) -> Response {
    let events = stream::unfold(listening, |mut listening| async move {
        let event = listening.receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), listening))
    });
    let events = events.take_until(ended.cancelled_owned());
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(PULSE)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(UNBUFFERED.0, UNBUFFERED.1);
    response
}
