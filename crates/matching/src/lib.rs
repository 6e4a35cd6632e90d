//! Matching: therapists and their calendars, requests of parents, packages, sessions, reports, reviews.

mod begin;
mod calendar;
mod child;
mod clock;
mod config;
mod consultation;
pub mod consumers;
mod document;
mod erasure;
mod invariant;
mod jobs;
mod kind;
mod package;
mod party;
mod price;
mod refund;
mod region;
mod report;
mod request;
mod review;
mod schedule_change;
mod seed;
mod therapist;

use std::net::SocketAddr;
use std::sync::Arc;

use aipoten_events::{FailedEvents, Relay, Wake};
use aipoten_kit::config::Tokens;
use aipoten_kit::token::Verifier;
use aipoten_kit::{AuthenticateLayer, Cipher, GrpcServer, Line, Process, Revocations, Sealed, database};
use aipoten_proto::common::v1::failed_event_service_server::FailedEventServiceServer;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::matching::v1 as proto;
use anyhow::Context as _;
use object_store::local::LocalFileSystem;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tonic::service::Routes;

pub use config::Config;
pub use consumers::consumers;
pub use invariant::{check_invariants, paid_packages};
pub use seed::seed;

/// The schema of this service's database, besides that of events.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/matching");

/// Encrypted columns: all that are no digest, public key or event.
pub static SEALED: &[Sealed] = &[
    Sealed::of("matching_requests", &["notes", "visit_address"]),
    Sealed::of("consultations", &["visit_address", "notes", "dispute_reason"]),
    Sealed::of("consultation_reports", REPORT),
    Sealed::of("consultation_report_versions", REPORT).by("report_id").copied_from("consultation_reports"),
    Sealed::of("consultation_feedbacks", &["content", "recommendations"]),
    Sealed::of("idempotency_keys", &["answer"]).by("caller_id"),
];
const REPORT: &[&str] =
    &["child_assessment", "session_content", "home_activities", "next_session_goal", "next_session_suggestions"];

/// The service. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the use cases work with.
pub struct Parts {
    config: Config,
    pool: PgPool,
    cipher: Cipher,
    /// Files of licence documents.
    documents: LocalFileSystem,
    /// Identity's children, asked with the parent's own token.
    children: ChildServiceClient<Line>,
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

/// Connects to the stores and to identity and starts what runs beside requests: the relay, the consumers, the jobs, the
/// feed of revocations.
pub async fn build(config: &Config, common: &Common, process: &Process) -> anyhow::Result<App> {
    let pool = database::connect("matching.database", &config.database).await?;
    database::check_migrated(&pool, &MIGRATOR).await?;
    database::check_migrated(&pool, &aipoten_events::MIGRATOR).await?;
    let identity = Line::to("matching.identity_url", &config.identity_url)?;
    let relay = Relay::new("matching", pool.clone(), common.broker.clone());
    let app = App(Arc::new(Parts {
        config: config.clone(),
        cipher: Cipher::new(&config.encryption).context("configuration key `matching.encryption`")?,
        documents: document::file::open(&config.documents)?,
        failed_events: FailedEvents::new("matching", pool.clone(), relay.wake()),
        relay: relay.wake(),
        pool,
        children: ChildServiceClient::new(identity.clone()),
        verifier: Verifier::asking(&common.tokens.issuer, identity.clone()),
        revocations: Revocations::default(),
    }));
    process.spawn("matching revocations", app.revocations.clone().follow(identity, process.stop()));
    aipoten_events::exchange(relay, consumers(), &app.pool, &common.broker, process);
    database::watch(&app.pool, "matching.database", process);
    request::metrics::prepare();
    consultation::metrics::prepare();
    jobs::start(&app, process);
    Ok(app)
}

/// Serves on a bound listener until the process stops.
pub fn serve(app: &App, reflection: bool, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
    let documents = proto::document_service_server::DocumentServiceServer::new(app.clone())
        .max_decoding_message_size(document::grpc::LARGEST_MESSAGE)
        .max_encoding_message_size(document::grpc::LARGEST_MESSAGE);
    let routes = Routes::new(proto::matching_request_service_server::MatchingRequestServiceServer::new(app.clone()))
        .add_service(proto::package_service_server::PackageServiceServer::new(app.clone()))
        .add_service(proto::consultation_service_server::ConsultationServiceServer::new(app.clone()))
        .add_service(proto::schedule_change_service_server::ScheduleChangeServiceServer::new(app.clone()))
        .add_service(proto::therapist_service_server::TherapistServiceServer::new(app.clone()))
        .add_service(documents)
        .add_service(proto::calendar_service_server::CalendarServiceServer::new(app.clone()))
        .add_service(proto::report_service_server::ReportServiceServer::new(app.clone()))
        .add_service(proto::review_service_server::ReviewServiceServer::new(app.clone()))
        .add_service(FailedEventServiceServer::new(app.failed_events.clone()));
    let authenticate = AuthenticateLayer::new("matching", app.verifier.clone(), app.revocations.clone());
    GrpcServer { routes, authenticate, reflection }.serve("matching", listener, process)
}
