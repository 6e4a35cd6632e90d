//! Traces: spans of ours for requests, calls and events, and of each SQL statement in a trace that is recorded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{DynFilterFn, FilterFn, LevelFilter};
use tracing_subscriber::{Layer as _, Registry, layer};

use super::Layer;
use crate::config::Otlp;

/// What sqlx says of each statement when it is done.
const STATEMENTS: &str = "sqlx::query";

/// Whether there are traces.
static ON: AtomicBool = AtomicBool::new(false);

/// Sends what is recorded to the collector; none where there is no address.
pub(super) fn provider(role: &'static str, config: &Otlp) -> anyhow::Result<Option<SdkTracerProvider>> {
    if config.endpoint.is_empty() {
        return Ok(None);
    }
    let key = "configuration key `otlp.endpoint`";
    ensure!(config.endpoint.starts_with("http://"), "{key} is no address such as http://collector:4317");
    ensure!((0.0..=1.0).contains(&config.sample), "configuration key `otlp.sample` lies between 0 and 1");
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(&config.endpoint);
    let resource = Resource::builder_empty()
        .with_service_name(format!("aipoten-{role}"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.build().context(key)?)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    ON.store(true, Ordering::Relaxed);
    Ok(Some(provider))
}

pub(super) fn layers(provider: &SdkTracerProvider) -> [Layer; 2] {
    // Log lines stay out of traces: they are found by trace id.
    let ours = FilterFn::new(|metadata| metadata.is_span() && metadata.target().starts_with("aipoten"));
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("aipoten"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(ours);
    // sqlx makes its words only where somebody wants them: for the few traces that are recorded.
    let recorded = DynFilterFn::new(|metadata, _| metadata.target() == STATEMENTS && is_recorded())
        .with_max_level_hint(LevelFilter::DEBUG)
        .with_callsite_filter(|metadata| match metadata.target() {
            STATEMENTS => Interest::sometimes(),
            _ => Interest::never(),
        });
    [spans.boxed(), Statements { tracer: provider.tracer("sqlx") }.with_filter(recorded).boxed()]
}

fn is_recorded() -> bool {
    Context::map_current(|context| context.span().span_context().is_sampled())
}

/// Begins the trace of a new span, or goes on with the one it came with. Where it is recorded the span gets this name there, and its
/// field `trace_id` is filled. To be called before the span is entered.
pub fn begin(span: &Span, traceparent: Option<&str>, name: &str) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    if let Some(parent) = traceparent.and_then(parse) {
        // It fails for spans that nobody sees.
        drop(span.set_parent(Context::new().with_remote_span_context(parent)));
    }
    let context = span.context();
    let recorded = context.span();
    if recorded.span_context().is_sampled() {
        recorded.update_name(name.to_owned());
        span.record("trace_id", tracing::field::display(recorded.span_context().trace_id()));
    }
}

/// The W3C trace context to hand on with what the current span causes; none without traces.
pub fn traceparent() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let of = span.span_context();
        let text = || format!("00-{}-{}-{:02x}", of.trace_id(), of.span_id(), of.trace_flags().to_u8());
        of.is_valid().then(text)
    })
}

/// The id of the trace that is recorded here.
pub(super) fn trace_id() -> Option<String> {
    let recorded = |context: &Context| {
        let span = context.span();
        let of = span.span_context();
        of.is_sampled().then(|| of.trace_id().to_string())
    };
    Context::map_current(recorded)
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.strip_prefix("00-")?.split('-');
    let mut part = |length| parts.next().filter(|part: &&str| part.len() == length);
    let trace_id = TraceId::from_hex(part(32)?).ok()?;
    let span_id = SpanId::from_hex(part(16)?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(part(2)?, 16).ok()?);
    let context = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    Some(context).filter(SpanContext::is_valid)
}

/// Each statement as a span. Its text holds no values: those are bound.
struct Statements {
    tracer: SdkTracer,
}

#[derive(Default)]
struct Statement {
    summary: String,
    text: String,
    took: Duration,
}

impl tracing_subscriber::Layer<Registry> for Statements {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, Registry>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let end = SystemTime::now();
        let attributes = [
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.query.text", statement.text.trim().to_owned()),
        ];
        let builder = self.tracer.span_builder(statement.summary);
        let builder =
            builder.with_kind(SpanKind::Client).with_start_time(end - statement.took).with_attributes(attributes);
        builder.start_with_context(&self.tracer, &Context::current()).end_with_timestamp(end);
    }
}

impl Visit for Statement {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.trim_end_matches(" …").clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.took = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_context_is_read_as_the_standard_writes_it() {
        let context = parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("good");
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id().to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled() && context.is_remote());
        let zero = format!("00-{}-{}-01", "0".repeat(32), "0".repeat(16));
        for wrong in ["", "00-1-2-3-4", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", zero.as_str()] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
