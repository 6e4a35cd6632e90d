//! Billing: payments and refunds through providers, the ledger, settlements of therapists.

mod acted;
mod bank_account;
mod case;
mod config;
pub mod consumers;
mod doubt;
mod erasure;
mod invariant;
mod jobs;
mod ledger;
mod metrics;
mod order;
mod payment;
pub mod provider;
mod reconcile;
mod refund;
mod session;
mod settlement;

use std::net::SocketAddr;
use std::sync::Arc;

use aipoten_events::{FailedEvents, Relay, Wake};
use aipoten_kit::config::Tokens;
use aipoten_kit::token::Verifier;
use aipoten_kit::{AuthenticateLayer, Cipher, GrpcServer, Line, Process, Revocations, Sealed, database};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::common::v1::failed_event_service_server::FailedEventServiceServer;
use aipoten_proto::matching::v1::consultation_service_client::ConsultationServiceClient;
use aipoten_proto::matching::v1::package_service_client::PackageServiceClient;
use anyhow::Context as _;
use provider::Providers;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tonic::service::Routes;

pub use config::Config;
pub use consumers::consumers;
pub use invariant::{Paid, check_invariants, paid};
pub use ledger::{KindBalance, trial_balance};
pub use reconcile::{Reconciled, reconcile};

/// The schema of this service's database, besides that of events.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/billing");

/// Encrypted columns: all that are no digest, public key or event.
pub static SEALED: &[Sealed] = &[
    Sealed::of("payments", &["client_secret", "virtual_account", "refund_account"]),
    Sealed::of("therapist_bank_accounts", &["account"]).by("therapist_id"),
    Sealed::of("settlements", &["bank_account"]),
    Sealed::of("idempotency_keys", &["answer"]).by("caller_id"),
];

/// The service. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the use cases work with.
pub struct Parts {
    config: Config,
    pool: PgPool,
    cipher: Cipher,
    /// Matching's packages, asked with the parent's own token.
    packages: PackageServiceClient<Line>,
    /// Its sessions, asked likewise.
    consultations: ConsultationServiceClient<Line>,
    providers: Providers,
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

/// Connects to the stores, to identity and to matching, and starts what runs beside requests: the relay, the consumers, the jobs, the
/// feed of revocations.
pub async fn build(config: &Config, common: &Common, process: &Process) -> anyhow::Result<App> {
    let pool = database::connect("billing.database", &config.database).await?;
    database::check_migrated(&pool, &MIGRATOR).await?;
    database::check_migrated(&pool, &aipoten_events::MIGRATOR).await?;
    let identity = Line::to("billing.identity_url", &config.identity_url)?;
    let matching = Line::to("billing.matching_url", &config.matching_url)?;
    let relay = Relay::new("billing", pool.clone(), common.broker.clone());
    let app = App(Arc::new(Parts {
        config: config.clone(),
        cipher: Cipher::new(&config.encryption).context("configuration key `billing.encryption`")?,
        packages: PackageServiceClient::new(matching.clone()),
        consultations: ConsultationServiceClient::new(matching),
        failed_events: FailedEvents::new("billing", pool.clone(), relay.wake()),
        relay: relay.wake(),
        pool,
        providers: Providers::connect(config.provider, &config.providers)?,
        verifier: Verifier::asking(&common.tokens.issuer, identity.clone()),
        revocations: Revocations::default(),
    }));
    process.spawn("billing revocations", app.revocations.clone().follow(identity, process.stop()));
    aipoten_events::exchange(relay, consumers(), &app.pool, &common.broker, process);
    database::watch(&app.pool, "billing.database", process);
    jobs::start(&app, process);
    metrics::start(&app, process);
    Ok(app)
}

/// Serves on a bound listener until the process stops.
pub fn serve(app: &App, reflection: bool, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
    let routes = Routes::new(proto::payment_service_server::PaymentServiceServer::new(app.clone()))
        .add_service(proto::settlement_service_server::SettlementServiceServer::new(app.clone()))
        .add_service(proto::bank_account_service_server::BankAccountServiceServer::new(app.clone()))
        .add_service(proto::refund_service_server::RefundServiceServer::new(app.clone()))
        .add_service(proto::case_service_server::CaseServiceServer::new(app.clone()))
        .add_service(FailedEventServiceServer::new(app.failed_events.clone()));
    let authenticate = AuthenticateLayer::new("billing", app.verifier.clone(), app.revocations.clone());
    GrpcServer { routes, authenticate, reflection }.serve("billing", listener, process)
}
