//! Credentials for the relays of online sessions, as coturn's REST scheme has them: good for a time, and known to it
//! without a word between us.

use aipoten_kit::User;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use sha1::Sha1;
use utoipa::ToSchema;

use crate::config;
use crate::error::{Answer, Failure};

/// What a browser's `RTCPeerConnection` takes as one of its `iceServers`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TurnCredentials {
    /// Addresses of the relays.
    urls: Vec<String>,
    /// Name to show there.
    username: String,
    /// Password to show there.
    credential: String,
    /// When they end.
    #[schema(format = DateTime, value_type = String)]
    expires_at: DateTime<Utc>,
}

/// For this person, until this moment.
pub(crate) fn credentials(config: &config::Turn, user: &User, until: DateTime<Utc>) -> Answer<TurnCredentials> {
    if config.urls.is_empty() {
        return Err(Failure::new("INVALID_STATE").reason("NO_TURN_SERVERS"));
    }
    let username = format!("{}:{}", until.timestamp(), user.id);
    let key = config.secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(username.as_bytes());
    let credential = STANDARD.encode(mac.finalize().into_bytes());
    Ok(TurnCredentials { urls: config.urls.clone(), username, credential, expires_at: until })
}

#[cfg(test)]
mod tests {
    use aipoten_kit::Role;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_relay_that_knows_the_secret_knows_the_credentials() {
        let until = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment");
        let id = Uuid::parse_str("01900000-0000-7000-8000-000000000001").expect("an id");
        let user = User { id, session_id: id, role: Role::Parent, auth_time: until, email_verified: true };
        let relays = config::Turn { urls: vec!["turn:relay:3478".to_owned()], secret: "north".to_owned().into() };
        let shown = credentials(&relays, &user, until).expect("credentials");
        assert_eq!(shown.username, "1800000000:01900000-0000-7000-8000-000000000001");
        // printf 1800000000:01900000-0000-7000-8000-000000000001 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(shown.credential, "l4GFQjf6Bg3uG9b/X3c3Cix1Nsc=");
        assert!(credentials(&config::Turn::default(), &user, until).is_err(), "there are no relays");
    }
}
