//! The gateway's section of the settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use aipoten_kit::config::{Secret, list};
use anyhow::Context as _;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What the gateway can be told.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address the REST API listens on.
    pub listen: SocketAddr,
    /// Address of identity's gRPC server.
    pub identity_url: String,
    /// Address of content's gRPC server.
    pub content_url: String,
    /// Address of matching's gRPC server.
    pub matching_url: String,
    /// Address of billing's gRPC server.
    pub billing_url: String,
    /// Address of notification's gRPC server.
    pub notification_url: String,
    /// Origins of browsers that may call the API with credentials, such as `https://app.example.org`.
    #[serde(deserialize_with = "list")]
    pub cors_origins: Vec<String>,
    /// Networks of the proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<String>,
    /// Key of the CSRF tokens that go with sessions in cookies, at least 32 characters, the same for all gateways. Without
    /// it sessions are not kept in cookies. One that begins with `dev` is refused in production.
    pub csrf_key: Secret,
    /// Seconds without an answer from identity after which ended sessions are asked for at every request for children,
    /// administration and exports.
    pub revocations_stale_s: u64,
    /// Whether answers that are the same for everyone are kept.
    pub cache: bool,
    /// How many requests a caller may make.
    pub limits: Limits,
    /// Folder of mails that `/dev/mail` shows, as notification writes them; empty: no such page. For development, refused in production.
    pub mailbox: PathBuf,
    /// Seconds a request may take before it is answered with 504.
    pub request_timeout_s: u64,
    /// Most bytes of a request's body; one with a file may be longer.
    pub body_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 3000)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            content_url: "http://127.0.0.1:5002".to_owned(),
            matching_url: "http://127.0.0.1:5003".to_owned(),
            billing_url: "http://127.0.0.1:5004".to_owned(),
            notification_url: "http://127.0.0.1:5005".to_owned(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            csrf_key: Secret::default(),
            revocations_stale_s: 30,
            cache: true,
            limits: Limits::default(),
            mailbox: PathBuf::new(),
            request_timeout_s: 30,
            body_limit: 1024 * 1024,
        }
    }
}

impl Config {
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    pub(crate) fn proxies(&self) -> anyhow::Result<Vec<IpNet>> {
        let parse = |text: &String| {
            text.parse().with_context(|| {
                format!("configuration key `gateway.trusted_proxies`: `{text}` is no network such as 10.0.0.0/8")
            })
        };
        self.trusted_proxies.iter().map(parse).collect()
    }
}

/// How many requests a minute are let through, unless it says otherwise. Half an IPv6 address (/64) counts as one address.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of one signed-in user, from all addresses together.
    pub user: u32,
    /// Requests without a good token from one address.
    pub anonymous: u32,
    /// Requests of all kinds from one address.
    pub address: u32,
    /// Attempts to sign in from one address.
    pub login: u32,
    /// Accounts registered from one address.
    pub register: u32,
    /// Refreshed tokens from one address.
    pub refresh: u32,
    /// Messages of payment providers from one address; they count to no other limit but the one of all kinds.
    pub webhooks: u32,
    /// Mails with links asked for, and links followed, from one address.
    pub mail: u32,
    /// Files handed in by one signed-in user, an hour.
    pub uploads: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            user: 100,
            anonymous: 100,
            address: 1000,
            login: 5,
            register: 5,
            refresh: 60,
            webhooks: 600,
            mail: 5,
            uploads: 10,
        }
    }
}
