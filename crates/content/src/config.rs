//! This service's section of the settings.

use std::net::SocketAddr;
use std::time::Duration;

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
    /// Checking the addresses of videos.
    pub link_check: LinkCheck,
}

/// How the addresses of published videos are checked, each once a day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkCheck {
    /// Seconds from one look at whose turn it is to the next; 0: not here, `aipoten check-links` is run instead.
    pub every_s: u64,
    /// Milliseconds between two questions to the same host.
    pub pause_ms: u64,
    /// Milliseconds that an answer may take, redirects included.
    pub timeout_ms: u64,
    /// Where YouTube tells whether a video is there.
    pub youtube_oembed_url: String,
    /// Where Vimeo does.
    pub vimeo_oembed_url: String,
    /// Whether http and private addresses are asked for, too: for tests, refused in production.
    pub private: bool,
}

impl LinkCheck {
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Default for LinkCheck {
    fn default() -> Self {
        Self {
            every_s: 600,
            pause_ms: 1000,
            timeout_ms: 10_000,
            youtube_oembed_url: "https://www.youtube.com/oembed".to_owned(),
            vimeo_oembed_url: "https://vimeo.com/api/oembed.json".to_owned(),
            private: false,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5002)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            database: Database::default(),
            link_check: LinkCheck::default(),
        }
    }
}
