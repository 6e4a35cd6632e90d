use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// How to reach the broker and how much to take from it at a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address with user, password and virtual host: `amqp://user:password@host:5672/vhost` (`%2f` for the host `/`).
    pub url: SecretString,
    /// How many events the broker hands to one process before the first is acknowledged. Default 32.
    #[serde(default = "default_prefetch")]
    pub prefetch: u16,
    /// How many events one process handles at the same time; each uses a database connection. Default 4.
    #[serde(default = "default_concurrency")]
    pub concurrency: u16,
    /// How many hours a sent event stays in the outbox, for people to look at. Default 1.
    #[serde(default = "default_keep_sent_hours")]
    pub keep_sent_hours: u16,
}

impl Config {
    /// Everything but the address as by default.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            prefetch: default_prefetch(),
            concurrency: default_concurrency(),
            keep_sent_hours: default_keep_sent_hours(),
        }
    }

    pub(crate) fn keep_sent(&self) -> Duration {
        Duration::from_hours(self.keep_sent_hours.into())
    }
}

fn default_prefetch() -> u16 {
    32
}

fn default_concurrency() -> u16 {
    4
}

fn default_keep_sent_hours() -> u16 {
    1
}
