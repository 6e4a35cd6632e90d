//! What every call to a service carries: the person's token, the request's id, the language and where it came from.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aipoten_kit::{Locale, User, metadata, telemetry};
use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::request::Parts;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use crate::error::Failure;

/// How long a call may take that no request waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the edge found out about a request before any route saw it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) request_id: HeaderValue,
    pub(crate) locale: Locale,
    pub(crate) client_ip: IpAddr,
    pub(crate) agent: String,
    pub(crate) idempotency_key: String,
    pub(crate) deadline: Instant,
}

impl Origin {
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

/// What became of the token in a request.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// There was none.
    Absent,
    /// It is good: the header as it came, and whom it speaks for.
    Good(HeaderValue, User),
    /// It is not: the code to refuse with.
    Bad(&'static str),
}

/// A call by a signed-in person.
#[derive(Debug)]
pub(crate) struct Call {
    origin: Arc<Origin>,
    bearer: Option<HeaderValue>,
}

/// A call that needs no token; one that is not good is left out.
#[derive(Debug)]
pub(crate) struct PublicCall(pub(crate) Call);

impl Call {
    /// The message on its way to a service.
    pub(crate) fn with<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let origin = &self.origin;
        request.set_timeout(origin.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        let to = request.metadata_mut();
        put(to, metadata::REQUEST_ID, origin.request_id());
        put(to, metadata::LANGUAGE, origin.locale.as_str());
        put(to, metadata::CLIENT_IP, &origin.client_ip.to_string());
        put(to, metadata::CLIENT_AGENT, &origin.agent);
        put(to, metadata::IDEMPOTENCY_KEY, &origin.idempotency_key);
        put(to, metadata::TRACEPARENT, &telemetry::traceparent().unwrap_or_default());
        if let Some(bearer) = self.bearer.as_ref().and_then(|it| it.to_str().ok()) {
            put(to, metadata::AUTHORIZATION, bearer);
        }
        request
    }

    /// A call that speaks for nobody.
    pub(crate) fn anonymous(origin: Arc<Origin>) -> Self {
        Self { origin, bearer: None }
    }

    /// A call by a person who came a while ago, on a connection that stays open.
    pub(crate) fn later(origin: &Origin, locale: Locale, bearer: HeaderValue) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let origin = Origin { locale, deadline, idempotency_key: String::new(), ..origin.clone() };
        Self { origin: Arc::new(origin), bearer: Some(bearer) }
    }

    /// Where it comes from, and the person's token.
    pub(crate) fn caller(&self) -> Option<(&Arc<Origin>, &HeaderValue)> {
        self.bearer.as_ref().map(|bearer| (&self.origin, bearer))
    }

    /// Language of the answer.
    pub(crate) fn language(&self) -> &'static str {
        self.origin.locale.as_str()
    }

    fn of(parts: &Parts, bearer: Option<HeaderValue>) -> Result<Self, Failure> {
        let origin = parts.extensions.get::<Arc<Origin>>().cloned();
        origin.map(|origin| Self { origin, bearer }).ok_or_else(|| Failure::new("INTERNAL"))
    }
}

/// Values are visible ASCII already, or left out.
fn put(to: &mut MetadataMap, name: &'static str, value: &str) {
    if let Ok(value) = AsciiMetadataValue::try_from(value)
        && !value.is_empty()
    {
        to.insert(name, value);
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match parts.extensions.get::<Token>() {
            Some(Token::Good(bearer, _)) => Self::of(parts, Some(bearer.clone())),
            Some(Token::Bad(code)) => Err(Failure::new(code)),
            Some(Token::Absent) | None => Err(Failure::new("UNAUTHENTICATED")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for PublicCall {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let bearer = match parts.extensions.get::<Token>() {
            Some(Token::Good(bearer, _)) => Some(bearer.clone()),
            _ => None,
        };
        Call::of(parts, bearer).map(Self)
    }
}
