//! The layer that turns metadata into a [`Caller`]: every service checks the token itself, no identity header is believed,
//! and lets through whom the method's proto names.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use metrics::{counter, histogram};
use secrecy::SecretString;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::telemetry::{Answered, counted};
use crate::token::{Refusal, Subject, Verifier};
use crate::{Caller, Error, Locale, Revocations, metadata, policy, telemetry};

/// Puts [`Authenticate`] around a server.
#[derive(Clone)]
pub struct AuthenticateLayer {
    name: &'static str,
    verifier: Verifier,
    revocations: Revocations,
}

impl AuthenticateLayer {
    /// A layer of the service of this name that believes tokens the verifier accepts, of people unless their session was ended, of
    /// services if they name this one, and asks the protos who may call.
    pub fn new(name: &'static str, verifier: Verifier, revocations: Revocations) -> Self {
        Self { name, verifier, revocations }
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticate { inner, layer: self.clone() }
    }
}

/// Checks the token of every call, opens its span and logs its end.
#[derive(Clone)]
pub struct Authenticate<S> {
    inner: S,
    layer: AuthenticateLayer,
}

impl<S> Service<Request<Body>> for Authenticate<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The clone has not been polled ready: serve with the one that has.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        if request.uri().path().starts_with("/grpc.") {
            return Box::pin(inner.call(request));
        }
        let layer = self.layer.clone();
        let method = request.uri().path().to_owned();
        let request_id = text(request.headers(), metadata::REQUEST_ID);
        let span = tracing::info_span!("rpc", method, request_id, trace_id = Empty, otel.status_code = Empty);
        let traceparent = request.headers().get(metadata::TRACEPARENT).and_then(|value| value.to_str().ok());
        telemetry::begin(&span, traceparent, &method);
        let serve = async move {
            let begun = Instant::now();
            let response = match layer.admit(&method, request.headers()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    handle(inner.call(request)).await
                }
                Err(error) => Status::from(error).into_http(),
            };
            let (code, took) = (code_of(&response), begun.elapsed());
            note(&method, code, took);
            if code == Code::Internal {
                Span::current().record("otel.status_code", "ERROR");
                telemetry::report("internal", &method, &request_id);
            }
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(stream = "api", ?code, millis, "answered");
            Ok(response)
        };
        Box::pin(serve.instrument(span))
    }
}

/// What it counts counts if it succeeds. A panic is an internal error, and no reason to break the connection that others share.
async fn handle(call: impl Future<Output = Result<Response<Body>, Infallible>>) -> Response<Body> {
    let judged = async {
        let response =
            AssertUnwindSafe(call).catch_unwind().await.map_err(|_| Status::internal("internal error").into_http())?;
        let response = response.unwrap_or_else(|never| match never {});
        if code_of(&response) == Code::Ok { Ok(response) } else { Err(response) }
    };
    counted(judged).await.unwrap_or_else(|failed| failed)
}

/// Without a status in its head it has succeeded: only what is streamed can fail later.
fn code_of(response: &Response<Body>) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

fn note(path: &str, code: Code, took: Duration) {
    static ANSWERED: LazyLock<Answered<i32>> = LazyLock::new(Answered::default);
    // Others are whatever somebody makes up.
    let path = if aipoten_proto::callers(path).is_empty() { "/none/none" } else { path };
    ANSWERED.note(path, code as i32, took, || {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or(("none", "none"));
        let labels = [("service", service.to_owned()), ("method", method.to_owned())];
        let histogram = histogram!("aipoten_grpc_request_duration_seconds", &labels);
        (counter!("aipoten_grpc_requests_total", "service" => service.to_owned(), "method" => method.to_owned(), "code" => name(code)), histogram)
    });
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

impl AuthenticateLayer {
    async fn admit(&self, path: &str, headers: &HeaderMap) -> crate::Result<Caller> {
        let caller = self.caller(headers).await?;
        policy::authorize(path, &caller)?;
        Ok(caller)
    }

    async fn caller(&self, headers: &HeaderMap) -> crate::Result<Caller> {
        let mut caller = Caller {
            request_id: text(headers, metadata::REQUEST_ID),
            locale: if text(headers, metadata::LANGUAGE) == "en" { Locale::En } else { Locale::Ko },
            idempotency_key: Some(text(headers, metadata::IDEMPOTENCY_KEY)).filter(|key| !key.is_empty()),
            ip: text(headers, metadata::CLIENT_IP),
            agent: text(headers, metadata::CLIENT_AGENT),
            ..Caller::default()
        };
        let Some(value) = headers.get(metadata::AUTHORIZATION) else { return Ok(caller) };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or_else(Error::unauthenticated)?;
        let subject = self.verifier.verify(token).await.map_err(|refusal| match refusal {
            Refusal::Expired => Error::Unauthenticated("TOKEN_EXPIRED".into()),
            Refusal::Invalid => Error::unauthenticated(),
        })?;
        match subject {
            Subject::User(user) if !self.revocations.contains(user.session_id) => caller.user = Some(user),
            Subject::Service(service) if service.callee == self.name => caller.service = Some(service),
            Subject::User(_) | Subject::Service(_) => return Err(Error::unauthenticated()),
        }
        caller.token = Some(SecretString::from(token));
        Ok(caller)
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
