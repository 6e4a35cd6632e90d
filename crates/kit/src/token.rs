//! Access tokens: what is in them, and the one way to check them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aipoten_proto::identity::v1::{GetJwksRequest, Jwks, key_service_client::KeyServiceClient};
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use metrics::counter;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Line, Role, Service, User};

/// The only audience.
pub const AUDIENCE: &str = "aipoten";
/// Type of an access token (RFC 9068).
pub const TYPE: &str = "at+jwt";
/// How far two clocks may be apart, in seconds.
const LEEWAY_S: u64 = 5;
/// How often the keys are asked for: so long, keys that were withdrawn are believed at most. A token that names an unknown one
/// has them asked for at once, and no more often than that.
const REFETCH: Duration = Duration::from_mins(1);
/// How long an answer is waited for.
const FETCH: Duration = Duration::from_secs(2);
/// How long a token that was checked is remembered at most; a signature costs more than the rest of a small request.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Tokens that are remembered at most.
const REMEMBERED_TOKENS: u64 = 20_000;

/// Claims of an access token. No personal data beyond ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Account.
    pub sub: Uuid,
    /// Audience.
    pub aud: String,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Not before, seconds since 1970.
    pub nbf: i64,
    /// Id of this token.
    pub jti: Uuid,
    /// Session.
    pub sid: Uuid,
    /// Role of the account.
    pub role: Role,
    /// Rights the token is limited to, space separated; empty: all of the role.
    pub scope: String,
    /// How the person proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// When they did, seconds since 1970.
    pub auth_time: i64,
    /// Whether the account's address is verified, or nobody asks for that. Tokens from before it was told say no.
    #[serde(default)]
    pub ev: bool,
}

/// Claims of the token of a service. What they share with those of a person means the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceClaims {
    /// Issuer.
    pub iss: String,
    /// `service:` and the name of the service.
    pub sub: String,
    /// Audience.
    pub aud: String,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Not before, seconds since 1970.
    pub nbf: i64,
    /// Id of this token.
    pub jti: Uuid,
    /// `service`: no role of a person.
    pub role: ServiceRole,
    /// The service that it is good for: no other believes it.
    pub callee: String,
}

/// What stands in the place of a person's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceRole {
    /// A service.
    Service,
}

/// What the subject of a service's token begins with.
pub const SERVICE_SUBJECT: &str = "service:";

/// By their roles no claims are both.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyClaims {
    User(Claims),
    Service(ServiceClaims),
}

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A person.
    User(User),
    /// A service, on nobody's behalf.
    Service(Service),
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It was good once.
    Expired,
    /// It is not one of ours.
    Invalid,
}

impl Refusal {
    fn count(self) {
        let reason = if self == Self::Expired { "expired" } else { "invalid" };
        counter!("aipoten_tokens_rejected_total", "reason" => reason).increment(1);
    }
}

/// Checks access tokens against the public keys of identity.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    validation: Validation,
    keys: RwLock<HashMap<String, DecodingKey>>,
    /// By the token's hash.
    checked: Cache<[u8; 32], Checked>,
    source: Option<KeyServiceClient<Line>>,
    refetch: Duration,
    asked: tokio::sync::Mutex<Option<Instant>>,
}

/// A token that was found good.
#[derive(Clone)]
struct Checked {
    subject: Subject,
    /// Seconds since 1970.
    expires_at: i64,
    /// The key that signed it, which may be withdrawn meanwhile.
    kid: Arc<str>,
}

impl Verifier {
    /// A verifier that asks identity for the keys, every minute as long as it lives. To be called inside a runtime.
    pub fn asking(issuer: &str, identity: Line) -> Self {
        Self::asking_every(REFETCH, issuer, identity)
    }

