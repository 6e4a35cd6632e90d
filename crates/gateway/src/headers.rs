//! What stands on every answer.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const FIXED: [(HeaderName, HeaderValue); 6] = [
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
    ),
    // The old filter is itself a hole.
    (X_XSS_PROTECTION, HeaderValue::from_static("0")),
];

/// Stand unless the route said otherwise: nothing may be run or framed, nothing may be stored.
const DEFAULTS: [(HeaderName, HeaderValue); 2] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
];

pub(crate) fn write(headers: &mut HeaderMap) {
    for (name, value) in FIXED {
        headers.insert(name, value);
    }
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
}
