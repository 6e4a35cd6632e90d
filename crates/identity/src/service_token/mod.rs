//! Tokens of services that call on nobody's behalf. Each is known by a secret that is configured on both sides.

mod grpc;

use aipoten_kit::config::Secret;
use aipoten_kit::token::{AUDIENCE, SERVICE_SUBJECT, ServiceClaims, ServiceRole};
use aipoten_kit::{Caller, Error, Result};
use anyhow::{Context as _, ensure};
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::{App, session};

/// How long a token is good.
const LIFE_S: i32 = 60;

/// Characters of a secret at least.
const SHORTEST: usize = 32;

/// Who may speak for themselves.
pub(crate) struct ServiceSecrets(Vec<(String, SecretString)>);

impl ServiceSecrets {
    /// Reads `name:secret,name:secret`.
    pub(crate) fn parse(text: &Secret) -> anyhow::Result<Self> {
        let pairs = text.expose_secret().split(',').map(str::trim).filter(|pair| !pair.is_empty());
        pairs.map(pair).collect::<anyhow::Result<_>>().map(Self).context("configuration key `identity.service_secrets`")
    }

    /// Whether one of the secrets of this service is the one shown. How long it takes tells nothing of a secret.
    fn know(&self, service: &str, secret: &str) -> bool {
        let of_service = self.0.iter().filter(|(name, _)| name == service);
        of_service.fold(false, |known, (_, configured)| known | is_same(configured.expose_secret(), secret))
    }
}

fn pair(text: &str) -> anyhow::Result<(String, SecretString)> {
    let (name, secret) = text.split_once(':').context("a pair has the form name:secret")?;
    ensure!(is_name(name), "`{name}` is no name of a service such as notification");
    ensure!(secret.chars().count() >= SHORTEST, "the secret of {name} is shorter than {SHORTEST} characters");
    Ok((name.to_owned(), secret.into()))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Compares digests, in the same time wherever they differ.
fn is_same(one: &str, other: &str) -> bool {
    let digest = |text: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(b"service").expect("HMAC takes keys of any length");
        mac.chain_update(text)
    };
    digest(one).verify_slice(&digest(other).finalize().into_bytes()).is_ok()
}

/// What a service asks with.
struct Credentials {
    service: String,
    secret: SecretString,
    callee: String,
}

async fn issue(app: &App, caller: &Caller, credentials: Credentials) -> Result<String> {
    let Credentials { service, secret, callee } = credentials;
    if !app.service_secrets.know(&service, secret.expose_secret()) {
        let metadata = json!({ "service": service, "callee": callee });
        let act = Act { resource: "service", metadata, ..Act::refused("service_token.issued", None) };
        audit::record(&mut *app.pool.acquire().await?, caller, &act).await?;
        return Err(Error::unauthenticated());
    }
    let now = Utc::now().timestamp();
    let token = app.keys.sign(&ServiceClaims {
        iss: app.keys.issuer(),
        sub: format!("{SERVICE_SUBJECT}{service}"),
        aud: AUDIENCE.to_owned(),
        exp: now + i64::from(LIFE_S),
        iat: now,
        nbf: now,
        jti: Uuid::now_v7(),
        role: ServiceRole::Service,
        callee,
    });
    session::metrics::note_token("service");
    Ok(token?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> anyhow::Result<ServiceSecrets> {
        ServiceSecrets::parse(&text.to_owned().into())
    }

    #[test]
    fn a_service_is_known_by_each_of_its_own_secrets_alone() {
        let [old, new, other] = ["o", "n", "x"].map(|it| it.repeat(SHORTEST));
        let secrets = secrets(&format!("notification:{old}, notification:{new},billing:{other},")).expect("three");
        assert!(secrets.know("notification", &old) && secrets.know("notification", &new));
        for (service, secret) in [("notification", &other), ("billing", &new), ("matching", &old), ("", &old)] {
            assert!(!secrets.know(service, secret), "{service}");
        }
        assert!(!secrets.know("billing", &format!("{other}x")) && !secrets.know("billing", ""));
    }

    #[test]
    fn secrets_that_cannot_be_read_stop_the_start_and_are_not_shown() {
        assert!(secrets("").expect("nobody").0.is_empty());
        let long = "s".repeat(SHORTEST);
        for wrong in [long.clone(), format!(":{long}"), format!("Notification:{long}"), "notification:short".to_owned()]
        {
            let error = format!("{:#}", secrets(&wrong).err().expect("refused"));
            assert!(error.contains("identity.service_secrets") && !error.contains(&long), "{error}");
        }
    }
}
