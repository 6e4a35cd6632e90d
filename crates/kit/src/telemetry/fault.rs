//! Faults of our own: counted, and where an address is configured told to a service that speaks Sentry's protocol. A report says what kind
//! of fault it is, where, and in which trace: no message of an error and nothing of a request.

use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::counter;
use anyhow::{Context as _, anyhow};
use chrono::Utc;
use reqwest::{Client, Url};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use super::trace;
use crate::certificates;
use crate::config::Sentry;

/// Reports that wait; more are dropped: after a hundred of a kind the next tells nothing new.
const WAITING: usize = 16;
/// Between two reports.
const PAUSE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);

static REPORTS: OnceLock<Sender<Report>> = OnceLock::new();

struct Report {
    kind: &'static str,
    place: String,
    request_id: String,
    trace_id: Option<String>,
}

/// Where reports go.
struct Address {
    url: Url,
    authorization: String,
}

/// Counts panics from now on, and reports where an address is configured.
pub(super) fn start(role: &'static str, config: &Sentry) -> anyhow::Result<()> {
    std::panic::set_hook(Box::new(|panic| {
        counter!("aipoten_panics_total").increment(1);
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no words");
        tracing::error!(stream = "error", place, panic = words, "a panic");
        report("panic", &place, "");
    }));
    if config.dsn.is_empty() {
        return Ok(());
    }
    let address = Address::parse(config.dsn.expose_secret())
        .context("configuration key `sentry.dsn` is no address such as https://key@host/1")?;
    let client = Client::builder().tls_backend_preconfigured(certificates()?).timeout(TIMEOUT).no_proxy().build()?;
    let (sender, reports) = channel(WAITING);
    REPORTS.get_or_init(|| sender);
    tokio::spawn(send(role, client, address, reports));
    Ok(())
}

/// Tells of a fault of our own: a `panic`, or an error that was `internal`. `place` is a method or a line of code, `request_id` empty
/// where it is not known.
pub fn report(kind: &'static str, place: &str, request_id: &str) {
    counter!("aipoten_internal_errors_total").increment(1);
    if let Some(reports) = REPORTS.get() {
        let (place, request_id) = (place.to_owned(), request_id.to_owned());
        // Full: the ones before say enough.
        drop(reports.try_send(Report { kind, place, request_id, trace_id: trace::trace_id() }));
    }
}

async fn send(role: &'static str, client: Client, address: Address, mut reports: Receiver<Report>) {
    while let Some(report) = reports.recv().await {
        let request = client.post(address.url.clone()).header("x-sentry-auth", &address.authorization);
        let sent = request.body(report.envelope(role)).send().await;
        if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
            tracing::warn!(error = %error.without_url(), "a fault could not be reported");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Address {
    /// `https://key@host/project`, with a path before the project or none.
    fn parse(dsn: &str) -> anyhow::Result<Self> {
        let mut url: Url = dsn.parse()?;
        let key = url.username().to_owned();
        let (folder, project) = url.path().rsplit_once('/').context("it names no project")?;
        if key.is_empty() || project.is_empty() || !matches!(url.scheme(), "http" | "https") {
            return Err(anyhow!("it has no key or no project"));
        }
        let path = format!("{folder}/api/{project}/envelope/");
        url.set_path(&path);
        url.set_username("").map_err(|()| anyhow!("it has no host"))?;
        Ok(Self { url, authorization: format!("Sentry sentry_version=7, sentry_client=aipoten/1, sentry_key={key}") })
    }
}

impl Report {
    /// Three lines of JSON: of the envelope, of its one item, and the event.
    fn envelope(&self, role: &str) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let trace = self
            .trace_id
            .as_ref()
            .map_or(Value::Null, |trace_id| json!({ "trace": { "trace_id": trace_id, "span_id": &trace_id[..16] } }));
        let event = json!({
            "event_id": id,
            "timestamp": Utc::now().timestamp(),
            "platform": "other",
            "level": if self.kind == "panic" { "fatal" } else { "error" },
            "release": env!("CARGO_PKG_VERSION"),
            "transaction": self.place,
            "tags": { "role": role, "request_id": self.request_id },
            "contexts": trace,
            "exception": { "values": [{ "type": self.kind, "value": self.place }] },
        });
        format!("{}\n{}\n{event}\n", json!({ "event_id": id }), json!({ "type": "event" }))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    #[tokio::test]
    async fn a_report_reaches_the_project_and_says_no_more_than_where() {
        let (told, mut heard) = channel::<(String, String)>(1);
        let take = async move |headers: HeaderMap, body: String| {
            let key = headers.get("x-sentry-auth").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
            drop(told.send((key, body)).await);
        };
        let router = axum::Router::new().route("/api/7/envelope/", axum::routing::post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let dsn = format!("http://abc@{}/7", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let (reports, taken) = channel(1);
        let client =
            Client::builder().tls_backend_preconfigured(certificates().expect("TLS")).build().expect("a client");
        tokio::spawn(send("identity", client, Address::parse(&dsn).expect("good"), taken));
        let place = "/aipoten.identity.v1.ChildService/GetChild".to_owned();
        let report = Report {
            kind: "internal",
            place,
            request_id: "r-1".to_owned(),
            trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        };
        reports.send(report).await.expect("it is taken");
        let (key, body) = heard.recv().await.expect("it arrives");
        assert!(key.ends_with("sentry_key=abc"), "{key}");
        let event: Value = serde_json::from_str(body.lines().nth(2).expect("three lines")).expect("JSON");
        assert_eq!(event["exception"]["values"][0]["value"], "/aipoten.identity.v1.ChildService/GetChild");
        assert_eq!((&event["tags"]["role"], &event["tags"]["request_id"]), (&json!("identity"), &json!("r-1")));
        assert_eq!(event["contexts"]["trace"]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    }

    #[test]
    fn an_address_names_the_key_and_the_project() {
        let address = Address::parse("https://abc@errors.example.org/sentry/7").expect("good");
        assert_eq!(address.url.as_str(), "https://errors.example.org/sentry/api/7/envelope/");
        assert!(address.authorization.ends_with("sentry_key=abc"));
        for wrong in ["", "https://errors.example.org/7", "https://abc@errors.example.org/", "ftp://abc@host/7"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
