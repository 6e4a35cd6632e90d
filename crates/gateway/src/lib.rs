//! The edge of the platform: REST over the services' gRPC. It takes JSON, forwards the caller's token, and answers in
//! one envelope; it decides nothing but who may come in and how often.

mod cache;
mod call;
mod compress;
mod config;
mod cookies;
mod docs;
mod edge;
mod envelope;
mod error;
mod etag;
mod file;
mod gateway;
mod headers;
mod input;
mod limit;
mod locale;
mod mailbox;
mod metrics;
mod openapi;
mod origin;
mod patch;
mod patient;
mod realtime;
mod routes;
mod serve;
mod text;
mod turn;
mod unread;
mod upload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aipoten_events::Listener;
use aipoten_kit::config::{Redis, Tokens};
use aipoten_kit::{Line, Process};
use aipoten_proto::content::v1::ContentChanged;
use aipoten_proto::matching::v1::TherapistChanged;
use aipoten_proto::notification::v1::NotificationCreated;
use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use futures::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, header};
use prost::Name as _;
use tokio::net::TcpListener;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use config::{Config, Limits, Realtime as RealtimeConfig, Turn};
pub use openapi::openapi;

use crate::cache::Shelf;
use crate::gateway::Gateway;
use crate::realtime::Realtime;

/// The gateway, ready to serve.
pub struct App {
    router: Router,
    gateway: Gateway,
    realtime: Realtime,
    broker: aipoten_events::Config,
}

/// What is configured for all roles and needed here.
pub struct Common {
    /// Counters and cached answers.
    pub redis: Redis,
    /// The broker.
    pub broker: aipoten_events::Config,
    /// Access tokens.
    pub tokens: Tokens,
}

/// Makes the gateway. Nothing needs to answer yet: a service that is down is 503 until it is back.
pub fn build(config: &Config, common: &Common) -> anyhow::Result<App> {
    let gateway = Gateway::new(config, &common.redis, &common.tokens)?;
    let realtime = Realtime::new(&gateway, &common.redis)?;
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(gateway.clone(), edge::dress))
        .layer(cors(&config.cors_origins)?)
        .layer(from_fn(etag::compare))
        .layer(compress::layer())
        .layer(from_fn(unread::discard))
        .layer(from_fn_with_state(gateway.clone(), edge::bound))
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(from_fn_with_state(gateway.clone(), edge::admit))
        .layer(from_fn(etag::mark))
        .layer(DefaultBodyLimit::max(config.body_limit));
    let routes = routes::all().merge(realtime.routes()).merge(mailbox::routes(&config.mailbox));
    let router = routes.layer(layers).with_state(gateway.clone());
    Ok(App { router, gateway, realtime, broker: common.broker.clone() })
}

/// Serves on a bound listener as a task of the process, until it stops.
pub fn serve(app: App, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    watch(&app.gateway, process);
    listen(&app.gateway, &app.realtime, app.broker, process);
    app.realtime.run(process);
    process.spawn("gateway", serve::serve(listener, app.router, process.clone()));
    tracing::info!(role = "gateway", %address, "serving");
    Ok(address)
}

/// Ready is who can ask the services; Redis may be away.
fn watch(gateway: &Gateway, process: &Process) {
    process.spawn("gateway revocations", gateway.revocations().follow(gateway.identity(), process.stop()));
    let services = [
        ("gateway.identity", gateway.identity()),
        ("gateway.content", gateway.content()),
        ("gateway.matching", gateway.matching()),
        ("gateway.billing", gateway.billing()),
        ("gateway.notification", gateway.notification()),
    ];
    for (name, line) in services {
        process.check(name, move || answers(line.clone()).boxed());
    }
    let present = gateway.present().clone();
    process.measure(move || present.measure());
    let gateway = gateway.clone();
    process.show("gateway.redis", move || {
        let gateway = gateway.clone();
        async move { gateway.limiter().redis_answers().await }.boxed()
    });
}

/// The events that a gateway listens to.
pub fn hears() -> [String; 3] {
    [ContentChanged::full_name(), TherapistChanged::full_name(), NotificationCreated::full_name()]
}

/// Cached answers go when what they show was changed; notifications go to who is connected here. Without the broker answers
/// live their time, and notifications are read when it is back.
fn listen(gateway: &Gateway, realtime: &Realtime, broker: aipoten_events::Config, process: &Process) {
    let cache = || Arc::clone(gateway.cache());
    let (all, content, therapists) = (cache(), cache(), cache());
    let (deaf, news) = (realtime.clone(), realtime.clone());
    let begin = move || {
        all.clear();
        deaf.catch_up();
    };
    let listener = Listener::new("gateway", begin)
        .on::<NotificationCreated>(move |event| news.tell(&event))
        .on::<ContentChanged>(move |event| content.clear_shelf(Shelf::of_kind(&event.kind)))
        .on::<TherapistChanged>(move |_| therapists.clear_shelf(Shelf::Therapists));
    listener.measure(process);
    process.spawn("gateway listener", listener.run(broker, process.stop()));
}

async fn answers(service: Line) -> bool {
    HealthClient::new(service).check(HealthCheckRequest::default()).await.is_ok()
}

fn cors(origins: &[String]) -> anyhow::Result<CorsLayer> {
    let parse = |origin: &String| {
        // The wildcard is no origin, and credentials could not be sent to it.
        let uri: Option<http::Uri> = origin.parse().ok();
        let exact = uri.and_then(|it| Some(format!("{}://{}", it.scheme_str()?, it.authority()?)));
        let origin = HeaderValue::try_from(origin).ok().filter(|_| exact.as_ref() == Some(origin));
        origin.context("configuration key `gateway.cors_origins` lists origins such as https://app.example.org")
    };
    let origins = origins.iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            origin::REQUEST_ID,
            origin::IDEMPOTENCY_KEY,
            cookies::COOKIE_SESSION,
            cookies::CSRF_TOKEN,
        ])
        .expose_headers([
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            origin::REQUEST_ID,
            cookies::CSRF_TOKEN,
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
        ])
        .max_age(Duration::from_hours(1)))
}
