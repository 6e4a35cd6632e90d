//! The line to a service. Where the service ends the connection before it has taken a question, as at every rolling update, the
//! question is asked again on the next connection.

use std::error::Error;
use std::mem;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::{BoxError, Service, ServiceExt as _};

/// A channel for questions of one message.
#[derive(Debug, Clone)]
pub(crate) struct Line(pub(crate) Channel);

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
    match ready.call(request()).await {
        Err(error) if was_not_taken(&error) => Ok(next.oneshot(request()).await?),
        answer => Ok(answer?),
    }
}

/// Whether the connection ended before the question was sent on it: nobody has done anything yet.
fn was_not_taken(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        cause = error.source();
    }
    false
}
