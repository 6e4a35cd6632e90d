//! The life of a process: tasks that stand and fall together, serving, readiness, stopping.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use futures::future::{BoxFuture, join_all};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::{AuthenticateLayer, telemetry};

/// How long running work may take to finish after the signal to stop.
const GRACE: Duration = Duration::from_secs(30);
/// How long a load balancer needs to see that readiness fails.
const DRAIN: Duration = Duration::from_millis(500);
/// How long connections on which nobody asks are kept then: longer than proxies keep them (`keepalive_timeout` of the edge), so that the
/// proxy ends them and no request is on its way to one that ends.
const LINGER: Duration = Duration::from_secs(5);
/// What a sample that asks a database waits at least: a little less than the fifteen seconds between two scrapes, so that each gets a new one.
const QUERY: Duration = Duration::from_secs(14);
/// How long a scrape waits for what has to be measured for it.
const SAMPLING: Duration = Duration::from_secs(5);

/// A condition that readiness asks for or only shows.
#[derive(Clone)]
struct Check {
    name: Cow<'static, str>,
    needed: bool,
    holds: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

/// Something that is measured when the metrics are asked for.
#[derive(Clone)]
struct Sample {
    every: Duration,
    taken: Arc<Mutex<Option<Instant>>>,
    take: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Sample {
    /// Whether the last one is old enough; then this is the next.
    fn is_due(&self) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let due = taken.is_none_or(|at| at.elapsed() >= self.every);
        if due {
            *taken = Some(Instant::now());
        }
        due
    }

    async fn take(&self) {
        if !self.is_due() {
            return;
        }
        if tokio::time::timeout(SAMPLING, (self.take)()).await.is_err() {
            tracing::warn!("something could not be measured in time");
        }
    }
}

/// A process and its tasks. Clones are the same process.
#[derive(Clone, Default)]
pub struct Process {
    stop: CancellationToken,
    started: CancellationToken,
    draining: CancellationToken,
    tasks: TaskTracker,
    connections: TaskTracker,
    failure: Arc<Mutex<Option<anyhow::Error>>>,
    checks: Arc<Mutex<Vec<Check>>>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Process {
    /// A process without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process is to stop: running work finishes, no new work begins.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Cancelled a moment before [`Process::stop`]: nobody should send anything new from here on.
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// The connections that clients and proxies keep between requests: the process stops when they have ended, or after five seconds.
    pub fn connections(&self) -> &TaskTracker {
        &self.connections
    }

    /// Runs a task. One that fails, or ends before it was told to, stops the process.
    pub fn spawn(
        &self,
        name: impl Into<Cow<'static, str>>,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let (process, name) = (self.clone(), name.into());
        self.tasks.spawn(async move {
            let ended = tokio::spawn(task).await.unwrap_or_else(|panic| Err(panic.into()));
            if ended.is_ok() && process.stop.is_cancelled() {
                return;
            }
            let error = ended.err().unwrap_or_else(|| anyhow::anyhow!("it ended by itself"));
            tracing::error!(stream = "error", task = &*name, error = format!("{error:#}"), "a task died");
            let mut failure = process.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert(error.context(format!("the task {name} died")));
            process.draining.cancel();
            process.stop.cancel();
        });
    }

    /// Adds a condition without which the process is not ready.
    pub fn check(
        &self,
        name: impl Into<Cow<'static, str>>,
        holds: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) {
        self.add(Check { name: name.into(), needed: true, holds: Arc::new(holds) });
    }

    /// Adds a condition that readiness shows and does not ask for: without it the process serves on.
    pub fn show(
        &self,
        name: impl Into<Cow<'static, str>>,
        holds: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) {
        self.add(Check { name: name.into(), needed: false, holds: Arc::new(holds) });
    }

    fn add(&self, check: Check) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Has `set` set its gauges, of what lies in memory, whenever the metrics are asked for.
    pub fn measure(&self, set: impl Fn() + Send + Sync + 'static) {
        self.add_sample(Duration::ZERO, move || {
            set();
            Box::pin(std::future::ready(()))
        });
    }

    /// Has `take` ask a database and set its gauges when the metrics are asked for, not more often than once between two scrapes.
    pub fn sample(&self, take: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) {
        self.add_sample(QUERY, take);
    }

    fn add_sample(&self, every: Duration, take: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) {
        let sample = Sample { every, taken: Arc::default(), take: Arc::new(take) };
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }

    /// Everything is started: waits for SIGTERM, SIGINT or the death of a task, then stops: readiness fails first, then connections end, then
    /// no new work begins, running work has 30 seconds.
    pub async fn run(self) -> anyhow::Result<()> {
        self.started.cancel();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = self.stop.cancelled() => {}
        }
        tracing::info!("stopping");
        self.draining.cancel();
        if !self.stop.is_cancelled() {
            tokio::time::sleep(DRAIN).await;
            self.connections.close();
            if tokio::time::timeout(LINGER, self.connections.wait()).await.is_err() {
                tracing::debug!(
                    connections = self.connections.len(),
                    "some connections are kept for longer: they are ended"
                );
            }
        }
        self.shut_down().await
    }

