//! What payment providers send. They sign what they send in their own ways, or not at all: nothing of it is read here.

use aipoten_proto::billing::v1::ReceiveWebhookRequest;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::PublicCall;
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Slug, unreadable};

/// Bytes of a body at most.
const LARGEST: usize = 64 * 1024;

/// Headers that signatures need.
const SIGNED: [&str; 5] = ["webhook-id", "webhook-timestamp", "webhook-signature", "stripe-signature", "content-type"];

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(receive_webhook)).layer(DefaultBodyLimit::max(LARGEST))
}

/// Something happened to a payment at its provider
///
/// For providers. The body may be of any type, 64 KiB at most; nothing in it is believed: the payment is read from the provider again.
#[utoipa::path(post, path = "/payments/webhooks/{provider}", tag = "payments", security(()),
    params(("provider" = String, Path, description = "toss, portone, stripe or sandbox")),
    request_body(content = String, content_type = "application/octet-stream", description = "Whatever the provider sends"),
    responses((status = 200, description = "It was taken")))]
async fn receive_webhook(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Slug(provider): Slug,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer<StatusCode> {
    let body = body.map_err(|rejection| unreadable(&rejection))?.into();
    let message = ReceiveWebhookRequest { provider, headers: signed(&headers), body };
    gateway.payments().receive_webhook(call.with(message)).await?;
    Ok(StatusCode::OK)
}

/// Names and values in turn.
fn signed(headers: &HeaderMap) -> Vec<String> {
    let pair = |name: &str| Some([name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned()]);
    SIGNED.into_iter().filter_map(pair).flatten().collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn signatures_travel_with_what_they_sign_and_nothing_else_does() {
        let sent = [
            ("stripe-signature", "t=1,v1=ab"),
            ("content-type", "application/json"),
            ("webhook-id", "msg_1"),
            ("authorization", "Bearer a.b.c"),
            ("cookie", "__Host-at=a.b.c"),
        ];
        let headers = sent.map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)));
        let expected = ["webhook-id", "msg_1", "stripe-signature", "t=1,v1=ab", "content-type", "application/json"];
        assert_eq!(signed(&HeaderMap::from_iter(headers)), expected);
    }
}
