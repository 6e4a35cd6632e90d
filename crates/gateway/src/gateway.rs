//! What the routes work with: the services behind the gateway, and what the edge decides by.

use std::sync::Arc;
use std::time::Duration;

use aipoten_kit::config::{Redis, Tokens};
use aipoten_kit::token::{Refusal, Subject, Verifier};
use aipoten_kit::{Line, Revocations, User};
use aipoten_proto::billing::v1::bank_account_service_client::BankAccountServiceClient;
use aipoten_proto::billing::v1::case_service_client::CaseServiceClient;
use aipoten_proto::billing::v1::payment_service_client::PaymentServiceClient;
use aipoten_proto::billing::v1::refund_service_client::RefundServiceClient;
use aipoten_proto::billing::v1::settlement_service_client::SettlementServiceClient;
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
use aipoten_proto::matching::v1::calendar_service_client::CalendarServiceClient;
use aipoten_proto::matching::v1::consultation_service_client::ConsultationServiceClient;
use aipoten_proto::matching::v1::document_service_client::DocumentServiceClient;
use aipoten_proto::matching::v1::matching_request_service_client::MatchingRequestServiceClient;
use aipoten_proto::matching::v1::package_service_client::PackageServiceClient;
use aipoten_proto::matching::v1::report_service_client::ReportServiceClient;
use aipoten_proto::matching::v1::review_service_client::ReviewServiceClient;
use aipoten_proto::matching::v1::schedule_change_service_client::ScheduleChangeServiceClient;
use aipoten_proto::matching::v1::therapist_service_client::TherapistServiceClient;
use aipoten_proto::notification::v1::device_service_client::DeviceServiceClient;
use aipoten_proto::notification::v1::notification_service_client::NotificationServiceClient;
use aipoten_proto::notification::v1::preference_service_client::PreferenceServiceClient;
use ipnet::IpNet;

use crate::cache::Cache;
use crate::config::{self, Config};
use crate::cookies::Csrf;
use crate::limit::Limiter;
use crate::metrics::Present;
use crate::patient::PatientRedis;
use crate::realtime::{Connections, Presence};

/// Bytes of a message with a file at most.
const LARGEST_FILE_MESSAGE: usize = 12 * 1024 * 1024;

/// Clones are the same gateway.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

struct Inner {
    identity: Line,
    content: Line,
    matching: Line,
    billing: Line,
    notification: Line,
    verifier: Verifier,
    revocations: Revocations,
    limiter: Limiter,
    cache: Arc<Cache>,
    connections: Connections,
    message_limit: u32,
    presence: Presence,
    turn: config::Turn,
    csrf: Csrf,
    present: Present,
    stale_after: Duration,
    proxies: Vec<IpNet>,
    request_timeout: Duration,
}

impl Gateway {
    pub(crate) fn new(config: &Config, redis: &Redis, tokens: &Tokens) -> anyhow::Result<Self> {
        let identity = Line::to("gateway.identity_url", &config.identity_url)?;
        let store = Arc::new(PatientRedis::new(redis)?);
        Ok(Self(Arc::new(Inner {
            content: Line::to("gateway.content_url", &config.content_url)?,
            matching: Line::to("gateway.matching_url", &config.matching_url)?,
            billing: Line::to("gateway.billing_url", &config.billing_url)?,
            notification: Line::to("gateway.notification_url", &config.notification_url)?,
            verifier: Verifier::asking(&tokens.issuer, identity.clone()),
            revocations: Revocations::default(),
            limiter: Limiter::new(config.limits.clone(), Arc::clone(&store), &redis.prefix),
            cache: Arc::new(Cache::new(config.cache, Arc::clone(&store), &redis.prefix)),
            connections: Connections::new(&config.realtime),
            message_limit: config.realtime.messages,
            presence: Presence::new(store, &redis.prefix),
            turn: config.turn()?,
            present: Present::default(),
            csrf: Csrf::new(&config.csrf_key, &config.cors_origins)?,
            stale_after: Duration::from_secs(config.revocations_stale_s),
            proxies: config.proxies()?,
            request_timeout: config.request_timeout(),
            identity,
        })))
    }

