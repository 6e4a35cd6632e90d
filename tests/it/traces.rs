use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::care::Care;
use aipoten_tests::private::{ADMIN, leaks};
use chrono::{Days, Utc};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::platform::{Platform, free_ports};

/// A collector of traces.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|it| it.scope_spans);
        self.0.lock().expect("a list").extend(scopes.flat_map(|it| it.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start(port: u16) -> Self {
        let collector = Self::default();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        let server = Server::builder().add_service(TraceServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        collector
    }

    /// The names of the span that this is true of and of all that it comes from, the first cause last.
    fn line(&self, is_it: impl Fn(&Span) -> bool) -> Option<Vec<String>> {
        let spans = self.0.lock().expect("a list");
        let by_id: HashMap<&[u8], &Span> = spans.iter().map(|span| (span.span_id.as_slice(), span)).collect();
        let mut next = spans.iter().find(|span| is_it(span));
        let trace = next?.trace_id.clone();
        let mut line = Vec::new();
        while let Some(span) = next {
            assert_eq!(span.trace_id, trace, "{} is of another trace than what it caused", span.name);
            line.push(span.name.clone());
            if span.parent_span_id.is_empty() {
                return Some(line);
            }
            next = by_id.get(span.parent_span_id.as_slice()).copied();
        }
        None
    }

    /// Everything that the spans say.
    fn said(&self) -> String {
        let spans = self.0.lock().expect("a list");
        spans.iter().map(|span| format!("{} {:?}", span.name, span.attributes)).collect::<Vec<_>>().join("\n")
    }
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let value = span.attributes.iter().find(|it| it.key == key)?.value.as_ref()?.value.as_ref()?;
    if let Value::StringValue(text) = value { Some(text) } else { None }
}

#[tokio::test]
async fn what_a_request_causes_is_one_trace_from_the_edge_to_the_last_consumer() -> anyhow::Result<()> {
    let [port] = free_ports();
    let collector = Collector::start(port).await;
    let broker = own_broker_url("traces");
    let platform = Platform::start_with(&[
        ("AIPOTEN__BROKER__URL", &broker),
        ("AIPOTEN__OTLP__ENDPOINT", &format!("http://127.0.0.1:{port}")),
        ("AIPOTEN__OTLP__SAMPLE", "1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ])
    .await;
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let care = Care::begin(&platform.api, &admin, &mut drop).await?;
    let wish = json!({
        "therapist_id": care.therapist_id, "child_id": care.child_id, "share_child": true, "kind": "online",
        "total_sessions": 1, "preferred_dates": [(Utc::now() + Days::new(3)).to_rfc3339()],
    });
    let ask =
        care.parent.request(reqwest::Method::POST, "/matching/requests").header("idempotency-key", &care.child_id);
    care.parent.send(ask.json(&wish)).await?.data(201)?;
    care.parent.delete(&format!("/children/{}", care.child_id)).await?.data(204)?;

    // Matching asked identity, with the parent's own token.
    let asked = |span: &Span| span.name == "/aipoten.identity.v1.ChildService/GetChildSharing";
    let line = [
        "/aipoten.identity.v1.ChildService/GetChildSharing",
        "/aipoten.matching.v1.MatchingRequestService/CreateMatchingRequest",
        "/api/v1/matching/requests",
    ];
    eventually("the call is told", async || collector.line(asked).is_some_and(|it| it == line)).await;
    // The child's deletion takes the request back, which the therapist is told of.
    let told = |span: &Span| {
        span.name == "aipoten.matching.v1.RequestCancelled" && attribute(span, "consumer") == Some("notification")
    };
    let whole = [
        "aipoten.matching.v1.RequestCancelled",
        "aipoten.identity.v1.ChildDeleted",
        "/aipoten.identity.v1.ChildService/DeleteChild",
        "/api/v1/children/{child_id}",
    ];
    eventually("the trace is whole", async || collector.line(told).is_some_and(|line| line == whole)).await;
    let stored = |span: &Span| {
        span.name.starts_with("INSERT INTO matching_requests") && attribute(span, "db.query.text").is_some()
    };
    let statement = collector.line(stored).expect("the statement's trace");
    assert_eq!(statement[1], "/aipoten.matching.v1.MatchingRequestService/CreateMatchingRequest", "{statement:?}");
    assert_eq!(statement[2], "/api/v1/matching/requests");
    assert_eq!(leaks(&collector.said()), Vec::<&str>::new(), "spans hold nothing of people");
    Ok(())
}
