//! Mails of a type turned off with one click (RFC 8058). Programs post; people see a page with a button first, as whatever follows
//! links in mails on its own would turn them off.

use std::sync::Arc;

use aipoten_kit::Locale;
use aipoten_proto::notification::v1::UnsubscribeRequest;
use aipoten_proto::notification::v1::preference_service_client::PreferenceServiceClient;
use axum::extract::State;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Extension, Router};
use http::header::CONTENT_SECURITY_POLICY;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PREFIX;
use crate::call::{Origin, PublicCall};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::Slug;
use crate::text::text;

/// Nothing is loaded, and the button leads back here.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(unsubscribe))
}

/// The page that links in mails lead to.
pub(super) fn page() -> Router<Gateway> {
    Router::new().route(&format!("{PREFIX}/notifications/unsubscribe/{{token}}"), get(ask))
}

/// Turn a type of mail off
///
/// For mail programs, by the address in the header List-Unsubscribe, without signing in. What stands in the body is not read.
#[utoipa::path(post, path = "/notifications/unsubscribe/{token}", tag = "notifications", security(()),
    params(("token" = String, Path, description = "The secret in the mail")),
    responses((status = 200, description = "It is off; a page that says so", body = String, content_type = "text/html")))]
async fn unsubscribe(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Extension(origin): Extension<Arc<Origin>>,
    Slug(token): Slug,
) -> Answer<impl IntoResponse> {
    let mut preferences = PreferenceServiceClient::new(gateway.notification());
    preferences.unsubscribe(call.with(UnsubscribeRequest { token })).await?;
    Ok(show(origin.locale, "unsubscribe_done", ""))
}

async fn ask(Extension(origin): Extension<Arc<Origin>>) -> impl IntoResponse {
    let button = words(origin.locale, "unsubscribe_button");
    show(origin.locale, "unsubscribe_ask", &format!(r#"<form method="post"><button>{button}</button></form>"#))
}

fn show(locale: Locale, sentence: &str, form: &str) -> impl IntoResponse + use<> {
    let (language, sentence) = (locale.as_str(), words(locale, sentence));
    let page = format!(
        r#"<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>aipoten</title>
<style>
body {{ margin: 0; padding: 20vh 24px; text-align: center; word-break: keep-all; background: #f3f5f4; color: #17211d;
  font: 17px/1.6 -apple-system, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", sans-serif }}
button {{ padding: 12px 26px; border: 0; border-radius: 8px; background: #1c6b52; color: #fff; font: inherit; font-weight: 700 }}
</style>
<p>{sentence}</p>
{form}
</html>
"#
    );
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(page))
}

fn words(locale: Locale, key: &str) -> String {
    text(locale, key, key, &Vec::new())
}
