//! Answers that are worth it travel compressed.

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
    CompressionLayer::new().compress_when(SizeAbove::new(WORTH_IT).and(no_secret as _))
}

fn no_secret(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Secret>().is_none()
}
