//! Who calls, and how they want to be answered.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tonic::{Request, metadata::MetadataValue};
use uuid::Uuid;

use crate::{Error, Result, metadata, telemetry};

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Locale {
    /// Korean.
    #[default]
    Ko,
    /// English.
    En,
}

impl Locale {
    /// `ko` or `en`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
        }
    }

    /// The one of two texts that is in this language.
    pub fn pick<T>(self, ko: T, en: T) -> T {
        match self {
            Self::Ko => ko,
            Self::En => en,
        }
    }
}

/// What a signed-in person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    /// Cares for children of their own.
    Parent,
    /// Runs a practice on the platform.
    Therapist,
    /// Keeps the platform in order.
    Admin,
}

impl Role {
    /// `parent`, `therapist` or `admin`, as in tables and tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Therapist => "therapist",
            Self::Admin => "admin",
        }
    }
}

/// A person whose access token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// UUID of the account.
    pub id: Uuid,
    /// UUID of the session.
    pub session_id: Uuid,
    /// Role in the token.
    pub role: Role,
    /// When the person last proved a password or another factor.
    pub auth_time: DateTime<Utc>,
    /// Whether the address is known to be theirs, or nobody asks for that.
    pub email_verified: bool,
}

/// A service that speaks for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name, such as `notification`.
    pub name: String,
    /// The service that it may call with this token.
    pub callee: String,
}

impl User {
    /// Fails with `STEP_UP_REQUIRED` when the last proof is older than five minutes: for acts that cannot be undone.
    pub fn require_fresh_proof(&self) -> Result<()> {
        if Utc::now() - self.auth_time > TimeDelta::minutes(5) {
            return Err(Error::PermissionDenied("STEP_UP_REQUIRED".into()));
        }
        Ok(())
    }
}

/// The caller of a gRPC method, made by [`crate::AuthenticateLayer`] for each call.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The person who calls, or on whose behalf a service does; `None` without a token.
    pub user: Option<User>,
    /// The service that calls on nobody's behalf. Never beside a user.
    pub service: Option<Service>,
    /// The token itself, to ask other services with.
    pub token: Option<SecretString>,
    /// Id of the request at the edge.
    pub request_id: String,
    /// Language of the answer.
    pub locale: Locale,
    /// Idempotency-Key of the request, where the client gave one.
    pub idempotency_key: Option<String>,
    /// Address of the person's device, as the gateway saw it; for records, not for decisions.
    pub ip: String,
    /// What the device says it is; for records, not for decisions.
    pub agent: String,
}

impl Caller {
    /// The caller of this call. Without the layer: anonymous.
    pub fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// The signed-in person, or unauthenticated.
    pub fn user(&self) -> Result<&User> {
        self.user.as_ref().ok_or_else(Error::unauthenticated)
    }

    /// The service that speaks for itself, or permission denied; unauthenticated for nobody.
    pub fn service(&self) -> Result<&Service> {
        let refusal = || if self.user.is_some() { Error::permission_denied() } else { Error::unauthenticated() };
        self.service.as_ref().ok_or_else(refusal)
    }

    /// The signed-in person with this role, or permission denied.
    pub fn with_role(&self, role: Role) -> Result<&User> {
        let user = self.user()?;
        if user.role == role { Ok(user) } else { Err(Error::permission_denied()) }
    }

    /// The signed-in person, or `EMAIL_NOT_VERIFIED` (permission denied) as long as the address is not known to be theirs: for what
    /// costs others time or money. A token says so from the first refresh after the address was verified.
    pub fn with_verified_email(&self) -> Result<&User> {
        let user = self.user()?;
        if user.email_verified { Ok(user) } else { Err(Error::PermissionDenied("EMAIL_NOT_VERIFIED".into())) }
    }

    /// The Idempotency-Key, or `IDEMPOTENCY_KEY_REQUIRED`: for what moves money.
    pub fn require_idempotency_key(&self) -> Result<&str> {
        self.idempotency_key.as_deref().ok_or_else(|| Error::FailedPrecondition("IDEMPOTENCY_KEY_REQUIRED".into()))
    }

    /// A request to another service on behalf of this caller: same token, request id, language, origin and Idempotency-Key.
    pub fn forward<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = self.token.as_ref().map(|token| format!("Bearer {}", token.expose_secret()));
        let values = [
            (metadata::AUTHORIZATION, bearer.unwrap_or_default()),
            (metadata::REQUEST_ID, self.request_id.clone()),
            (metadata::LANGUAGE, self.locale.as_str().to_owned()),
            (metadata::CLIENT_IP, self.ip.clone()),
            (metadata::CLIENT_AGENT, self.agent.clone()),
            (metadata::IDEMPOTENCY_KEY, self.idempotency_key.clone().unwrap_or_default()),
            (metadata::TRACEPARENT, telemetry::traceparent().unwrap_or_default()),
        ];
        for (key, value) in values {
            if let Ok(value) = MetadataValue::try_from(value.as_str())
                && !value.is_empty()
            {
                request.metadata_mut().insert(key, value);
            }
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_service_is_asked_with_what_the_caller_came_with() {
        let caller = Caller {
            token: Some(SecretString::from("a.b.c")),
            request_id: "r-1".to_owned(),
            locale: Locale::En,
            idempotency_key: Some("k-1".to_owned()),
            ..Caller::default()
        };
        let request = caller.forward(());
        let text = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(text(metadata::AUTHORIZATION), Some("Bearer a.b.c"));
        assert_eq!(text(metadata::IDEMPOTENCY_KEY), Some("k-1"));
        assert_eq!((text(metadata::REQUEST_ID), text(metadata::LANGUAGE)), (Some("r-1"), Some("en")));
        assert_eq!(text(metadata::CLIENT_IP), None, "what is not there is not sent");
    }
}
