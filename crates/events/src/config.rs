use std::time::Duration;

use aipoten_kit::config::Secret;
use serde::{Deserialize, Serialize};

/// The section `broker`: how to reach RabbitMQ and how much to take from it at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address: `amqp://user:password@host:5672/vhost`, where the vhost `/` is written `%2f`. Required.
    pub url: Secret,
    /// How many events the broker hands to one process before the first of them is acknowledged.
    pub prefetch: u16,
    /// How many transactions with events one process has open at the same time; each uses a database connection.
    pub concurrency: u16,
    /// How many hours a sent event stays in the outbox, for people to look at.
    pub keep_sent_hours: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self { url: Secret::default(), prefetch: 32, concurrency: 4, keep_sent_hours: 1 }
    }
}

impl Config {
    /// How many events share a transaction at most: a fair part of those that are here.
    pub(crate) fn together(&self) -> usize {
        usize::from(self.prefetch / self.concurrency.max(1)).max(1)
    }

    pub(crate) fn keep_sent(&self) -> Duration {
        Duration::from_hours(self.keep_sent_hours.into())
    }
}
