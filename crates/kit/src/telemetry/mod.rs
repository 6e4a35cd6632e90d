//! How the process tells what it does: log lines, metrics, traces, reports of faults.

mod answered;
mod fault;
mod metrics;
mod process;
mod tally;
mod trace;

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::config::{Log, LogFormat, Otlp, Sentry};

pub use answered::Answered;
pub use fault::report;
pub(crate) use metrics::{keep_up, metrics};
pub use tally::{count, counted};
pub use trace::{begin, traceparent};

/// How long the end of the process waits for the collector of traces.
const FLUSH: Duration = Duration::from_secs(2);

/// A layer of whatever kind.
type Layer = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

/// What has to be ended in the end.
#[must_use]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Log lines to standard output, metrics for the operations port, traces and reports of faults where they are configured. `role` is what
/// they come from. To be called once, first thing, inside a runtime: what is counted before is not.
pub fn start(role: &'static str, log: &Log, otlp: &Otlp, sentry: &Sentry) -> anyhow::Result<Telemetry> {
    let traces = trace::provider(role, otlp)?;
    let mut layers = vec![lines(log)?];
    layers.extend(traces.iter().flat_map(trace::layers));
    tracing_subscriber::registry().with(layers).try_init().context("logs cannot be started")?;
    metrics::start()?;
    fault::start(role, sentry)?;
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Sends what was not sent yet, or gives it up after two seconds.
    pub async fn stop(self) {
        let Some(traces) = self.traces else { return };
        let stopped = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(FLUSH)).await;
        if !matches!(stopped, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

fn lines(config: &Log) -> anyhow::Result<Layer> {
    let filter = EnvFilter::try_new(&config.filter).context("configuration key `log.filter` is no filter")?;
    let lines = tracing_subscriber::fmt::layer();
    Ok(match config.format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter(filter).boxed()
        }
        LogFormat::Text => lines.with_ansi(std::io::stdout().is_terminal()).with_filter(filter).boxed(),
    })
}
