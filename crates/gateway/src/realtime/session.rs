//! One connection of a person.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aipoten_kit::{Locale, User};
use aipoten_proto::notification::v1::Notification;
use axum::response::sse;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde::Serialize;
use serde_json::json;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide::{SendError, SocketError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cut::Cut;
use super::rate::Rate;
use super::{Adapter, Io, notification};
use crate::call::{Call, Origin};
use crate::text::text;

/// How long before its token expires a client is told to show the next one.
const WARNING: i64 = 60;
/// How long a connection that is no connection any more may be found here.
const CONNECTING: Duration = Duration::from_secs(30);
/// How long a client has to close by itself after it was told of the end.
const CLOSING: Duration = Duration::from_secs(2);

pub(super) struct Session {
    pub(super) user: User,
    pub(super) locale: Locale,
    pub(super) rate: Rate,
    sink: Sink,
    origin: Arc<Origin>,
    begun: Instant,
    token: Mutex<Token>,
    /// The newest notification that the client has.
    newest: Mutex<Uuid>,
    joined: AtomicBool,
    online: AtomicBool,
    /// Rooms of online sessions that it is in, and until when.
    consultations: Mutex<HashMap<Uuid, DateTime<Utc>>>,
}

/// Where a connection's messages go.
pub(super) enum Sink {
    Socket { io: Io, sid: Sid, cut: Cut },
    Stream { sender: mpsc::Sender<sse::Event>, ended: CancellationToken },
}

/// What the person was let in by.
pub(super) struct Token {
    pub(super) bearer: HeaderValue,
    /// Second in which it expires, since 1970.
    pub(super) until: i64,
    pub(super) warned: bool,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Yes,
    /// There is no room for it.
    Full,
    /// The client is gone.
    Gone,
}

impl Session {
    pub(super) fn new(
        (user, token): (User, Token),
        sink: Sink,
        (origin, locale): (Arc<Origin>, Locale),
        rate: Rate,
        newest: Option<Uuid>,
    ) -> Self {
        Self {
            user,
            locale,
            rate,
            sink,
            origin,
            begun: Instant::now(),
            token: Mutex::new(token),
            newest: Mutex::new(newest.unwrap_or_else(Uuid::now_v7)),
            joined: AtomicBool::new(false),
            online: AtomicBool::new(false),
            consultations: Mutex::default(),
        }
    }

    /// A call to a service on behalf of the person.
    pub(super) fn call(&self) -> Call {
        let bearer = lock(&self.token).bearer.clone();
        Call::later(&self.origin, self.locale, bearer)
    }

    pub(super) fn request_id(&self) -> &str {
        self.origin.request_id()
    }

    pub(super) fn renew(&self, token: Token) {
        *lock(&self.token) = token;
    }

    pub(super) fn seconds_left(&self) -> i64 {
        lock(&self.token).until - Utc::now().timestamp()
    }

    /// Once a token.
    pub(super) fn warn_in_time(&self) {
        let mut token = lock(&self.token);
        if !token.warned && token.until - Utc::now().timestamp() <= WARNING {
            let expires_at = DateTime::from_timestamp(token.until, 0);
            token.warned = self.emit("token_expiring", None, &json!({ "expires_at": expires_at })) == Sent::Yes;
        }
    }

    pub(super) fn join(&self) {
        self.joined.store(true, Ordering::SeqCst);
    }

    /// Whether it is told of notifications.
    pub(super) fn has_joined(&self) -> bool {
        self.joined.load(Ordering::SeqCst)
    }

    pub(super) fn go_online(&self) {
        self.online.store(true, Ordering::SeqCst);
    }

    /// Whether a therapist is shown as reachable by it.
    pub(super) fn is_online(&self) -> bool {
        self.online.load(Ordering::SeqCst)
    }

    pub(super) fn newest(&self) -> Uuid {
        *lock(&self.newest)
    }

    pub(super) fn consultations(&self) -> MutexGuard<'_, HashMap<Uuid, DateTime<Utc>>> {
        lock(&self.consultations)
    }

    /// Sends a notification; a client that does not take what it is sent is cut, comes again and catches up.
    pub(super) fn tell(&self, notification: &Notification) {
        if self.try_tell(notification) == Sent::Full {
            tracing::info!("a client does not keep up and is cut");
            self.cut();
        }
    }

    pub(super) fn try_tell(&self, notification: &Notification) -> Sent {
        let event = notification::event(&notification.r#type);
        let sent = self.emit(event, Some(&notification.id), notification);
        if let Some(id) = Uuid::try_parse(&notification.id).ok().filter(|_| sent == Sent::Yes) {
            let mut newest = lock(&self.newest);
            *newest = id.max(*newest);
        }
        sent
    }

    pub(super) fn emit<T: Serialize>(&self, event: &str, id: Option<&str>, data: &T) -> Sent {
        match &self.sink {
            Sink::Socket { .. } => self.socket().map_or(Sent::Gone, |socket| match socket.emit(event, data) {
                Ok(()) => Sent::Yes,
                Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
                Err(_) => Sent::Gone,
            }),
            Sink::Stream { sender, .. } => {
                let message = sse::Event::default().event(event);
                let message = if let Some(id) = id { message.id(id) } else { message };
                let Ok(message) = message.json_data(data) else { return Sent::Gone };
                match sender.try_send(message) {
                    Ok(()) => Sent::Yes,
                    Err(mpsc::error::TrySendError::Full(_)) => Sent::Full,
                    Err(mpsc::error::TrySendError::Closed(_)) => Sent::Gone,
                }
            }
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self.sink, Sink::Stream { .. })
    }

    /// Nothing of it is left but its entry here.
    pub(super) fn is_gone(&self) -> bool {
        !self.is_stream() && self.begun.elapsed() > CONNECTING && self.socket().is_none()
    }

    pub(super) fn socket(&self) -> Option<SocketRef<Adapter>> {
        match &self.sink {
            // There is no such namespace once the server is closed.
            Sink::Socket { io, sid, .. } => io.of("/")?.get_socket(*sid),
            Sink::Stream { .. } => None,
        }
    }

    pub(super) fn io(&self) -> Option<&Io> {
        match &self.sink {
            Sink::Socket { io, .. } => Some(io),
            Sink::Stream { .. } => None,
        }
    }

    /// Tells the client why, and ends the connection for good: it comes again with another token, or not at all.
    pub(super) fn end(&self, code: &'static str) {
        let message = text(self.locale, code, code, &Vec::new());
        let told = self.emit("session_ended", None, &json!({ "code": code, "message": message }));
        match self.socket().map(SocketRef::disconnect) {
            Some(Ok(())) if told == Sent::Yes => self.cut_soon(),
            _ => self.cut(),
        }
    }

    /// A client that is told of the end closes by itself; one that does not is cut.
    pub(super) fn cut_soon(&self) {
        if let Sink::Socket { cut, .. } = &self.sink {
            let cut = cut.clone();
            tokio::spawn(async move {
                tokio::time::sleep(CLOSING).await;
                cut.now();
            });
        }
    }

    /// Ends the connection at once: the client comes again by itself.
    pub(super) fn cut(&self) {
        match &self.sink {
            Sink::Socket { cut, .. } => cut.now(),
            Sink::Stream { ended, .. } => ended.cancel(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
