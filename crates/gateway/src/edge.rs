//! What happens to every request before a route sees it, and to every answer after.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aipoten_kit::token::Refusal;
use aipoten_kit::{User, telemetry};
use aipoten_proto::identity::v1::CheckSessionRequest;
use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::call::{Call, Origin, Token};
use crate::compress::Secret;
use crate::error::Failure;
use crate::gateway::Gateway;
use crate::metrics::{self, InFlight};
use crate::routes::PREFIX;
use crate::{cookies, envelope, headers, origin};

/// A request that takes longer is told apart.
const SLOW: Duration = Duration::from_secs(1);

/// Address of the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The outermost: finds out where the request comes from, logs it, and dresses every answer.
pub(crate) async fn dress(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let origin = Arc::new(origin_of(&gateway, &request, begun));
    request.extensions_mut().insert(Arc::clone(&origin));
    let (method, route) = (request.method().clone(), route_of(&request).to_owned());
    let span = tracing::info_span!("request", %method, route, request_id = origin.request_id(), trace_id = Empty, otel.status_code = Empty);
    // A trace begins here: what clients send with it is theirs.
    telemetry::begin(&span, None, &route);
    let in_flight = InFlight::new();
    async {
        let mut response = next.run(request).await;
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            envelope::refusal(&mut response, &failure, origin.locale, origin.request_id());
        }
        headers::write(response.headers_mut());
        response.headers_mut().insert(origin::REQUEST_ID, origin.request_id.clone());
        let (status, took) = (response.status(), begun.elapsed());
        if status.is_server_error() {
            Span::current().record("otel.status_code", "ERROR");
        }
        metrics::note(&route, &method, status, took);
        drop(in_flight);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if took > SLOW {
            tracing::warn!(stream = "performance", status = status.as_u16(), millis, "slow");
        }
        tracing::info!(stream = "api", status = status.as_u16(), millis, "answered");
        response
    }
    .instrument(span)
    .await
}

fn origin_of(gateway: &Gateway, request: &Request, begun: Instant) -> Origin {
    let headers = request.headers();
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    Origin {
        request_id: origin::request_id(headers),
        locale: origin::locale(headers),
        client_ip: origin::client_ip(peer, headers, gateway.proxies()),
        agent: origin::agent(headers),
        idempotency_key: origin::idempotency_key(headers),
        deadline: begun + gateway.request_timeout(),
    }
}

/// The route's pattern, never the path: ids and queries stay out of the logs.
fn route_of(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str)
}

/// Ends what takes too long.
pub(crate) async fn bound(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(gateway.request_timeout(), next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::new("TIMEOUT").into_response(),
    }
}

/// A panic is our fault and nobody's business: it is logged and counted where it happens.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure::new("INTERNAL").into_response()
}

/// Checks the token and the limits.
pub(crate) async fn admit(
    State(gateway): State<Gateway>,
    Extension(origin): Extension<Arc<Origin>>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = token_of(&gateway, request.method(), request.headers()).await;
    let user = if let Token::Good(_, user) = &token { Some(user.clone()) } else { None };
    let route = route_of(&request).to_owned();
    let user_id = user.as_ref().map(|user| user.id);
    if let Some(user_id) = user_id {
        gateway.present().note(user_id);
    }
    let verdict = gateway.limiter().check(user_id, origin.client_ip, request.method(), &route).await;
    request.extensions_mut().insert(token);
    let refusal = match verdict.refusal() {
        Some(failure) => Some(failure),
        None => make_certain(&gateway, origin, user, &route).await.err(),
    };
    let mut response = match refusal {
        Some(failure) => failure.into_response(),
        None => next.run(request).await,
    };
    if route.strip_prefix(PREFIX).is_some_and(|route| route.starts_with("/auth/")) {
        response.extensions_mut().insert(Secret);
    }
    verdict.write(response.headers_mut());
    response
}

/// Services check the token again: this refuses early, and tells whose limit a request counts to.
async fn token_of(gateway: &Gateway, method: &Method, headers: &HeaderMap) -> Token {
    if let Some(header) = headers.get(AUTHORIZATION) {
        let Some(token) = header.to_str().ok().and_then(bearer) else { return Token::Bad("UNAUTHENTICATED") };
        return checked(gateway, token).await;
    }
    let Some(token) = cookies::access(headers) else { return Token::Absent };
    let token = checked(gateway, token).await;
    if let Token::Good(_, user) = &token
        && let Err(refusal) = gateway.csrf().check(method, headers, Some(user.session_id))
    {
        return Token::Bad(refusal.code);
    }
    token
}

async fn checked(gateway: &Gateway, token: &str) -> Token {
    match gateway.verify(token).await {
        Ok(user) => HeaderValue::try_from(format!("Bearer {token}"))
            .map_or(Token::Bad("UNAUTHENTICATED"), |header| Token::Good(header, user)),
        Err(Refusal::Expired) => Token::Bad("TOKEN_EXPIRED"),
        Err(Refusal::Invalid) => Token::Bad("UNAUTHENTICATED"),
    }
}

/// While the feed of ended sessions is silent, identity is asked itself where children, administration or exports are
/// at stake; without its answer nobody passes.
async fn make_certain(gateway: &Gateway, origin: Arc<Origin>, user: Option<User>, route: &str) -> Result<(), Failure> {
    let Some(user) = user.filter(|_| gateway.is_stale() && needs_certainty(route)) else { return Ok(()) };
    let ask = CheckSessionRequest { session_id: user.session_id.to_string() };
    let session = gateway.sessions().check_session(Call::anonymous(origin).with(ask)).await?.into_inner();
    if session.live { Ok(()) } else { Err(Failure::new("UNAUTHENTICATED")) }
}

fn needs_certainty(route: &str) -> bool {
    let route = route.strip_prefix(PREFIX).unwrap_or(route);
    let begins =
        ["/children", "/assessments", "/videos/recommended", "/therapists/me/documents", "/admin", "/users/me/export"];
    begins.iter().any(|begin| route.starts_with(begin))
}

/// The name of the scheme may be written in any case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_internal_and_keeps_its_words_to_itself() {
        let response = panicked(Box::new("secret"));
        let failure = response.extensions().get::<Failure>().expect("a failure");
        assert_eq!((response.status().as_u16(), failure.code), (500, "INTERNAL"));
        assert!(!format!("{failure:?}").contains("secret"));
    }

    #[test]
    fn what_must_not_leak_needs_certainty() {
        for route in ["/children/{child_id}", "/children", "/assessments/{assessment_id}", "/admin/videos"] {
            assert!(needs_certainty(&format!("{PREFIX}{route}")), "{route}");
        }
        for route in ["/videos/{video_id}", "/auth/me", "/users/me", ""] {
            assert!(!needs_certainty(&format!("{PREFIX}{route}")), "{route}");
        }
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer("bearer  a.b.c "), Some("a.b.c"));
        for other in ["Basic YTpi", "Bearer", "", "a.b.c", "Bearerx a"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
