//! One connection to the broker and its supervision: whatever goes wrong, it is torn down, made anew after a pause and
//! set up from the start. The client library's own recovery stays off: it can leave a dead channel that looks healthy.

use std::time::{Duration, Instant};

use aipoten_kit::config::required;
use anyhow::{Context as _, anyhow, ensure};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::topology::Mismatch;

/// For everything that is asked of the broker.
pub(crate) const BROKER_TIMEOUT: Duration = Duration::from_secs(10);

const HEARTBEAT_SECONDS: u16 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct Link<'a> {
    name: String,
    address: AMQPUri,
    stop: &'a CancellationToken,
    connected: &'a watch::Sender<bool>,
    /// Whether the topology was accepted once: from then on a mismatch no longer ends the process.
    accepted: bool,
    failures: u32,
    since: Instant,
}

impl<'a> Link<'a> {
    pub(crate) fn new(
        name: String,
        config: &Config,
        stop: &'a CancellationToken,
        connected: &'a watch::Sender<bool>,
    ) -> anyhow::Result<Self> {
        // The parser's own words could show the password.
        let parsed: Result<AMQPUri, _> = required("broker.url", &config.url)?.parse();
        let mut address = parsed.map_err(|_| {
            anyhow!("configuration key `broker.url` is no address of the form amqp://user:password@host/vhost")
        })?;
        ensure!(
            address.scheme == AMQPScheme::AMQP,
            "configuration key `broker.url` asks for TLS, which this build does not speak"
        );
        address.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self { name, address, stop, connected, accepted: false, failures: 0, since: Instant::now() })
    }

    /// Tries until there is a connection; none when asked to stop.
    pub(crate) async fn connect(&mut self) -> Option<Connection> {
        loop {
            self.pause().await?;
            self.since = Instant::now();
            let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
            let connecting = timeout(BROKER_TIMEOUT, Connection::connect_uri(self.address.clone(), properties));
            let connected = tokio::select! {
                () = self.stop.cancelled() => return None,
                connected = connecting => connected.context("no answer").and_then(|it| it.map_err(Into::into)),
            };
            match connected {
                Ok(connection) => return Some(connection),
                Err(error) => {
                    self.failures += 1;
                    tracing::warn!(connection = self.name, error = format!("{error:#}"), "the broker is out of reach");
                }
            }
        }
    }

    /// Doubles with each failure in a row; random, so that the replicas do not come back all at once.
    async fn pause(&self) -> Option<()> {
        let longest = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(self.failures.min(10))).min(LONGEST_PAUSE);
        let pause = if self.failures == 0 { Duration::ZERO } else { longest.mul_f64(rand::random_range(0.5..=1.0)) };
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = tokio::time::sleep(pause) => Some(()),
        }
    }

    /// The topology is declared and the work can begin.
    pub(crate) fn established(&mut self) {
        self.accepted = true;
        self.connected.send_replace(true);
        tracing::info!(connection = self.name, "connected to the broker");
    }

    /// What came of the work on a connection: an error is handed up only when no reconnect could help.
    pub(crate) async fn ended(&mut self, connection: Connection, end: anyhow::Result<()>) -> anyhow::Result<()> {
        self.connected.send_replace(false);
        if let Ok(Err(error)) = timeout(BROKER_TIMEOUT, connection.close(200, "closing".into())).await {
            tracing::debug!(connection = self.name, %error, "the connection was gone before it was closed");
        }
        self.failures = if self.since.elapsed() > LONGEST_PAUSE { 1 } else { self.failures + 1 };
        match end {
            Err(error) if error.is::<Mismatch>() && !self.accepted => Err(error),
            Err(error) => {
                tracing::warn!(
                    connection = self.name,
                    error = format!("{error:#}"),
                    "the connection to the broker ended"
                );
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
