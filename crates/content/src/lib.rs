//! Content: the question bank, development checks, growth and play videos.

mod age;
mod area;
mod assessment;
mod category;
mod change;
mod child;
mod clock;
mod config;
pub mod consumers;
mod drawing;
mod erasure;
mod growth;
mod jobs;
mod question;
mod seed;
mod text;
mod video;

use std::net::SocketAddr;
use std::sync::Arc;

use aipoten_events::{FailedEvents, Relay, Wake};
use aipoten_kit::config::Tokens;
use aipoten_kit::token::Verifier;
use aipoten_kit::{AuthenticateLayer, GrpcServer, Line, Process, Revocations, database};
use aipoten_proto::common::v1::failed_event_service_server::FailedEventServiceServer;
use aipoten_proto::content::v1 as proto;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tonic::service::Routes;

pub use config::{Config, LinkCheck};
pub use consumers::consumers;
pub use seed::seed;
pub use video::link::CheckedLinks;

/// The schema of this service's database, besides that of events.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/content");

/// The service. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the use cases work with.
pub struct Parts {
    pool: PgPool,
    /// Identity's children, asked with the caller's own token.
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

/// Connects to the stores and to identity and starts what runs beside requests: the relay, the consumers, the feed of
/// revocations.
pub async fn build(config: &Config, common: &Common, process: &Process) -> anyhow::Result<App> {
    let pool = database::connect("content.database", &config.database).await?;
    database::check_migrated(&pool, &MIGRATOR).await?;
    database::check_migrated(&pool, &aipoten_events::MIGRATOR).await?;
    let identity = Line::to("content.identity_url", &config.identity_url)?;
    let relay = Relay::new("content", pool.clone(), common.broker.clone());
    let app = App(Arc::new(Parts {
        failed_events: FailedEvents::new("content", pool.clone(), relay.wake()),
        relay: relay.wake(),
        pool,
        children: ChildServiceClient::new(identity.clone()),
        verifier: Verifier::asking(&common.tokens.issuer, identity.clone()),
        revocations: Revocations::default(),
    }));
    process.spawn("content revocations", app.revocations.clone().follow(identity, process.stop()));
    aipoten_events::exchange(relay, consumers(), &app.pool, &common.broker, process);
    database::watch(&app.pool, "content.database", process);
    video::metrics::measure(&app.pool, process);
    metrics::counter!("aipoten_assessments_total").increment(0);
    jobs::start(&app, &config.link_check, process);
    Ok(app)
}

/// Asks for the address of every published video whose last turn is a day ago; `None` while somebody else is at it. What
/// changed is announced by whoever serves.
pub async fn check_links(pool: &PgPool, config: &LinkCheck) -> anyhow::Result<Option<CheckedLinks>> {
    video::link::check(pool, config).await
}

/// Serves on a bound listener until the process stops.
pub fn serve(app: &App, reflection: bool, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
    let routes = Routes::new(proto::question_service_server::QuestionServiceServer::new(app.clone()))
        .add_service(proto::assessment_service_server::AssessmentServiceServer::new(app.clone()))
        .add_service(proto::growth_service_server::GrowthServiceServer::new(app.clone()))
        .add_service(proto::video_service_server::VideoServiceServer::new(app.clone()))
        .add_service(proto::category_service_server::CategoryServiceServer::new(app.clone()))
        .add_service(FailedEventServiceServer::new(app.failed_events.clone()));
    let authenticate = AuthenticateLayer::new("content", app.verifier.clone(), app.revocations.clone());
    GrpcServer { routes, authenticate, reflection }.serve("content", listener, process)
}
