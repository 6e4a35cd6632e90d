//! Connections: who is slow or says too much is cut, who is being served may finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use aipoten_kit::Process;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::edge::Peer;

/// How long a client may take to begin.
const SILENCE: Duration = Duration::from_secs(10);
/// How long one has to begin that was accepted when the gateway stopped.
const HASTE: Duration = Duration::from_millis(200);
/// How long a client may take to send the head of a request, the next one on a connection too: longer than the 60
/// seconds for which proxies keep a connection, so that none is closed under a request.
const HEAD: Duration = Duration::from_secs(65);
/// Most bytes of a request's head.
const HEAD_SIZE: u16 = 16 * 1024;

/// Serves until the process stops, then waits for the running requests; what became a WebSocket looks after itself. From `draining` on
/// connections end with their answers, so that none of those that proxies keep is left to be closed at the end, when a request may be on its
/// way.
pub(crate) async fn serve(listener: TcpListener, router: Router, process: Process) -> anyhow::Result<()> {
    let (draining, stop) = (process.draining(), process.stop());
    let graceful = GracefulShutdown::new();
    let server = server();
    let begin = |stream: TcpStream, peer: SocketAddr| {
        let watcher = graceful.watcher();
        let (server, router, peer) = (server.clone(), router.clone(), Peer(peer.ip()));
        let (draining, stop) = (draining.clone(), stop.clone());
        process.connections().spawn(async move {
            if !speaks(&stream, &stop).await {
                return;
            }
            let service = service_fn(move |request| answer(router.clone(), peer, draining.clone(), request));
            let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    };
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => begin(stream, peer),
            Err(error) => {
                // Out of file descriptors, most likely: it passes when connections end.
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Who is connected already and not accepted yet has been told yes: nobody is dropped with the listener.
    let listener = listener.into_std()?;
    while let Ok((stream, peer)) = listener.accept() {
        stream.set_nonblocking(true)?;
        begin(TcpStream::from_std(stream)?, peer);
    }
    drop(listener);
    sleep(HASTE).await;
    graceful.shutdown().await;
    Ok(())
}

fn server() -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_SIZE.into());
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_SIZE.into())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    server
}

/// Whether the client begins to send: one that opens a connection and stays silent does not keep it.
async fn speaks(stream: &TcpStream, stop: &CancellationToken) -> bool {
    // Not `readable`: a connection just accepted passes for readable until it is tried.
    let mut byte = [0];
    let haste = async {
        stop.cancelled().await;
        sleep(HASTE).await;
    };
    tokio::select! {
        first = stream.peek(&mut byte) => matches!(first, Ok(1)) && stream.set_nodelay(true).is_ok(),
        () = sleep(SILENCE) => false,
        () = haste => false,
    }
}

async fn answer(
    router: Router,
    peer: Peer,
    draining: CancellationToken,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let kept = request.version() <= Version::HTTP_11;
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let mut response = router.oneshot(request).await?;
    if kept && draining.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    use super::*;

    /// How long a client is listened to that sends a byte of this every second, and what it is told.
    async fn patience(sent: &str) -> (Duration, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", get(async || "served"));
        tokio::spawn(serve(listener, router, Process::new()));
        let (mut reader, mut writer) = TcpStream::connect(address).await.expect("a connection").into_split();
        let begun = Instant::now();
        let sent = sent.to_owned();
        let dripping = tokio::spawn(async move {
            for byte in sent.bytes() {
                if writer.write_all(&[byte]).await.is_err() {
                    break;
                }
                sleep(Duration::from_secs(1)).await;
            }
            // Open until the server has had enough.
            std::future::pending::<()>().await;
        });
        let mut told = Vec::new();
        // A reset ends it as well.
        drop(reader.read_to_end(&mut told).await);
        dripping.abort();
        (begun.elapsed(), String::from_utf8_lossy(&told).into_owned())
    }

    // The clock goes ahead whenever nobody has anything to do.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_cut_and_so_is_one_that_never_ends_its_headers() {
        let (silent, told) = patience("").await;
        assert!((10..12).contains(&silent.as_secs()), "{silent:?}");
        assert_eq!(told, "");
        let endless = format!("GET / HTTP/1.1\r\nhost: x\r\nx-slow: {}", "a".repeat(500));
        let (slow, told) = patience(&endless).await;
        assert!((60..70).contains(&slow.as_secs()), "{slow:?}");
        assert!(!told.contains("served"), "{told}");
    }
}
