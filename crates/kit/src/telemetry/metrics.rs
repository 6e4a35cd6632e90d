//! The registry of metrics. Those of a noun stand where it changes; deploy/observability/metrics.md lists them all.

use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::{counter, gauge};
use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::process;

/// In seconds; 0.2 and 1 are thresholds of alerts.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// How often what histograms were given is put into its buckets, also where nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

static REGISTRY: OnceLock<PrometheusHandle> = OnceLock::new();

pub(super) fn start() -> anyhow::Result<()> {
    let registry = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder().context("metrics")?;
    REGISTRY.get_or_init(|| registry);
    gauge!("aipoten_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    counter!("aipoten_panics_total").increment(0);
    counter!("aipoten_internal_errors_total").increment(0);
    counter!("aipoten_pool_timeouts_total").increment(0);
    Ok(())
}

/// All metrics in Prometheus' text format.
pub(crate) fn metrics() -> String {
    REGISTRY.get().map(PrometheusHandle::render).unwrap_or_default() + &process::metrics().unwrap_or_default()
}

/// Runs for ever.
pub(crate) async fn keep_up() {
    loop {
        tokio::time::sleep(UPKEEP).await;
        if let Some(registry) = REGISTRY.get() {
            registry.run_upkeep();
        }
    }
}
