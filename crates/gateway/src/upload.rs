//! Forms with a file: what is said about it is read as a JSON body would be.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Failure, Violation};
use crate::input::parse;

/// Bytes of a form at most: a file of 10 MiB and what is said about it.
pub(crate) const LARGEST: usize = 10 * 1024 * 1024 + 64 * 1024;

/// A form (multipart/form-data) with a part `file`; absent, its bytes are none. An empty text counts as absent, as browsers send
/// fields that nobody filled in.
pub(crate) struct Upload<T> {
    pub(crate) body: T,
    pub(crate) file: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Upload<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if !says_form(request.headers()) {
            return Err(Failure::new("UNSUPPORTED_MEDIA_TYPE").reason("FORM_EXPECTED"));
        }
        let form = Multipart::from_request(request, state).await.map_err(|_| malformed())?;
        let (texts, file) = read(form).await?;
        let body = serde_json::to_vec(&Value::Object(texts)).map_err(|_| malformed())?;
        Ok(Self { body: parse(&body)?, file: file.unwrap_or_default() })
    }
}

fn says_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("multipart/form-data"))
}

async fn read(mut form: Multipart) -> Result<(Map<String, Value>, Option<Bytes>), Failure> {
    let (mut texts, mut file) = (Map::new(), None);
    while let Some(part) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if texts.contains_key(&name) || (name == "file" && file.is_some()) {
            return Err(Failure::invalid(vec![Violation::new(name, "duplicate_field")]));
        }
        if name == "file" {
            file = Some(part.bytes().await.map_err(|error| broken(&error))?);
        } else if let Some(text) = text(part).await? {
            texts.insert(name, Value::String(text));
        }
    }
    Ok((texts, file))
}

async fn text(part: Field<'_>) -> Result<Option<String>, Failure> {
    let text = part.text().await.map_err(|error| broken(&error))?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

fn broken(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { Failure::new("PAYLOAD_TOO_LARGE") } else { malformed() }
}

fn malformed() -> Failure {
    Failure::new("MALFORMED_REQUEST").reason("MALFORMED_FORM")
}
