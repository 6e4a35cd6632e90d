//! Connections: who is slow or says too much is cut, who is being served may finish.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::edge::Peer;

/// How long a client may take to begin.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, the next one on a connection too: longer than the 60
/// seconds for which proxies keep a connection, so that none is closed under a request.
const HEAD: Duration = Duration::from_secs(65);
/// Most bytes of a request's head.
const HEAD_SIZE: u16 = 16 * 1024;

/// Serves until `stop`, then waits for the running requests.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let server = server();
    let graceful = GracefulShutdown::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(connection) => connection,
            Err(error) => {
                // Out of file descriptors, most likely: it passes when connections end.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let watcher = graceful.watcher();
        let (server, router, peer) = (server.clone(), router.clone(), Peer(peer.ip()));
        let stop = stop.clone();
        tokio::spawn(async move {
            if !speaks(&stream, &stop).await {
                return;
            }
            let service = service_fn(move |request| answer(router.clone(), peer, request));
            let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
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
    let first = tokio::time::timeout(SILENCE, stream.readable());
    stream.set_nodelay(true).is_ok() && matches!(stop.run_until_cancelled(first).await, Some(Ok(Ok(()))))
}

async fn answer(router: Router, peer: Peer, request: Request<Incoming>) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    router.oneshot(request).await
}
