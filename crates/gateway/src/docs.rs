//! The reference page at /docs and the document it shows, from our own assets.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use utoipa_swagger_ui::{Config, serve};

use crate::error::{Answer, Failure};
use crate::routes::PREFIX;

static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| crate::openapi().to_json().expect("a document of strings, numbers and maps is JSON").into());

static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from(format!("{PREFIX}/openapi.json"));
    Arc::new(config.try_it_out_enabled(true).persist_authorization(false).validator_url("none"))
});

/// The page's own policy: its scripts and styles come from here, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn document<S: Clone + Send + Sync + 'static>() -> MethodRouter<S> {
    get(async || ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")], DOCUMENT.clone()))
}

pub(crate) fn page<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    axum::Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async || asset("")))
        .route("/docs/{*file}", get(async |Path(file): Path<String>| asset(&file)))
}

fn asset(name: &str) -> Answer<Response> {
    match serve(name, Arc::clone(&PAGE)) {
        Ok(Some(file)) => {
            let headers = [
                (CONTENT_TYPE, file.content_type),
                (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
                (CACHE_CONTROL, "public, max-age=300".to_owned()),
            ];
            let mut response = (headers, file.bytes.into_owned()).into_response();
            if file.gzpipped {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Ok(response)
        }
        Ok(None) => Err(Failure::new("NOT_FOUND")),
        Err(error) => {
            tracing::error!(stream = "error", %error, "the reference page cannot be made");
            Err(Failure::new("INTERNAL"))
        }
    }
}
