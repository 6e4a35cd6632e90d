//! The one error of the services, and the one place that turns it into a gRPC status.

use std::fmt;
use std::time::Duration;

use metrics::counter;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Violations shown at most, and bytes of the name of each. A status travels in headers: one of more than 16 KiB closes the
/// connection that others share, and names of unknown fields are as long as the caller likes.
const SHOWN: usize = 50;
const SHOWN_NAME: usize = 64;

/// Result of everything that can fail for a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call fails: one variant per gRPC status in use. Everything but `Internal` is for the caller to read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is not what the contract asks for: every violation at once.
    #[error("invalid argument")]
    InvalidArgument(Vec<Violation>),
    /// Nobody has proved who they are.
    #[error("unauthenticated: {0}")]
    Unauthenticated(Reason),
    /// The caller is known and may not do this.
    #[error("permission denied: {0}")]
    PermissionDenied(Reason),
    /// It does not exist, or is not the caller's: the two look the same.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Something with the same name is already there.
    #[error("already exists: {0}")]
    AlreadyExists(Reason),
    /// The resource is in a state in which this cannot be done.
    #[error("failed precondition: {0}")]
    FailedPrecondition(Reason),
    /// Somebody else changed it meanwhile.
    #[error("aborted: {0}")]
    Aborted(Reason),
    /// Too much at once; try again after the time given.
    #[error("resource exhausted: {0}")]
    ResourceExhausted(Reason, Duration),
    /// Something needed is away for now; try again after the time given.
    #[error("unavailable: {0}")]
    Unavailable(Reason, Duration),
    /// The time for the call ran out.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// Another service, asked on behalf of the caller, refuses for a reason that is the caller's to read: passed on as it is.
    #[error("another service refused it")]
    Refused(Box<Status>),
    /// Our fault: logged once with its chain, shown to nobody.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// A stable name of what went wrong, with the figures a text about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Upper snake case name, such as `EMAIL_TAKEN`: the key of the translated text.
    pub code: &'static str,
    /// Parameters of the text. Never personal data.
    pub params: Vec<(&'static str, String)>,
}

impl Reason {
    /// Adds a parameter for the text.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }
}

/// `INVALID_STATE state=completed`
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)?;
        self.params.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl From<&'static str> for Reason {
    fn from(code: &'static str) -> Self {
        Self { code, params: Vec::new() }
    }
}

/// One field of a request that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, as in the JSON: `consents[0].kind`.
    pub field: String,
    /// Key of the translated text with its parameters: `too_long max=80`.
    pub rule: String,
}

impl Error {
    /// A request with a single violation.
    pub fn invalid(field: &str, rule: impl Into<String>) -> Self {
        Self::InvalidArgument(vec![Violation { field: field.to_owned(), rule: rule.into() }])
    }

    /// No token, or one that is no longer good.
    pub fn unauthenticated() -> Self {
        Self::Unauthenticated("UNAUTHENTICATED".into())
    }

    /// The caller's role may not do this.
    pub fn permission_denied() -> Self {
        Self::PermissionDenied("PERMISSION_DENIED".into())
    }

    /// The state of the resource forbids it; `state` is the one it is in.
    pub fn invalid_state(state: &str) -> Self {
        Self::FailedPrecondition(Reason::from("INVALID_STATE").with("state", state))
    }

    /// Fails with [`Error::version_mismatch`] when a change is based on another version than the one that is there.
    pub fn unless_version(expected: Option<i64>, version: i64) -> Result<()> {
        if expected.is_some_and(|expected| expected != version) { Err(Self::version_mismatch()) } else { Ok(()) }
    }

    /// The version in If-Match is not the one that is there.
    pub fn version_mismatch() -> Self {
        Self::Aborted("VERSION_MISMATCH".into())
    }

    /// A server that is needed is away for a moment.
    pub fn unavailable() -> Self {
        Self::Unavailable("UNAVAILABLE".into(), Duration::from_secs(2))
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            counter!("aipoten_pool_timeouts_total").increment(1);
        }
        let passing = match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| passes(&code)),
            _ => false,
        };
        if passing {
            tracing::warn!(%error, "database is away");
            return Self::unavailable();
        }
        Self::Internal(anyhow::Error::new(error).context("database"))
    }
}

