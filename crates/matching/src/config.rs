//! This service's section of the settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use aipoten_kit::config::{Database, Encryption};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Settings of matching.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve gRPC on.
    pub listen: SocketAddr,
    /// Address of identity's gRPC server.
    pub identity_url: String,
    /// The database `aipoten_matching`.
    pub database: Database,
    /// Keys for encrypted columns.
    pub encryption: Encryption,
    /// Folder that the files of licence documents lie in, made where it is missing. It holds personal data: it needs a backup, and
    /// nobody but this service reads it. Replicas share it.
    pub documents: PathBuf,
    /// Hours after which a request that nobody answered expires.
    pub request_expiry_h: u32,
    /// Days after the end of a package in which its therapist may still see the child.
    pub care_days: u32,
}

impl Config {
    /// How long after the end of a package its therapist may still see the child.
    pub(crate) fn care(&self) -> TimeDelta {
        TimeDelta::days(self.care_days.into())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5003)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            database: Database::default(),
            encryption: Encryption::default(),
            documents: PathBuf::from(".local/documents"),
            request_expiry_h: 48,
            care_days: 30,
        }
    }
}
