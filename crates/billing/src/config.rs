//! This service's section of the settings.

use std::net::SocketAddr;

use aipoten_kit::config::{Database, Encryption, list};
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
    /// Page that a checkout returns to where the client names none.
    pub return_url: String,
    /// What the addresses begin with that clients may name instead, such as `https://app.example.org` or `aipoten://payment`.
    #[serde(deserialize_with = "list")]
    pub return_addresses: Vec<String>,
    /// Who new payments go to: toss, portone, stripe or sandbox; none: no payment can be begun.
    pub provider: Option<Name>,
    /// Whether a month can be settled before it is over, to see all of the journey on one day; production refuses it.
    pub settle_running_month: bool,
    /// Accounts at providers: older payments stay with theirs.
    pub providers: provider::Config,
}

impl Config {
    /// Whether a checkout may return to this page. `https://app.example.org` does not cover `https://app.example.org.evil.net`.
    pub(crate) fn may_return_to(&self, url: &str) -> bool {
        let covers = |address: &String| {
            let rest = url.strip_prefix(address.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        };
        url == self.return_url || self.return_addresses.iter().any(covers)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5004)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            matching_url: "http://127.0.0.1:5003".to_owned(),
            database: Database::default(),
            encryption: Encryption::default(),
            return_url: "http://127.0.0.1:3000/payments/return".to_owned(),
            return_addresses: Vec::new(),
            provider: None,
            settle_running_month: false,
            providers: provider::Config::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_returns_to_our_own_pages_alone() {
        let return_addresses = vec!["https://app.example.org/".to_owned(), "aipoten://payment".to_owned()];
        let config = Config { return_addresses, ..Config::default() };
        let fine =
            ["https://app.example.org", "https://app.example.org/pay?x=1", "aipoten://payment", &config.return_url];
        assert!(fine.into_iter().all(|url| config.may_return_to(url)));
        let foreign =
            ["https://app.example.org.evil.net/", "https://app.example.org@evil.net/", "https://evil.net", ""];
        assert!(!foreign.into_iter().any(|url| config.may_return_to(url)));
    }
}
