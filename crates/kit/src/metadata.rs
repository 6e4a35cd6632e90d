//! Names of the metadata that travels with every call between the gateway and the services.

/// Bearer token of the person.
pub const AUTHORIZATION: &str = "authorization";
/// Id of the request at the edge.
pub const REQUEST_ID: &str = "x-request-id";
/// W3C trace context of the span that calls.
pub const TRACEPARENT: &str = "traceparent";
/// Language of the answer: `ko` or `en`.
pub const LANGUAGE: &str = "accept-language";
/// Address of the person's device.
pub const CLIENT_IP: &str = "x-client-ip";
/// What the device says it is.
pub const CLIENT_AGENT: &str = "x-client-agent";
/// Idempotency-Key that the client gave: the same key again means the same request again.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
