//! Notification: what is told to whom, when, and how it reaches them.

mod clock;
mod config;
pub mod consumers;
pub mod delivery;
mod device;
mod erasure;
mod jobs;
mod lease;
mod notification;
mod preference;
mod schedule;
mod template;

use std::net::SocketAddr;
use std::sync::Arc;

use aipoten_events::{FailedEvents, Relay, Wake};
use aipoten_kit::config::{Tokens, required};
use aipoten_kit::token::Verifier;
use aipoten_kit::{AuthenticateLayer, Cipher, GrpcServer, Line, Process, Revocations, Sealed, ServiceTokens, database};
use aipoten_proto::common::v1::failed_event_service_server::FailedEventServiceServer;
use aipoten_proto::identity::v1::recipient_service_client::RecipientServiceClient;
use aipoten_proto::notification::v1 as proto;
use anyhow::Context as _;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tonic::service::Routes;

pub use config::{Config, Fcm, Mail, Sms, Tls, WebPush};
pub use consumers::consumers;
use delivery::{Senders, WebPushKey};
use preference::unsubscribe::Unsubscriber;

/// The schema of this service's database, besides that of events.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/notification");

/// Encrypted columns: all that are no digest, public key or event.
pub static SEALED: &[Sealed] = &[Sealed::of("devices", &["token", "keys"])];

/// The service. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the use cases work with.
pub struct Parts {
    config: Config,
    pool: PgPool,
    cipher: Cipher,
    /// Identity's people, asked on nobody's behalf.
    recipients: RecipientServiceClient<Line>,
    /// What identity is asked with.
    service_tokens: ServiceTokens,
    unsubscriber: Unsubscriber,
    /// What browsers subscribe with, of Web Push that is configured.
    web_push_key: Option<WebPushKey>,
    verifier: Verifier,
    revocations: Revocations,
    failed_events: FailedEvents,
    relay: Wake,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What is configured for all roles and needed here.
pub struct Common {
    /// The broker.
    pub broker: aipoten_events::Config,
    /// Access tokens.
    pub tokens: Tokens,
}

/// A new pair of keys for Web Push, private and public, as the settings and browsers write them.
pub fn new_web_push_key() -> (String, String) {
    let key = WebPushKey::generate();
    (key.private(), key.public())
}

/// Connects to the stores and to identity and starts what runs beside requests: the relay, the consumers, the jobs, the
/// deliveries, the feed of revocations.
pub async fn build(config: &Config, common: &Common, process: &Process) -> anyhow::Result<App> {
    build_with(config, common, Senders::new(config)?, process).await
}

/// The same with these ways to people.
pub async fn build_with(config: &Config, common: &Common, senders: Senders, process: &Process) -> anyhow::Result<App> {
    let pool = database::connect("notification.database", &config.database).await?;
    database::check_migrated(&pool, &MIGRATOR).await?;
    database::check_migrated(&pool, &aipoten_events::MIGRATOR).await?;
    required("notification.service_secret", &config.service_secret)?;
    let identity = Line::to("notification.identity_url", &config.identity_url)?;
    let relay = Relay::new("notification", pool.clone(), common.broker.clone());
    let secret = config.service_secret.clone();
    let app = App(Arc::new(Parts {
        config: config.clone(),
        cipher: Cipher::new(&config.encryption).context("configuration key `notification.encryption`")?,
        unsubscriber: Unsubscriber::new(&config.unsubscribe_key)?,
        web_push_key: WebPushKey::read(&config.web_push)?,
        failed_events: FailedEvents::new("notification", pool.clone(), relay.wake()),
        relay: relay.wake(),
        pool,
        recipients: RecipientServiceClient::new(identity.clone()),
        service_tokens: ServiceTokens::new("notification", secret, "identity", identity.clone()),
        verifier: Verifier::asking(&common.tokens.issuer, identity.clone()),
        revocations: Revocations::default(),
    }));
    process.spawn("notification revocations", app.revocations.clone().follow(identity, process.stop()));
    let consumers = consumers().wakes(app.relay.clone());
    aipoten_events::exchange(relay, consumers, &app.pool, &common.broker, process);
    database::watch(&app.pool, "notification.database", process);
    jobs::start(&app, process);
    delivery::start(&app, senders, process);
    Ok(app)
}

/// Serves on a bound listener until the process stops.
pub fn serve(app: &App, reflection: bool, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
    let routes = Routes::new(proto::notification_service_server::NotificationServiceServer::new(app.clone()))
        .add_service(proto::preference_service_server::PreferenceServiceServer::new(app.clone()))
        .add_service(proto::device_service_server::DeviceServiceServer::new(app.clone()))
        .add_service(FailedEventServiceServer::new(app.failed_events.clone()));
    let authenticate = AuthenticateLayer::new("notification", app.verifier.clone(), app.revocations.clone());
    GrpcServer { routes, authenticate, reflection }.serve("notification", listener, process)
}
