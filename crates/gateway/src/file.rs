//! Answers that are kept as a file.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::error::Failure;

/// Media type of pages to print.
pub(crate) const PDF: &str = "application/pdf";
/// Media type of tables.
pub(crate) const CSV: &str = "text/csv; charset=utf-8";

/// A file made for one person: nobody on the way keeps it.
#[derive(Debug)]
pub(crate) struct File {
    /// ASCII, without quotes.
    pub(crate) name: String,
    /// Media type.
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{}\"", self.name)) else {
            return Failure::new("INTERNAL").into_response();
        };
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            (CONTENT_DISPOSITION, disposition),
            (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        ];
        (headers, self.bytes).into_response()
    }
}

impl PartialSchema for File {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).into()
    }
}

impl ToSchema for File {}
