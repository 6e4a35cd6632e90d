//! Bodies, queries, path ids and versions of requests, refused in the envelope when their form is wrong.

use aipoten_proto::json::Object;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, RawPathParams, Request};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::{Failure, Violation};
use crate::etag;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// Query parameters.
pub(crate) struct Query<T>(pub(crate) T);

/// The one UUID in the path, in its usual form.
pub(crate) struct Id(pub(crate) String);

/// The one name in the path.
pub(crate) struct Slug(pub(crate) String);

/// The version that a change is based on, from `If-Match`.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        parse(&body(request, state).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Failure> {
        if request.headers().contains_key(CONTENT_TYPE) {
            <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

/// The bytes of a body that says it is JSON and is not too long.
pub(crate) async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    if !says_json(request.headers()) {
        return Err(Failure::new("UNSUPPORTED_MEDIA_TYPE"));
    }
    Bytes::from_request(request, state).await.map_err(|rejection| unreadable(&rejection))
}

/// A body that is too long, or that broke off.
pub(crate) fn unreadable(rejection: &BytesRejection) -> Failure {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new("PAYLOAD_TOO_LARGE"),
        _ => Failure::new("MALFORMED_REQUEST"),
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a JSON object; its depth is bounded to 128 by the parser.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut from).map_err(|error| refused(&error))?;
    from.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// What a parser refused: no JSON at all, or JSON with a field of the wrong form.
pub(crate) fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    if error.inner().is_data() {
        Failure::invalid(vec![violation(&error.path().to_string(), &error.inner().to_string())])
    } else {
        malformed(error.inner())
    }
}

fn malformed(error: &serde_json::Error) -> Failure {
    let mut failure = Failure::new("MALFORMED_REQUEST").reason("MALFORMED_JSON");
    failure.parameters =
        vec![("line".to_owned(), error.line().to_string()), ("column".to_owned(), error.column().to_string())];
    failure
}

/// serde says in words alone what was wrong: the beginning tells the kinds apart. Values are never repeated.
fn violation(path: &str, words: &str) -> Violation {
    let field = if path == "." { "body" } else { path };
    if let Some(name) = words.strip_prefix("duplicate field") {
        let name = quoted(name);
        return Violation::new(if path == "." { name } else { format!("{path}.{name}") }, "duplicate_field");
    }
    if words.starts_with("unknown field") {
        Violation::new(field, "unknown_field")
    } else if let Some(allowed) = words.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        Violation::new(field, "one_of").with("values", quoted(allowed.1))
    } else if words.starts_with("invalid type") {
        Violation::new(field, "wrong_type")
    } else {
        Violation::new(field, "invalid")
    }
}

/// "one of `a`, `b` at line 1" -> "a, b"
fn quoted(words: &str) -> String {
    words.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| Failure::invalid(vec![violation(&error.path().to_string(), &error.inner().to_string())]))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let (name, text) = path_parameter(parts, state).await?;
        match Uuid::try_parse(&text) {
            Ok(id) => Ok(Self(id.to_string())),
            Err(_) => Err(Failure::invalid(vec![Violation::new(name, "not_a_uuid")])),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Slug {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        path_parameter(parts, state).await.map(|(_, text)| Self(text))
    }
}

/// Name and value of the path's parameter. One whose bytes are no UTF-8 names nothing that exists.
async fn path_parameter<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(String, String), Failure> {
    let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Failure::new("NOT_FOUND"))?;
    let (name, value) = parameters.iter().next().ok_or_else(|| Failure::new("NOT_FOUND"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Some(header) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        Ok(Self(version(header.to_str().unwrap_or_default().trim())))
    }
}

/// A tag that we never gave stands for a version that nothing has: what else is wrong with the request is told first.
fn version(tag: &str) -> Option<i64> {
    if tag == "*" {
        return None;
    }
    Some(etag::version(tag).unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use aipoten_proto::content::v1::SaveResponsesRequest;
    use aipoten_proto::identity::v1::CreateChildRequest;

    use super::{Failure, Violation, parse, version};

    fn refused(json: &str) -> Failure {
        parse::<CreateChildRequest>(json.as_bytes()).err().unwrap_or_else(|| panic!("{json} was taken"))
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for json in ["", "{", "{\"name\":}", "nonsense", "{} {}", "\u{0}", "{\"a"] {
            assert_eq!(refused(json).code, "MALFORMED_REQUEST");
        }
    }

    #[test]
    fn a_field_of_the_wrong_form_is_named() {
        for (json, field, key) in [
            (r#"{"name":1}"#, "name", "wrong_type"),
            (r#"{"gestational_weeks":"x"}"#, "gestational_weeks", "wrong_type"),
            (r#"{"gestational_weeks":1e99}"#, "gestational_weeks", "wrong_type"),
            (r#"{"gestational_weeks":9999999999}"#, "gestational_weeks", "invalid"),
            (r#"{"role":"admin"}"#, "role", "unknown_field"),
            (r#"{"name":"a","name":"b"}"#, "name", "duplicate_field"),
            ("[]", "body", "wrong_type"),
            (r#"["Haru"]"#, "body", "wrong_type"),
            (&"[".repeat(100_000), "body", "wrong_type"),
            ("null", "body", "wrong_type"),
        ] {
            let violations = refused(json).violations;
            assert_eq!(violations, [Violation::new(field, key)], "{json}");
        }
        let gender = Violation::new("gender", "one_of").with("values", "male, female, not_stated");
        assert_eq!(refused(r#"{"gender":"other"}"#).violations, [gender]);
    }

    #[test]
    fn only_a_tag_of_ours_is_a_version() {
        assert_eq!(version("\"7\""), Some(7));
        assert_eq!(version("\"7-5f0c-gzip\""), Some(7));
        assert_eq!(version("*"), None);
        for strange in ["7", "W/\"7\"", "\"\"", "", "\"7\", \"8\""] {
            assert_eq!(version(strange), Some(-1), "{strange}");
        }
    }

    #[test]
    fn an_inner_field_is_named_with_its_place() {
        let json = br#"{"responses":[{"answer":"yes"},{"answer":5}]}"#;
        let failure = parse::<SaveResponsesRequest>(json).expect_err("an answer is a string");
        assert_eq!(failure.violations, [Violation::new("responses[1].answer", "wrong_type")]);
    }
}