    /// Stops now: running work has 30 seconds.
    pub async fn shut_down(&self) -> anyhow::Result<()> {
        self.draining.cancel();
        self.stop.cancel();
        self.tasks.close();
        let finished = tokio::time::timeout(GRACE, self.tasks.wait()).await;
        if let Some(error) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        finished.context("some work did not finish within 30 seconds")
    }

    /// Serves the operations port, never public: /health/live, /health/ready and /metrics.
    pub fn serve_ops(&self, listener: TcpListener) {
        let stop = self.stop();
        self.spawn("metrics", async move {
            stop.run_until_cancelled(telemetry::keep_up()).await;
            Ok(())
        });
        let serving =
            axum::serve(listener, ops_router(self.clone())).with_graceful_shutdown(self.stop().cancelled_owned());
        self.spawn("ops", async move { Ok(serving.await?) });
    }

    /// In Prometheus' text format.
    async fn metrics(&self) -> String {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(samples.iter().map(Sample::take)).await;
        telemetry::metrics()
    }

    /// Whether the process is ready, and what it looked at.
    async fn readiness(&self) -> (bool, serde_json::Map<String, serde_json::Value>) {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut ready = self.started.is_cancelled() && !self.draining.is_cancelled();
        let mut states = serde_json::Map::from_iter([("running".to_owned(), ready.into())]);
        for check in checks {
            let holds = tokio::time::timeout(Duration::from_secs(2), (check.holds)()).await.unwrap_or(false);
            ready &= holds || !check.needed;
            states.insert(check.name.into_owned(), holds.into());
        }
        (ready, states)
    }
}

fn ops_router(process: Process) -> axum::Router {
    async fn ready(State(process): State<Process>) -> (StatusCode, Json<serde_json::Value>) {
        let (ready, checks) = process.readiness().await;
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(serde_json::json!({ "ready": ready, "checks": checks })))
    }
    async fn metrics(State(process): State<Process>) -> impl IntoResponse {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4")], process.metrics().await)
    }
    axum::Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(async || Json(serde_json::json!({ "live": true }))))
        .route("/health/ready", get(ready))
        .with_state(process)
}

/// Without `TCP_NODELAY` the median call takes 24 ms instead of 2.
fn incoming(listener: TcpListener) -> TcpIncoming {
    TcpIncoming::from(listener).with_nodelay(Some(true))
}

/// A gRPC server with health, reflection and the check of callers.
pub struct GrpcServer {
    /// The services.
    pub routes: Routes,
    /// Who calls.
    pub authenticate: AuthenticateLayer,
    /// Whether to describe the services to whoever asks.
    pub reflection: bool,
}

impl GrpcServer {
    /// Serves on a bound listener as a task of the process, until it stops.
    pub fn serve(self, name: &'static str, listener: TcpListener, process: &Process) -> anyhow::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let (_, health) = tonic_health::server::health_reporter();
        let mut routes = self.routes.add_service(health);
        if self.reflection {
            let reflection = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(aipoten_proto::DESCRIPTOR_SET)
                .build_v1()?;
            routes = routes.add_service(reflection);
        }
        let incoming = incoming(listener);
        let server = Server::builder().layer(self.authenticate).add_routes(routes);
        let stop = process.stop();
        process.spawn(name, async move {
            server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await?;
            Ok(())
        });
        tracing::info!(role = name, %address, "serving");
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_server_sends_small_answers_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let _client = TcpStream::connect(address).await.expect("a connection");
        let accepted = incoming(listener).try_next().await.expect("no error").expect("a connection");
        assert!(accepted.nodelay().expect("an option of the socket"));
    }
}
