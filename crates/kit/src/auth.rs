//! The layer that turns metadata into a [`Caller`]: every service checks the token itself, no identity header is believed,
//! and lets through whom the method's proto names.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use secrecy::SecretString;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::token::{Refusal, Subject, Verifier};
use crate::{Caller, Error, Locale, Revocations, metadata, policy};

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
        let span = tracing::info_span!("rpc", method, request_id);
        let serve = async move {
            let begun = Instant::now();
            let response = match layer.admit(request.uri().path(), request.headers()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await?
                }
                Err(error) => Status::from(error).into_http(),
            };
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let code = Status::from_header_map(response.headers()).map_or(tonic::Code::Ok, |status| status.code());
            tracing::debug!(stream = "api", ?code, millis, "answered");
            Ok(response)
        };
        Box::pin(serve.instrument(span))
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
