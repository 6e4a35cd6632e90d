//! How a WebSocket begins. There is no other way in: without long polling any gateway can serve any request.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};

use super::Service;
use super::cut::{Cut, Cuttable};
use crate::cookies;
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;

/// What RFC 6455 puts behind every key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Takes the connection over from HTTP.
pub(super) async fn upgrade(
    State(gateway): State<Gateway>,
    Extension(service): Extension<Service>,
    mut request: Request,
) -> Answer<Response> {
    let accept = accept(&request)?;
    require_own_page(&gateway, request.headers())?;
    let place = gateway.connections().place()?;
    let cut = Cut::default();
    let upgraded = hyper::upgrade::on(&mut request);
    // It is kept for as long as the connection: what is in the headers is in the extensions as far as it is needed.
    let (mut head, _) = request.into_parts();
    head.headers = HeaderMap::new();
    head.extensions.insert(place);
    head.extensions.insert(cut.clone());
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let connection = Cuttable::new(TokioIo::new(upgraded), &cut);
        if let Err(error) = service.call((connection, http::Request::from_parts(head, ()))).await {
            tracing::debug!(%error, "this is no Engine.IO");
        }
    });
    Ok(switch(accept))
}

/// The proof that the key was read, for a request that asks for a WebSocket as RFC 6455 has it.
fn accept(request: &Request) -> Answer<HeaderValue> {
    let headers = request.headers();
    let says = |name: HeaderName, word: &str| {
        let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        text.split(',').any(|it| it.trim().eq_ignore_ascii_case(word))
    };
    let asks = says(UPGRADE, "websocket") && says(CONNECTION, "upgrade") && says(SEC_WEBSOCKET_VERSION, "13");
    let query = request.uri().query().unwrap_or_default();
    let speaks = query.split('&').any(|it| it == "EIO=4") && query.split('&').any(|it| it == "transport=websocket");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| asks && speaks && !query.contains("sid="));
    let key = key.ok_or_else(|| Failure::new("MALFORMED_REQUEST").reason("WEBSOCKET_EXPECTED"))?;
    let proof = STANDARD.encode(Sha1::new_with_prefix(key.as_bytes()).chain_update(GUID).finalize());
    HeaderValue::try_from(proof).map_err(|_| Failure::new("INTERNAL"))
}

/// Browsers send cookies along to wherever a page opens a WebSocket: only pages of ours may open one with them.
fn require_own_page(gateway: &Gateway, headers: &HeaderMap) -> Answer<()> {
    let by_cookie = !headers.contains_key(AUTHORIZATION) && cookies::access(headers).is_some();
    if by_cookie && !gateway.csrf().is_sent_by_our_page(headers) { Err(Failure::new("CSRF_FAILED")) } else { Ok(()) }
}

fn switch(accept: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(changes: &[(HeaderName, &str)], query: &str) -> Request {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = format!("/socket.io/?{query}").parse().expect("an address");
        let asks = [
            (UPGRADE, "websocket"),
            (CONNECTION, "keep-alive, Upgrade"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in asks.iter().chain(changes) {
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        request
    }

    #[test]
    fn the_proof_is_that_of_the_standard() {
        let accept = accept(&request(&[], "EIO=4&transport=websocket")).expect("a WebSocket is asked for");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_asks_for_no_websocket_of_engine_io_is_refused() {
        for query in ["", "EIO=4&transport=polling", "EIO=3&transport=websocket", "EIO=4&transport=websocket&sid=a"] {
            assert!(accept(&request(&[], query)).is_err(), "{query}");
        }
        for change in [(UPGRADE, "h2c"), (CONNECTION, "close"), (SEC_WEBSOCKET_VERSION, "8")] {
            assert!(accept(&request(&[change], "EIO=4&transport=websocket")).is_err());
        }
    }
}
