//! This service's section of the settings.

use std::net::SocketAddr;

use aipoten_kit::config::{Database, Encryption, Secret};
use serde::{Deserialize, Serialize};

/// Settings of notification.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve gRPC on.
    pub listen: SocketAddr,
    /// Address of identity's gRPC server.
    pub identity_url: String,
    /// The database `aipoten_notification`.
    pub database: Database,
    /// Keys for encrypted columns.
    pub encryption: Encryption,
    /// Secret that identity knows this service by, as configured there. Required. One that begins with `dev` is refused in production.
    pub service_secret: Secret,
    /// Key of the links in mails that turn a type off, 32 characters at least, the same for all replicas. Required. One that begins with
    /// `dev` is refused in production.
    pub unsubscribe_key: Secret,
    /// Hour of the day in Korea, 0 to 23, from which the reminders of a day are made; 24: never here.
    pub daily_hour: u32,
    /// Public key that browsers subscribe to push messages with: an uncompressed point of P-256, base64url. Empty: no Web Push.
    pub web_push_public_key: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5005)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            database: Database::default(),
            encryption: Encryption::default(),
            service_secret: Secret::default(),
            unsubscribe_key: Secret::default(),
            daily_hour: 10,
            web_push_public_key: String::new(),
        }
    }
}