    pub(crate) fn users(&self) -> UserServiceClient<Line> {
        UserServiceClient::new(self.identity())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Line> {
        SessionServiceClient::new(self.identity())
    }

    pub(crate) fn captchas(&self) -> CaptchaServiceClient<Line> {
        CaptchaServiceClient::new(self.identity())
    }

    pub(crate) fn consents(&self) -> ConsentServiceClient<Line> {
        ConsentServiceClient::new(self.identity())
    }

    pub(crate) fn children(&self) -> ChildServiceClient<Line> {
        ChildServiceClient::new(self.identity())
    }

    pub(crate) fn audit(&self) -> AuditServiceClient<Line> {
        AuditServiceClient::new(self.identity())
    }

    pub(crate) fn keys(&self) -> KeyServiceClient<Line> {
        KeyServiceClient::new(self.identity())
    }

    pub(crate) fn assessments(&self) -> AssessmentServiceClient<Line> {
        AssessmentServiceClient::new(self.content())
    }

    pub(crate) fn questions(&self) -> QuestionServiceClient<Line> {
        QuestionServiceClient::new(self.content())
    }

    pub(crate) fn growth(&self) -> GrowthServiceClient<Line> {
        GrowthServiceClient::new(self.content())
    }

    pub(crate) fn videos(&self) -> VideoServiceClient<Line> {
        VideoServiceClient::new(self.content())
    }

    pub(crate) fn categories(&self) -> CategoryServiceClient<Line> {
        CategoryServiceClient::new(self.content())
    }

    pub(crate) fn therapists(&self) -> TherapistServiceClient<Line> {
        TherapistServiceClient::new(self.matching())
    }

    pub(crate) fn documents(&self) -> DocumentServiceClient<Line> {
        DocumentServiceClient::new(self.matching())
            .max_encoding_message_size(LARGEST_FILE_MESSAGE)
            .max_decoding_message_size(LARGEST_FILE_MESSAGE)
    }

    pub(crate) fn calendars(&self) -> CalendarServiceClient<Line> {
        CalendarServiceClient::new(self.matching())
    }

    pub(crate) fn matching_requests(&self) -> MatchingRequestServiceClient<Line> {
        MatchingRequestServiceClient::new(self.matching())
    }

    pub(crate) fn packages(&self) -> PackageServiceClient<Line> {
        PackageServiceClient::new(self.matching())
    }

    pub(crate) fn consultations(&self) -> ConsultationServiceClient<Line> {
        ConsultationServiceClient::new(self.matching())
    }

    pub(crate) fn schedule_changes(&self) -> ScheduleChangeServiceClient<Line> {
        ScheduleChangeServiceClient::new(self.matching())
    }

    pub(crate) fn reports(&self) -> ReportServiceClient<Line> {
        ReportServiceClient::new(self.matching())
    }

    pub(crate) fn reviews(&self) -> ReviewServiceClient<Line> {
        ReviewServiceClient::new(self.matching())
    }

    pub(crate) fn payments(&self) -> PaymentServiceClient<Line> {
        PaymentServiceClient::new(self.billing())
    }

    pub(crate) fn refunds(&self) -> RefundServiceClient<Line> {
        RefundServiceClient::new(self.billing())
    }

    pub(crate) fn settlements(&self) -> SettlementServiceClient<Line> {
        SettlementServiceClient::new(self.billing()).max_decoding_message_size(LARGEST_FILE_MESSAGE)
    }

    pub(crate) fn bank_accounts(&self) -> BankAccountServiceClient<Line> {
        BankAccountServiceClient::new(self.billing())
    }

    pub(crate) fn cases(&self) -> CaseServiceClient<Line> {
        CaseServiceClient::new(self.billing())
    }

    pub(crate) fn notifications(&self) -> NotificationServiceClient<Line> {
        NotificationServiceClient::new(self.notification())
    }

    pub(crate) fn preferences(&self) -> PreferenceServiceClient<Line> {
        PreferenceServiceClient::new(self.notification())
    }

    pub(crate) fn devices(&self) -> DeviceServiceClient<Line> {
        DeviceServiceClient::new(self.notification())
    }

    /// Each service answers for its own; one that nobody has is refused by identity.
    pub(crate) fn failed_events(&self, consumer: Consumer) -> FailedEventServiceClient<Line> {
        FailedEventServiceClient::new(match consumer {
            Consumer::Content => self.content(),
            Consumer::Matching => self.matching(),
            Consumer::Billing => self.billing(),
            Consumer::Notification => self.notification(),
            Consumer::Identity | Consumer::Unspecified => self.identity(),
        })
    }

    /// Identity's line.
    pub(crate) fn identity(&self) -> Line {
        self.0.identity.clone()
    }

    /// Content's line.
    pub(crate) fn content(&self) -> Line {
        self.0.content.clone()
    }

    /// Notification's line.
    pub(crate) fn notification(&self) -> Line {
        self.0.notification.clone()
    }

    /// Matching's line.
    pub(crate) fn matching(&self) -> Line {
        self.0.matching.clone()
    }

    /// Billing's line.
    pub(crate) fn billing(&self) -> Line {
        self.0.billing.clone()
    }

    pub(crate) fn revocations(&self) -> Revocations {
        self.0.revocations.clone()
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(crate) fn csrf(&self) -> &Csrf {
        &self.0.csrf
    }

    /// Who was there lately.
    pub(crate) fn present(&self) -> &Present {
        &self.0.present
    }

    /// Answers that are the same for everyone.
    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.0.cache
    }

    /// Who is connected here.
    pub(crate) fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Messages a minute of one connection.
    pub(crate) fn message_limit(&self) -> u32 {
        self.0.message_limit
    }

    /// Which therapists can be reached right now.
    pub(crate) fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// Relays for online sessions.
    pub(crate) fn turn(&self) -> &config::Turn {
        &self.0.turn
    }

    pub(crate) fn proxies(&self) -> &[IpNet] {
        &self.0.proxies
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.0.request_timeout
    }

    /// Whom a token speaks for, unless its session has ended. No service comes this way.
    pub(crate) async fn verify(&self, token: &str) -> Result<User, Refusal> {
        self.verify_until(token).await.map(|(user, _)| user)
    }

    /// The same, with the second in which the token expires, since 1970.
    pub(crate) async fn verify_until(&self, token: &str) -> Result<(User, i64), Refusal> {
        match self.0.verifier.verify_until(token).await? {
            (Subject::User(user), until) if !self.0.revocations.contains(user.session_id) => Ok((user, until)),
            _ => Err(Refusal::Invalid),
        }
    }
}

impl Gateway {
    /// Whether the feed of ended sessions has been silent for too long to be trusted with what must not leak.
    pub(crate) fn is_stale(&self) -> bool {
        self.0.revocations.silent_for().is_none_or(|silence| silence >= self.0.stale_after)
    }
}