/// Whether trouble of this SQLSTATE class passes by itself: the connection is lost (08), the transaction was given up for
/// another (40), the server has no room (53), or an operator or a time limit has stepped in (57).
fn passes(code: &str) -> bool {
    ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
}

/// The answer of another service, asked with the caller's own token.
impl From<Status> for Error {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::NotFound => Self::NotFound("resource"),
            Code::Unauthenticated => Self::unauthenticated(),
            Code::PermissionDenied => Self::permission_denied(),
            Code::Unavailable => Self::unavailable(),
            Code::DeadlineExceeded | Code::Cancelled => Self::DeadlineExceeded,
            Code::FailedPrecondition | Code::Aborted => Self::Refused(Box::new(status)),
            _ => Self::Internal(anyhow::Error::new(status).context("another service")),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let known = |code: Code, reason: &Reason| {
            let params: std::collections::HashMap<String, String> =
                reason.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            (code, ErrorDetails::with_error_info(reason.code, "aipoten", params))
        };
        let (code, details) = match &error {
            Error::InvalidArgument(violations) => {
                let mut details = known(Code::InvalidArgument, &"VALIDATION_ERROR".into()).1;
                for Violation { field, rule } in violations.iter().take(SHOWN) {
                    details.add_bad_request_violation(&field[..field.floor_char_boundary(SHOWN_NAME)], rule);
                }
                (Code::InvalidArgument, details)
            }
            Error::Unauthenticated(reason) => known(Code::Unauthenticated, reason),
            Error::PermissionDenied(reason) => known(Code::PermissionDenied, reason),
            Error::NotFound(what) => known(Code::NotFound, &Reason::from("NOT_FOUND").with("what", *what)),
            Error::AlreadyExists(reason) => known(Code::AlreadyExists, reason),
            Error::FailedPrecondition(reason) => known(Code::FailedPrecondition, reason),
            Error::Aborted(reason) => known(Code::Aborted, reason),
            Error::ResourceExhausted(reason, after) | Error::Unavailable(reason, after) => {
                let exhausted = matches!(error, Error::ResourceExhausted(..));
                let code = if exhausted { Code::ResourceExhausted } else { Code::Unavailable };
                let (code, mut details) = known(code, reason);
                details.set_retry_info(Some(*after));
                (code, details)
            }
            Error::DeadlineExceeded => known(Code::DeadlineExceeded, &"TIMEOUT".into()),
            // Without its metadata: those are headers of another answer.
            Error::Refused(status) => {
                return Self::with_details(status.code(), status.message(), status.details().to_vec().into());
            }
            Error::Internal(source) => {
                tracing::error!(stream = "error", error = format!("{source:#}"), "internal error");
                known(Code::Internal, &"INTERNAL".into())
            }
        };
        Self::with_error_details(code, message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_and_no_length_of_wrong_fields_makes_a_status_too_big_for_a_header() {
        let violation = Violation { field: "한".repeat(5000), rule: "unknown_field".to_owned() };
        let status = Status::from(Error::InvalidArgument(vec![violation; 5000]));
        let size: usize =
            status.into_http::<()>().headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert!(size < 12 * 1024, "{size} bytes");
    }

    #[test]
    fn every_violation_reaches_the_status_and_nothing_of_the_inside_does() {
        let violation = |field: &str| Violation { field: field.into(), rule: "required".into() };
        let status = Status::from(Error::InvalidArgument(vec![violation("name"), violation("birth_date")]));
        let details = status.get_details_bad_request().expect("details");
        assert_eq!(details.field_violations.len(), 2);
        assert!(!format!("{status}").contains("birth_date"), "the message repeats what the details say");
        let status = Status::from(Error::Internal(anyhow::anyhow!("secret table")));
        assert_eq!(status.message(), "internal error");
        assert!(!format!("{status:?}").contains("secret"));
    }

    #[test]
    fn a_refusal_of_another_service_is_passed_on_and_its_failure_is_not() {
        let refusal = Status::from(Error::invalid_state("cancelled"));
        let passed = Status::from(Error::from(refusal));
        assert_eq!(passed.code(), Code::FailedPrecondition);
        let info = passed.get_details_error_info().expect("details");
        assert_eq!((info.reason.as_str(), info.metadata["state"].as_str()), ("INVALID_STATE", "cancelled"));
        let failure = Status::from(Error::from(Status::internal("a secret")));
        assert_eq!((failure.code(), failure.message()), (Code::Internal, "internal error"));
    }
}
