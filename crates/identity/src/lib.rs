//! Identity: accounts, sessions, keys, consents, children, and who did what with them.

mod audit;
mod captcha;
mod care;
mod child;
mod config;
mod consent;
pub mod consumers;
mod jobs;
mod key;
mod mail_token;
mod password;
mod recipient;
mod service_key;
mod service_token;
mod session;
#[cfg(feature = "test")]
pub mod test;
mod user;

use std::net::SocketAddr;
use std::sync::Arc;

use aipoten_events::{FailedEvents, Relay};
use aipoten_kit::config::{Redis, Tokens, required};
use aipoten_kit::token::Verifier;
use aipoten_kit::{AuthenticateLayer, Cipher, GrpcServer, Process, Revocations, Sealed, database};
use aipoten_proto::common::v1::failed_event_service_server::FailedEventServiceServer;
use aipoten_proto::identity::v1 as proto;
use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tonic::service::Routes;

use service_key::ServiceKey;
use service_token::ServiceSecrets;

pub use audit::{Checked, Fault, check_audit};
pub use config::Config;
pub use consumers::consumers;
pub use key::{Withdraw, rotate_keys};
pub use user::seed_administrator;

/// The schema of this service's database, besides that of events.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/identity");

/// Encrypted columns: all that are no digest, public key or event.
pub static SEALED: &[Sealed] = &[
    Sealed::of("users", &["phone"]),
    Sealed::of("sessions", &["refresh_key"]),
    Sealed::of("signing_keys", &["private_key"]),
    Sealed::of("service_keys", &["key"]),
    Sealed::of("children", &["name", "medical_history", "family_history", "treatment_history", "notes"]),
];

/// The service. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    /// How many password hashes were computed for sign-ins since the start: what guessing costs, and what it gets.
    pub fn passwords_checked(&self) -> u64 {
        self.passwords.checked()
    }
}

/// What the use cases work with.
pub struct Parts {
    config: Config,
    pool: PgPool,
    cipher: Cipher,
    passwords: password::Pool,
    keys: key::Keys,
    /// Blinds addresses in the record of failed sign-ins.
    address_key: ServiceKey,
    captcha_key: ServiceKey,
    audit_key: ServiceKey,
    service_secrets: ServiceSecrets,
    verifier: Verifier,
    revocations: Revocations,
    cache: session::Cache,
    relay: aipoten_events::Wake,
    failed_events: FailedEvents,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What is configured for all roles and needed here.
pub struct Common {
    /// Redis.
    pub redis: Redis,
    /// The broker.
    pub broker: aipoten_events::Config,
    /// Access tokens.
    pub tokens: Tokens,
}

/// Connects to the stores and starts what runs beside requests: the relay, the consumers and the jobs.
pub async fn build(config: Config, common: &Common, process: &Process) -> anyhow::Result<App> {
    let pool = database::connect("identity.database", &config.database).await?;
    database::check_migrated(&pool, &MIGRATOR).await?;
    database::check_migrated(&pool, &aipoten_events::MIGRATOR).await?;
    let cipher = Cipher::new(&config.encryption).context("configuration key `identity.encryption`")?;
    let keys = key::load(&pool, &cipher, &config, &common.tokens).await?;
    let address_key = ServiceKey::load(&pool, &cipher, "login_attempts").await?;
    let captcha_key = ServiceKey::load(&pool, &cipher, "captcha").await?;
    let audit_key = ServiceKey::load(&pool, &cipher, "audit").await?;
    let service_secrets = ServiceSecrets::parse(&config.service_secrets)?;
    let verifier = Verifier::local(&common.tokens.issuer);
    verifier.set_keys(&keys.public());
    let relay = Relay::new("identity", pool.clone(), common.broker.clone());
    let app = App(Arc::new(Parts {
        passwords: password::Pool::start(&config.password),
        cache: session::Cache::new(connect_redis(&common.redis)?, &common.redis),
        relay: relay.wake(),
        failed_events: FailedEvents::new("identity", pool.clone(), relay.wake()),
        revocations: Revocations::default(),
        config,
        pool,
        cipher,
        keys,
        address_key,
        captcha_key,
        audit_key,
        service_secrets,
        verifier,
    }));
    database::watch(&app.pool, "identity.database", process);
    aipoten_events::exchange(relay, consumers(), &app.pool, &common.broker, process);
    let revoked = session::take_revocations(&app, None).await?;
    session::metrics::prepare();
    user::prepare_metrics();
    jobs::start(&app, revoked, process);
    Ok(app)
}

fn connect_redis(config: &Redis) -> anyhow::Result<ConnectionManager> {
    let client = redis::Client::open(required("redis.url", &config.url)?).context("configuration key `redis.url`")?;
    let manager = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_connection_timeout(Some(std::time::Duration::from_secs(1)))
        .set_response_timeout(Some(std::time::Duration::from_secs(1)));
    client.get_connection_manager_lazy(manager).context("configuration key `redis.url`")
}

/// Serves on a bound listener until the process stops.
pub fn serve(app: &App, reflection: bool, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
    let routes = Routes::new(proto::user_service_server::UserServiceServer::new(app.clone()))
        .add_service(proto::session_service_server::SessionServiceServer::new(app.clone()))
        .add_service(proto::captcha_service_server::CaptchaServiceServer::new(app.clone()))
        .add_service(proto::recipient_service_server::RecipientServiceServer::new(app.clone()))
        .add_service(proto::service_token_service_server::ServiceTokenServiceServer::new(app.clone()))
        .add_service(proto::key_service_server::KeyServiceServer::new(app.clone()))
        .add_service(proto::consent_service_server::ConsentServiceServer::new(app.clone()))
        .add_service(proto::child_service_server::ChildServiceServer::new(app.clone()))
        .add_service(proto::audit_service_server::AuditServiceServer::new(app.clone()))
        .add_service(FailedEventServiceServer::new(app.failed_events.clone()));
    let authenticate = AuthenticateLayer::new("identity", app.verifier.clone(), app.revocations.clone());
    GrpcServer { routes, authenticate, reflection }.serve("identity", listener, process)
}
