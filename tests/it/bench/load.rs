//! Load over plain sockets, so that the generator takes as little of the machine as can be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep_until;

/// Connections of every job.
pub(crate) const CONNECTIONS: u32 = 64;

/// The n-th request of a connection: method, path below /api/v1, token.
pub(crate) type Requests = Arc<dyn Fn(u32, u64) -> (&'static str, String, String) + Send + Sync>;

/// Every request's time to its answer, sorted, and how long it all took.
pub(crate) struct Run {
    latencies: Vec<Duration>,
    took: Duration,
}

impl Run {
    pub(crate) fn requests(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn rate(&self) -> f64 {
        count(self.latencies.len()) / self.took.as_secs_f64()
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |it| it.as_secs_f64() * 1000.0)
    }
}

pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// As many requests as the platform answers, or at a fixed rate a second: then each has a moment at which it is due,
/// and waits for nobody; its time runs from that moment.
pub(crate) async fn run(port: u16, requests: &Requests, rate: Option<u32>, length: Duration) -> anyhow::Result<Run> {
    let begun = Instant::now();
    let connections = (0..CONNECTIONS).map(|number| {
        let requests = Arc::clone(requests);
        let due = rate.map(|rate| {
            let (first, every) = (f64::from(number) / f64::from(rate), f64::from(CONNECTIONS) / f64::from(rate));
            (begun + Duration::from_secs_f64(first), Duration::from_secs_f64(every))
        });
        async move { tokio::spawn(connection(port, number, requests, due, length)).await? }
    });
    let mut latencies = try_join_all(connections).await?.concat();
    let took = begun.elapsed();
    latencies.sort_unstable();
    Ok(Run { latencies, took })
}

async fn connection(
    port: u16,
    number: u32,
    requests: Requests,
    due: Option<(Instant, Duration)>,
    length: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let end = Instant::now() + length;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(64 * 1024));
    for n in 0.. {
        let mut begun = Instant::now();
        if let Some((first, every)) = due {
            let moment = first + every.mul_f64(f64::from(u32::try_from(n)?));
            if moment > begun {
                sleep_until(moment.into()).await;
                // The timer's own lateness is not the platform's.
                begun = Instant::now();
            } else {
                begun = moment;
            }
        }
        // Who falls behind is waited for as long again.
        if begun >= end || Instant::now() >= end + length {
            break;
        }
        let (method, path, token) = requests(number, n);
        let body =
            if method == "POST" { "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}" } else { "\r\n" };
        let head = format!("{method} /api/v1{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n{body}");
        stream.write_all(head.as_bytes()).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        ensure!(status / 100 == 2, "{method} {path} was answered with {status}: {}", String::from_utf8_lossy(&buffer));
        latencies.push(begun.elapsed());
    }
    Ok(latencies)
}

/// Reads one answer to its end; its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let mut whole = usize::MAX;
    while buffer.len() < whole {
        ensure!(stream.read_buf(buffer).await? > 0, "the connection ended within an answer");
        if whole == usize::MAX
            && let Some(head) = buffer.windows(4).position(|it| it == b"\r\n\r\n")
        {
            let text = std::str::from_utf8(&buffer[..head])?;
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            whole = head + 4 + length.context("an answer of unknown length")?.parse::<usize>()?;
        }
    }
    let status = buffer.get(9..12).context("a status line")?;
    Ok(std::str::from_utf8(status)?.parse()?)
}
