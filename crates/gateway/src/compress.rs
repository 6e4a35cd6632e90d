//! Answers that are worth it travel compressed.

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, StatusCode, Version};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};

/// Smaller answers would hardly shrink.
const WORTH_IT: u64 = 1024;

/// Mark of an answer that may hold a token: beside text that a stranger chooses, its compressed length would give the
/// token away (BREACH).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secret;

type Rule = And<SizeAbove, fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool>;

pub(crate) fn layer() -> CompressionLayer<Rule> {
    CompressionLayer::new().compress_when(SizeAbove::new(WORTH_IT).and(shrinks as _))
}

/// Pictures and documents are compressed already; events would wait in the compressor for others.
fn shrinks(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    extensions.get::<Secret>().is_none()
        && !kind.starts_with("image/")
        && !["application/pdf", "text/event-stream"].contains(&kind)
}
