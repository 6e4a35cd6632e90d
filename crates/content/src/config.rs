//! This service's section of the settings.

use std::net::SocketAddr;

use aipoten_kit::config::Database;
use serde::{Deserialize, Serialize};

/// Settings of content.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve gRPC on.
    pub listen: SocketAddr,
    /// Address of identity's gRPC server.
    pub identity_url: String,
    /// The database `aipoten_content`.
    pub database: Database,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5002)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            database: Database::default(),
        }
    }
}
