//! Entity tags, and not sending again what the caller already has.

use std::fmt::Write as _;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::error::Failure;

/// What stands at the end of the tag of a compressed answer: other bytes, another tag.
const COMPRESSED: &str = "-gzip";

/// The tag of a representation: `"7-5f0c…"`. The version says what a change may be based on (`If-Match`), the fingerprint
/// what the caller has seen: the same version reads otherwise in another language or on another day.
pub(crate) fn tag(version: Option<i64>, body: &[u8]) -> HeaderValue {
    let fingerprint = hexadecimal(&Sha256::digest(body)[..12]);
    let tag = version.map_or_else(|| format!("\"{fingerprint}\""), |version| format!("\"{version}-{fingerprint}\""));
    HeaderValue::try_from(tag).expect("quotes, digits and hexadecimal letters are visible ASCII")
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The version in a tag of ours.
pub(crate) fn version(tag: &str) -> Option<i64> {
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    inner.split('-').next()?.parse().ok()
}

/// Gives what is read and has no tag yet one of its bytes. Inside the compression.
pub(crate) async fn mark(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET;
    let response = next.run(request).await;
    let json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !reads || !json || response.status() != StatusCode::OK || response.headers().contains_key(ETAG) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // Such a body is in memory as a whole already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return Failure::new("INTERNAL").into_response() };
    head.headers.insert(ETAG, tag(None, &bytes));
    Response::from_parts(head, Body::from(bytes))
}

/// Answers 304 to who has it already. Outside the compression.
pub(crate) async fn compare(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let seen: Vec<HeaderValue> = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect();
    let mut response = next.run(request).await;
    compressed(response.headers_mut());
    let current = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    if !reads || response.status() != StatusCode::OK || !current.is_some_and(|current| has(&seen, current)) {
        return response;
    }
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
        response.headers_mut().remove(name);
    }
    response
}

fn compressed(headers: &mut HeaderMap) {
    if !headers.contains_key(CONTENT_ENCODING) {
        return;
    }
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()?.strip_suffix('"').map(str::to_owned));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(format!("{tag}{COMPRESSED}\"")).ok()) {
        headers.insert(ETAG, tag);
    }
}

/// Weak comparison, as RFC 9110 asks for; compressed or not is the same thing.
fn has(seen: &[HeaderValue], current: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").replace(&format!("{COMPRESSED}\""), "\"");
    let current = plain(current);
    let listed = seen.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    listed.map(plain).any(|tag| tag == "*" || tag == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_version_and_content_apart() {
        let (one, two) = (tag(Some(7), b"eins"), tag(Some(7), b"zwei"));
        assert_ne!(one, two);
        assert_eq!(version(one.to_str().expect("ASCII")), Some(7));
        assert_eq!(version("\"7-abc-gzip\""), Some(7));
        assert_eq!(version("\"7\""), Some(7));
    }

    #[test]
    fn a_list_a_star_and_a_weak_or_compressed_tag_are_found() {
        let seen = |value: &'static str| has(&[HeaderValue::from_static(value)], "\"7-ab\"");
        for found in ["\"7-ab\"", "W/\"7-ab\"", "\"x\", \"7-ab\"", "*", "\"7-ab-gzip\""] {
            assert!(seen(found), "{found}");
        }
        for other in ["\"7\"", "7-ab", "\"7-abc\"", ""] {
            assert!(!seen(other), "{other}");
        }
    }
}
