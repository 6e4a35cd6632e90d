//! The one place where a refusal becomes HTTP: from a service's Status, or found at the edge itself.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::text::Parameters;

/// The answer of every handler.
pub(crate) type Answer<T> = Result<T, Failure>;

/// A request that is refused or could not be served. It travels as an extension of an empty response; the edge, which
/// knows the language and the request's id, writes the envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// One of the codes of the API's table.
    pub(crate) code: &'static str,
    /// What precisely was wrong: the key of the message.
    pub(crate) reason: String,
    pub(crate) parameters: Parameters,
    pub(crate) violations: Vec<Violation>,
    pub(crate) retry_after: Option<Duration>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Violation {
    pub(crate) field: String,
    /// Key of the message.
    pub(crate) key: String,
    pub(crate) parameters: Parameters,
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, key: &str) -> Self {
        Self { field: field.into(), key: key.to_owned(), parameters: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// Reads what a service wrote: `too_long max=80`.
    fn parse(field: String, description: &str) -> Self {
        let mut words = description.split_whitespace();
        let key = words.next().unwrap_or("invalid").to_owned();
        let parameters = words
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { field, key, parameters }
    }
}

/// The codes of the API and their HTTP status. A service's reason that stands here is shown as it is.
const CODES: [(&str, StatusCode); 30] = [
    ("VALIDATION_ERROR", StatusCode::BAD_REQUEST),
    ("MALFORMED_REQUEST", StatusCode::BAD_REQUEST),
    ("IDEMPOTENCY_KEY_REQUIRED", StatusCode::BAD_REQUEST),
    ("UNAUTHENTICATED", StatusCode::UNAUTHORIZED),
    ("TOKEN_EXPIRED", StatusCode::UNAUTHORIZED),
    ("INVALID_CREDENTIALS", StatusCode::UNAUTHORIZED),
    ("CAPTCHA_REQUIRED", StatusCode::UNAUTHORIZED),
    ("INVALID_SIGNATURE", StatusCode::UNAUTHORIZED),
    ("PERMISSION_DENIED", StatusCode::FORBIDDEN),
    ("CSRF_FAILED", StatusCode::FORBIDDEN),
    ("CONSENT_REQUIRED", StatusCode::FORBIDDEN),
    ("EMAIL_NOT_VERIFIED", StatusCode::FORBIDDEN),
    ("STEP_UP_REQUIRED", StatusCode::FORBIDDEN),
    ("NOT_FOUND", StatusCode::NOT_FOUND),
    ("METHOD_NOT_ALLOWED", StatusCode::METHOD_NOT_ALLOWED),
    ("CONFLICT", StatusCode::CONFLICT),
    ("INVALID_STATE", StatusCode::CONFLICT),
    ("SLOT_TAKEN", StatusCode::CONFLICT),
    ("IDEMPOTENCY_CONFLICT", StatusCode::CONFLICT),
    ("AMOUNT_MISMATCH", StatusCode::CONFLICT),
    ("PAYMENT_DECLINED", StatusCode::CONFLICT),
    ("VERSION_MISMATCH", StatusCode::PRECONDITION_FAILED),
    ("PAYLOAD_TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE),
    ("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ("RATE_LIMITED", StatusCode::TOO_MANY_REQUESTS),
    ("ACCOUNT_LOCKED", StatusCode::TOO_MANY_REQUESTS),
    ("INTERNAL", StatusCode::INTERNAL_SERVER_ERROR),
    ("UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
    ("PROVIDER_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
    ("TIMEOUT", StatusCode::GATEWAY_TIMEOUT),
];

/// When to come back to a service that could not be asked at all.
const AWAY: Duration = Duration::from_secs(2);

fn known(reason: &str) -> Option<(&'static str, StatusCode)> {
    CODES.iter().copied().find(|(code, _)| *code == reason)
}

/// The code that stands for a gRPC code when the service's reason is none of the API's own.
fn general(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument | Code::OutOfRange => "VALIDATION_ERROR",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists | Code::Aborted => "CONFLICT",
        Code::FailedPrecondition => "INVALID_STATE",
        Code::ResourceExhausted => "RATE_LIMITED",
        // Our services never say Unknown: the connection broke.
        Code::Unavailable | Code::Unknown => "UNAVAILABLE",
        Code::DeadlineExceeded | Code::Cancelled => "TIMEOUT",
        Code::Ok | Code::Unimplemented | Code::Internal | Code::DataLoss => "INTERNAL",
    }
}

impl Failure {
    /// A failure with one of the API's own codes, which is its message too.
    pub(crate) fn new(code: &'static str) -> Self {
        let (code, status) = known(code).unwrap_or(("INTERNAL", StatusCode::INTERNAL_SERVER_ERROR));
        Self {
            status,
            code,
            reason: code.to_owned(),
            parameters: Vec::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// A request whose form is wrong.
    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        Self { violations, ..Self::new("VALIDATION_ERROR") }
    }

    pub(crate) fn reason(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self
    }

    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        let code = reason.as_deref().and_then(known).map_or_else(|| general(status.code()), |(code, _)| code);
        let mut failure = Self::new(code);
        if failure.status.is_server_error() {
            tracing::warn!(grpc_code = ?status.code(), message = status.message(), "a service failed the call");
        }
        if let Some(reason) = reason {
            failure.reason = reason;
        }
        failure.parameters = parameters(&details);
        failure.violations = violations(&details);
        failure.violations.extend(times(&failure.parameters));
        let wait = details.retry_info().and_then(|info| info.retry_delay);
        failure.retry_after = wait.or((failure.status == StatusCode::SERVICE_UNAVAILABLE).then_some(AWAY));
        failure
    }
}

fn parameters(details: &ErrorDetails) -> Parameters {
    let metadata = details.error_info().map(|info| info.metadata.clone()).unwrap_or_default();
    metadata.into_iter().collect()
}

fn violations(details: &ErrorDetails) -> Vec<Violation> {
    let Some(refused) = details.bad_request() else { return Vec::new() };
    refused.field_violations.iter().map(|it| Violation::parse(it.field.clone(), &it.description)).collect()
}

/// Times that are taken, and others that are free: a detail each, for clients to offer.
fn times(parameters: &Parameters) -> Vec<Violation> {
    let named = parameters.iter().filter(|(name, _)| matches!(name.as_str(), "taken" | "alternatives"));
    let each = |(name, times): &(String, String)| {
        let time = |time: &str| Violation::new(name.as_str(), "time").with("time", time);
        times.split_whitespace().map(time).collect::<Vec<_>>()
    };
    named.flat_map(each).collect()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use aipoten_kit::{Error, Fields, Reason};

    use super::*;

    fn failure(error: Error) -> Failure {
        Failure::from(Status::from(error))
    }

    #[test]
    fn a_reason_of_the_table_is_the_code_and_decides_the_status() {
        for (error, code, status) in [
            (Error::Unauthenticated("TOKEN_EXPIRED".into()), "TOKEN_EXPIRED", 401),
            (Error::PermissionDenied("CONSENT_REQUIRED".into()), "CONSENT_REQUIRED", 403),
            (Error::NotFound("child"), "NOT_FOUND", 404),
            (Error::invalid_state("cancelled"), "INVALID_STATE", 409),
            (Error::version_mismatch(), "VERSION_MISMATCH", 412),
            (Error::DeadlineExceeded, "TIMEOUT", 504),
        ] {
            let failure = failure(error);
            assert_eq!((failure.code, failure.status.as_u16()), (code, status));
            assert_eq!(failure.reason, code);
        }
    }

    #[test]
    fn any_other_reason_gets_a_general_code_and_keeps_its_text() {
        let taken = failure(Error::AlreadyExists("EMAIL_TAKEN".into()));
        assert_eq!((taken.code, taken.status.as_u16(), taken.reason.as_str()), ("CONFLICT", 409, "EMAIL_TAKEN"));
        let full = failure(Error::FailedPrecondition(Reason::from("LIMIT_REACHED").with("max", "20")));
        assert_eq!((full.code, full.reason.as_str()), ("INVALID_STATE", "LIMIT_REACHED"));
        assert_eq!(full.parameters, [("max".to_owned(), "20".to_owned())]);
    }

    #[test]
    fn every_violation_is_kept_with_its_parameters() {
        let mut fields = Fields::new();
        fields.text("name", &"x".repeat(81), 80);
        fields.date("birth_date", "soon");
        let refused = failure(fields.finish().expect_err("two violations"));
        let expected =
            [Violation::new("name", "too_long").with("max", "80"), Violation::new("birth_date", "not_a_date")];
        assert_eq!(refused.violations, expected);
        assert_eq!(refused.code, "VALIDATION_ERROR");
    }

    #[test]
    fn what_is_away_says_when_to_come_back() {
        let busy = failure(Error::Unavailable("TOO_MANY_SIGN_INS".into(), Duration::from_secs(3)));
        assert_eq!((busy.code, busy.retry_after), ("UNAVAILABLE", Some(Duration::from_secs(3))));
        let down = Failure::from(Status::unavailable("no connection"));
        assert_eq!((down.code, down.retry_after), ("UNAVAILABLE", Some(AWAY)));
        let broken = Failure::from(Status::unknown("transport error"));
        assert_eq!(broken.status.as_u16(), 503);
    }

    #[test]
    fn nothing_of_the_inside_is_shown() {
        let internal = failure(Error::Internal(anyhow::anyhow!("secret table")));
        assert_eq!((internal.code, internal.status.as_u16()), ("INTERNAL", 500));
        assert!(!format!("{internal:?}").contains("secret"));
    }
}
