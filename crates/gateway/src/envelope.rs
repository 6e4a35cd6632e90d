//! The envelope around every answer.

use aipoten_proto::common::v1::PageInfo;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Failure;
use crate::etag;
use crate::text::text;
use aipoten_kit::Locale;

/// Media type of every envelope.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer with one thing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Data<T> {
    /// Always true.
    success: bool,
    /// What was asked for.
    data: T,
    #[serde(skip)]
    #[schema(ignore)]
    version: Option<i64>,
    #[serde(skip)]
    #[schema(ignore)]
    location: Option<String>,
}

/// An answer with a page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// Always true.
    success: bool,
    /// The items of the page.
    data: Vec<T>,
    /// Where the list stands.
    meta: PageInfo,
}

/// An answer that says why there is no other.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// Always false.
    success: bool,
    /// What was wrong.
    error: Problem,
}

/// What was wrong.
#[derive(Debug, Serialize, ToSchema)]
struct Problem {
    /// What it was, for programs: a fixed word such as `VALIDATION_ERROR`.
    code: String,
    /// What it was, for people, in the language of the request.
    message: String,
    /// What is wrong with single fields.
    details: Vec<Detail>,
    /// Id of the request, to ask about it.
    request_id: String,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
struct Detail {
    /// The field, with dots and indexes for inner ones: `responses[2].answer`.
    field: String,
    /// What is wrong with it, for people, in the language of the request.
    message: String,
}

/// The thing that was asked for.
pub(crate) fn data<T>(data: T) -> Data<T> {
    Data { success: true, data, version: None, location: None }
}

/// A page of a list.
pub(crate) fn list<T>(items: Vec<T>, page: Option<PageInfo>) -> List<T> {
    List { success: true, data: items, meta: page.unwrap_or_default() }
}

impl<T> Data<T> {
    /// Puts the version of the thing into its entity tag.
    pub(crate) fn version(mut self, of: impl Fn(&T) -> i64) -> Self {
        self.version = Some(of(&self.data));
        self
    }

    /// The thing is new and stands at this path, below the prefix of the API.
    pub(crate) fn created(mut self, at: impl Fn(&T) -> String) -> Self {
        self.location = Some(format!("{}{}", crate::routes::PREFIX, at(&self.data)));
        self
    }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(mut self) -> Response {
        let place = self.location.take().and_then(|place| HeaderValue::try_from(place).ok());
        let Ok(body) = serde_json::to_vec(&self) else { return Failure::new("INTERNAL").into_response() };
        let tag = self.version.map(|version| etag::tag(Some(version), &body));
        let mut response = ([(CONTENT_TYPE, JSON)], body).into_response();
        if let Some(tag) = tag {
            response.headers_mut().insert(ETAG, tag);
        }
        if let Some(place) = place {
            *response.status_mut() = StatusCode::CREATED;
            response.headers_mut().insert(LOCATION, place);
        }
        response
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// A failure in the reader's language.
pub(crate) fn problem(failure: &Failure, locale: Locale, request_id: &str) -> Refusal {
    let details = failure.violations.iter().map(|violation| Detail {
        field: violation.field.clone(),
        message: text(locale, &violation.key, "invalid", &violation.parameters),
    });
    Refusal {
        success: false,
        error: Problem {
            code: failure.code.to_owned(),
            message: text(locale, &failure.reason, failure.code, &failure.parameters),
            details: details.collect(),
            request_id: request_id.to_owned(),
        },
    }
}

/// Writes a failure into the response that carries it, keeping its headers.
pub(crate) fn refusal(response: &mut Response, failure: &Failure, locale: Locale, request_id: &str) {
    let envelope = problem(failure, locale, request_id);
    let (parts, body) = Json(envelope).into_response().into_parts();
    *response.body_mut() = body;
    response.headers_mut().extend(parts.headers);
    if let Some(wait) = failure.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
}