    /// As [`Verifier::asking`], for tests that have no minute.
    pub fn asking_every(refetch: Duration, issuer: &str, identity: Line) -> Self {
        let verifier = Self::build(issuer, refetch, Some(KeyServiceClient::new(identity)));
        let inner = Arc::downgrade(&verifier.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(refetch).await;
                let Some(inner) = inner.upgrade() else { return };
                Self(inner).fetch().await;
            }
        });
        verifier
    }

    /// A verifier that knows the keys it is given by [`Verifier::set_keys`] alone: identity's own.
    pub fn local(issuer: &str) -> Self {
        Self::build(issuer, REFETCH, None)
    }

    fn build(issuer: &str, refetch: Duration, source: Option<KeyServiceClient<Line>>) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        for reason in ["expired", "invalid", "revoked"] {
            counter!("aipoten_tokens_rejected_total", "reason" => reason).increment(0);
        }
        let checked = Cache::builder().max_capacity(REMEMBERED_TOKENS).time_to_live(REMEMBERED).build();
        Self(Arc::new(Inner {
            validation,
            keys: RwLock::default(),
            checked,
            source,
            refetch,
            asked: tokio::sync::Mutex::default(),
        }))
    }

    /// Replaces the keys that are known.
    pub fn set_keys(&self, jwks: &Jwks) {
        let key = |jwk: &aipoten_proto::identity::v1::Jwk| {
            let key = DecodingKey::from_ed_components(&jwk.x).inspect_err(|error| {
                tracing::error!(%error, kid = jwk.kid, "a published key cannot be read");
            });
            Some((jwk.kid.clone(), key.ok()?))
        };
        let keys = jwks.keys.iter().filter_map(key).collect();
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Whom a token speaks for. Whether a person's session was ended is asked elsewhere, every time, and whether a service calls whom
    /// its token names.
    pub async fn verify(&self, token: &str) -> Result<Subject, Refusal> {
        self.verify_until(token).await.map(|(subject, _)| subject)
    }

    /// As [`Verifier::verify`], with the second in which the token expires (since 1970): for what lasts longer than a request.
    pub async fn verify_until(&self, token: &str) -> Result<(Subject, i64), Refusal> {
        self.subject(token).await.inspect_err(|refusal| refusal.count())
    }

    async fn subject(&self, token: &str) -> Result<(Subject, i64), Refusal> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(checked) = self.0.checked.get(&hash)
            && Utc::now().timestamp() < checked.expires_at
            && self.knows(&checked.kid)
        {
            return Ok((checked.subject, checked.expires_at));
        }
        let checked = self.check(token).await?;
        self.0.checked.insert(hash, checked.clone());
        Ok((checked.subject, checked.expires_at))
    }

    async fn check(&self, token: &str) -> Result<Checked, Refusal> {
        // Only `kid` is read of the header besides type and algorithm: jku, jwk and x5u are never followed.
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid)?;
        if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::EdDSA {
            return Err(Refusal::Invalid);
        }
        let kid = header.kid.ok_or(Refusal::Invalid)?;
        if !self.knows(&kid) {
            self.fetch_for(&kid).await;
        }
        let key = self.key(&kid).ok_or(Refusal::Invalid)?;
        let claims = jsonwebtoken::decode::<AnyClaims>(token, &key, &self.0.validation).map_err(|error| {
            if matches!(error.kind(), ErrorKind::ExpiredSignature) { Refusal::Expired } else { Refusal::Invalid }
        })?;
        let (subject, expires_at) = match claims.claims {
            AnyClaims::User(claims) => (Subject::User(user(&claims).ok_or(Refusal::Invalid)?), claims.exp),
            AnyClaims::Service(claims) => {
                let name = claims.sub.strip_prefix(SERVICE_SUBJECT).ok_or(Refusal::Invalid)?.to_owned();
                (Subject::Service(Service { name, callee: claims.callee }), claims.exp)
            }
        };
        Ok(Checked { subject, expires_at, kid: kid.into() })
    }

    fn knows(&self, kid: &str) -> bool {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).contains_key(kid)
    }

    fn key(&self, kid: &str) -> Option<DecodingKey> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// Asks for the keys because a token names this one, unless that was done a moment ago.
    async fn fetch_for(&self, kid: &str) {
        let mut asked = self.0.asked.lock().await;
        if self.0.source.is_none() || self.knows(kid) || asked.is_some_and(|at| at.elapsed() < self.0.refetch) {
            return;
        }
        if self.fetch().await {
            *asked = Some(Instant::now());
        }
    }

    /// Whether identity answered.
    async fn fetch(&self) -> bool {
        let Some(mut source) = self.0.source.clone() else { return false };
        let mut request = tonic::Request::new(GetJwksRequest {});
        request.set_timeout(FETCH);
        match source.get_jwks(request).await {
            Ok(jwks) => {
                self.set_keys(&jwks.into_inner());
                true
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), "identity did not answer with its keys");
                false
            }
        }
    }
}

/// `None` for a moment that there is not.
fn user(claims: &Claims) -> Option<User> {
    Some(User {
        id: claims.sub,
        session_id: claims.sid,
        role: claims.role,
        auth_time: DateTime::from_timestamp(claims.auth_time, 0)?,
        email_verified: claims.ev,
    })
}
