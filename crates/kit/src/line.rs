//! The line to a service. Where the service ends the connection before it has taken a question, as at every rolling update, the
//! question is asked again on the next connection.

use std::error::Error;
use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use h2::Reason;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{BoxError, Service, ServiceExt as _};

/// Before a question is asked again that nobody has taken: the next connection may lead to the one that goes, too.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(50), Duration::from_millis(150)];

/// One HTTP/2 connection for questions of one message. Clones share it.
#[derive(Debug, Clone)]
pub struct Line(Channel);

impl Line {
    /// To the service at this address, that the configuration has under `key`. It is connected when it is first needed: who asks starts while
    /// the service is down. Fails for what is no address.
    pub fn to(key: &str, url: &str) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned())
            .with_context(|| format!("configuration key `{key}`: `{url}` is no address such as http://host:5001"))?;
        Ok(Self(tuned(endpoint).connect_lazy()))
    }
}

/// Without `TCP_NODELAY` the median call takes 24 ms instead of 2.
fn tuned(endpoint: Endpoint) -> Endpoint {
    endpoint
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(2))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
}

impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone has not been polled ready: ask with the one that has.
        let next = self.0.clone();
        let ready = mem::replace(&mut self.0, next.clone());
        ask(ready, next, request).boxed()
    }
}

async fn ask(mut ready: Channel, next: Channel, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let request = || Request::from_parts(parts.clone(), Body::new(Full::new(body.clone())));
    let mut answer = ready.call(request()).await;
    for pause in PAUSES {
        match &answer {
            Err(error) if was_not_taken(error) => {}
            _ => break,
        }
        tokio::time::sleep(pause).await;
        answer = next.clone().oneshot(request()).await;
    }
    Ok(answer?)
}

/// Whether the connection ended before the question was sent on it, or the service said goodbye before it had seen it: nobody has done
/// anything yet.
fn was_not_taken(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let unsent = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled);
        // A question that the goodbye leaves out is never worked on (RFC 9113, 6.8).
        let unseen = error.downcast_ref::<h2::Error>().is_some_and(|error| {
            error.is_remote()
                && (error.is_go_away() && error.reason() == Some(Reason::NO_ERROR)
                    || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM))
        });
        if unsent || unseen {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_questions_are_sent_at_once() {
        let endpoint = tuned(Endpoint::from_static("http://127.0.0.1:5001").tcp_nodelay(false));
        assert!(endpoint.get_tcp_nodelay());
    }
}
