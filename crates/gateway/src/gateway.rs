//! What the routes work with: the services behind the gateway, and what the edge decides by.

use std::sync::Arc;
use std::time::Duration;

use aipoten_kit::Revocations;
use aipoten_kit::User;
use aipoten_kit::config::{Redis, Tokens};
use aipoten_kit::token::{Refusal, Verifier};
use aipoten_proto::common::v1::Consumer;
use aipoten_proto::common::v1::failed_event_service_client::FailedEventServiceClient;
use aipoten_proto::content::v1::assessment_service_client::AssessmentServiceClient;
use aipoten_proto::content::v1::category_service_client::CategoryServiceClient;
use aipoten_proto::content::v1::growth_service_client::GrowthServiceClient;
use aipoten_proto::content::v1::question_service_client::QuestionServiceClient;
use aipoten_proto::content::v1::video_service_client::VideoServiceClient;
use aipoten_proto::identity::v1::audit_service_client::AuditServiceClient;
use aipoten_proto::identity::v1::captcha_service_client::CaptchaServiceClient;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::identity::v1::consent_service_client::ConsentServiceClient;
use aipoten_proto::identity::v1::key_service_client::KeyServiceClient;
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use anyhow::Context as _;
use ipnet::IpNet;
use tonic::transport::{Channel, Endpoint};

use crate::config::Config;
use crate::limit::Limiter;

/// Clones are the same gateway.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

struct Inner {
    identity: Channel,
    content: Channel,
    verifier: Verifier,
    revocations: Revocations,
    limiter: Limiter,
    proxies: Vec<IpNet>,
    request_timeout: Duration,
}

impl Gateway {
    pub(crate) fn new(config: &Config, redis: &Redis, tokens: &Tokens) -> anyhow::Result<Self> {
        let identity = channel("gateway.identity_url", &config.identity_url)?;
        Ok(Self(Arc::new(Inner {
            content: channel("gateway.content_url", &config.content_url)?,
            verifier: Verifier::asking(&tokens.issuer, identity.clone()),
            revocations: Revocations::default(),
            limiter: Limiter::new(config.limits.clone(), redis)?,
            proxies: config.proxies()?,
            request_timeout: config.request_timeout(),
            identity,
        })))
    }

    pub(crate) fn users(&self) -> UserServiceClient<Channel> {
        UserServiceClient::new(self.identity())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.identity())
    }

    pub(crate) fn captchas(&self) -> CaptchaServiceClient<Channel> {
        CaptchaServiceClient::new(self.identity())
    }

    pub(crate) fn consents(&self) -> ConsentServiceClient<Channel> {
        ConsentServiceClient::new(self.identity())
    }

    pub(crate) fn children(&self) -> ChildServiceClient<Channel> {
        ChildServiceClient::new(self.identity())
    }

    pub(crate) fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.identity())
    }

    pub(crate) fn keys(&self) -> KeyServiceClient<Channel> {
        KeyServiceClient::new(self.identity())
    }

    pub(crate) fn assessments(&self) -> AssessmentServiceClient<Channel> {
        AssessmentServiceClient::new(self.content())
    }

    pub(crate) fn questions(&self) -> QuestionServiceClient<Channel> {
        QuestionServiceClient::new(self.content())
    }

    pub(crate) fn growth(&self) -> GrowthServiceClient<Channel> {
        GrowthServiceClient::new(self.content())
    }

    pub(crate) fn videos(&self) -> VideoServiceClient<Channel> {
        VideoServiceClient::new(self.content())
    }

    pub(crate) fn categories(&self) -> CategoryServiceClient<Channel> {
        CategoryServiceClient::new(self.content())
    }

    /// Each service answers for its own; one that nobody has is refused by identity.
    pub(crate) fn failed_events(&self, consumer: Consumer) -> FailedEventServiceClient<Channel> {
        FailedEventServiceClient::new(match consumer {
            Consumer::Content => self.content(),
            Consumer::Identity | Consumer::Unspecified => self.identity(),
        })
    }

    /// Identity's address.
    pub(crate) fn identity(&self) -> Channel {
        self.0.identity.clone()
    }

    /// Content's address.
    pub(crate) fn content(&self) -> Channel {
        self.0.content.clone()
    }

    pub(crate) fn revocations(&self) -> Revocations {
        self.0.revocations.clone()
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(crate) fn proxies(&self) -> &[IpNet] {
        &self.0.proxies
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.0.request_timeout
    }

    /// Whom a token speaks for, unless its session has ended.
    pub(crate) async fn verify(&self, token: &str) -> Result<User, Refusal> {
        let user = self.0.verifier.verify(token).await?;
        if self.0.revocations.contains(user.session_id) { Err(Refusal::Invalid) } else { Ok(user) }
    }
}

/// One HTTP/2 connection, made when it is first needed: the gateway starts while a service is down.
fn channel(key: &str, url: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("configuration key `{key}`: `{url}` is no address such as http://host:5001"))?;
    Ok(endpoint
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(2))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .connect_lazy())
}
