//! What a service shows when it calls another on nobody's behalf.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aipoten_proto::identity::v1::IssueServiceTokenRequest;
use aipoten_proto::identity::v1::service_token_service_client::ServiceTokenServiceClient;
use anyhow::{Context as _, anyhow};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::{Code, Request};

use crate::config::Secret;
use crate::{Error, Line, Result, metadata, telemetry};

/// A token is renewed so long before it ends: a request that takes it along is still on its way.
const EARLY: Duration = Duration::from_secs(15);
/// How long identity's answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Tokens of one service for calling one other, fetched from identity and renewed before they end. Clones share them.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Inner>);

struct Inner {
    service: &'static str,
    secret: Secret,
    callee: &'static str,
    identity: ServiceTokenServiceClient<Line>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    bearer: AsciiMetadataValue,
    ends: Instant,
}

impl Kept {
    fn is_good_at(&self, now: Instant) -> bool {
        now + EARLY < self.ends
    }
}

impl ServiceTokens {
    /// Tokens with which `service`, that identity knows by this secret, calls `callee`. None is fetched before it is needed.
    pub fn new(service: &'static str, secret: Secret, callee: &'static str, identity: Line) -> Self {
        let identity = ServiceTokenServiceClient::new(identity);
        Self(Arc::new(Inner { service, secret, callee, identity, kept: Mutex::default() }))
    }

    /// A request of the service itself. Fails as identity does; a wrong secret is our own fault, and internal.
    pub async fn request<T>(&self, message: T) -> Result<Request<T>> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(metadata::AUTHORIZATION, self.bearer().await?);
        if let Some(Ok(traceparent)) = telemetry::traceparent().map(MetadataValue::try_from) {
            request.metadata_mut().insert(metadata::TRACEPARENT, traceparent);
        }
        Ok(request)
    }

    /// Many that need a new token at once wait for the same.
    async fn bearer(&self) -> Result<AsciiMetadataValue> {
        let mut kept = self.0.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_good_at(Instant::now())) {
            return Ok(kept.bearer.clone());
        }
        let fetched = self.fetch().await?;
        let bearer = fetched.bearer.clone();
        *kept = Some(fetched);
        Ok(bearer)
    }

    async fn fetch(&self) -> Result<Kept> {
        let asked = Instant::now();
        let mut request = Request::new(IssueServiceTokenRequest {
            service: self.0.service.to_owned(),
            secret: self.0.secret.expose_secret().to_owned(),
            audience: self.0.callee.to_owned(),
        });
        request.set_timeout(TIMEOUT);
        let token =
            self.0.identity.clone().issue_service_token(request).await.map_err(|status| match status.code() {
                Code::Unauthenticated => {
                    Error::Internal(anyhow!("identity does not know {} by its secret", self.0.service))
                }
                _ => status.into(),
            })?;
        let token = token.into_inner();
        let mut bearer = MetadataValue::try_from(format!("Bearer {}", token.token)).context("a token is no header")?;
        bearer.set_sensitive(true);
        let life = Duration::from_secs(token.expires_in.try_into().unwrap_or(0));
        Ok(Kept { bearer, ends: asked + life })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_until_shortly_before_it_ends() {
        let (fetched, life, second) = (Instant::now(), Duration::from_mins(1), Duration::from_secs(1));
        let kept = Kept { bearer: AsciiMetadataValue::from_static("x"), ends: fetched + life };
        let early = fetched + life.saturating_sub(EARLY);
        assert!(kept.is_good_at(fetched) && kept.is_good_at(fetched + life.saturating_sub(EARLY + second)));
        assert!(!kept.is_good_at(early) && !kept.is_good_at(kept.ends));
    }
}
