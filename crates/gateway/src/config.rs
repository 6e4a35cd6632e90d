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
    /// Connections that stay open: Socket.IO and Server-Sent Events.
    pub realtime: Realtime,
    /// Relays for the sound and pictures of online sessions.
    pub turn: Turn,
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
            realtime: Realtime::default(),
            turn: Turn::default(),
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

    /// Relays with a secret that is none would let everybody in.
    pub(crate) fn turn(&self) -> anyhow::Result<Turn> {
        let guarded = self.turn.urls.is_empty() || !self.turn.secret.is_empty();
        anyhow::ensure!(
            guarded,
            "configuration key `gateway.turn.secret` is required where there are `gateway.turn.urls`"
        );
        Ok(self.turn.clone())
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

/// Connections that stay open.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Realtime {
    /// Most connections of this gateway.
    pub connections: usize,
    /// Most connections of one user at this gateway.
    pub user_connections: usize,
    /// Messages a minute of one connection; one that sends more is ended.
    pub messages: u32,
}

impl Default for Realtime {
    fn default() -> Self {
        Self { connections: 10_000, user_connections: 10, messages: 300 }
    }
}

/// Relays of the kind of coturn, with its REST scheme (`use-auth-secret`).
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// Their addresses, such as `turn:turn.example.org:3478?transport=udp`. Without any, nobody gets credentials.
    #[serde(deserialize_with = "list")]
    pub urls: Vec<String>,
    /// Their `static-auth-secret`. One that begins with `dev` is refused in production.
    pub secret: Secret,
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
