//! This service's section of the settings.

use std::net::SocketAddr;

use aipoten_kit::config::{Database, Encryption};
use serde::{Deserialize, Serialize};

use crate::provider::{self, Name};

/// Settings of billing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve gRPC on.
    pub listen: SocketAddr,
    /// Address of identity's gRPC server.
    pub identity_url: String,
    /// Address of matching's gRPC server.
    pub matching_url: String,
    /// The database `aipoten_billing`.
    pub database: Database,
    /// Keys for encrypted columns.
    pub encryption: Encryption,
    /// Who new payments go to: toss, portone, stripe or sandbox; none: no payment can be begun.
    pub provider: Option<Name>,
    /// Accounts at providers: older payments stay with theirs.
    pub providers: provider::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5004)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            matching_url: "http://127.0.0.1:5003".to_owned(),
            database: Database::default(),
            encryption: Encryption::default(),
            provider: None,
            providers: provider::Config::default(),
        }
    }
}
