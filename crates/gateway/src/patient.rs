//! Redis as the edge uses it: asked briefly, and left alone for a moment after it failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aipoten_kit::config::{Redis, required};
use anyhow::Context as _;
use redis::RedisResult;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

/// How long Redis may take before the edge goes on without it.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long Redis is not asked after it failed.
const PAUSE_MS: u64 = 1000;

/// A connection to Redis that nobody waits for.
pub(crate) struct PatientRedis {
    redis: ConnectionManager,
    begun: Instant,
    /// Milliseconds after `begun` until which Redis is left alone.
    paused_until: AtomicU64,
}

impl PatientRedis {
    pub(crate) fn new(config: &Redis) -> anyhow::Result<Self> {
        let client = redis::Client::open(required("redis.url", &config.url)?)
            .context("configuration key `redis.url` is no address of a Redis server")?;
        let patience = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        let redis = ConnectionManager::new_lazy_with_config(client, patience)?;
        Ok(Self { redis, begun: Instant::now(), paused_until: AtomicU64::new(0) })
    }

    /// What Redis says; nothing while it is down.
    pub(crate) async fn ask<T, F>(&self, question: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now < self.paused_until.load(Ordering::Relaxed) {
            return None;
        }
        match tokio::time::timeout(PATIENCE, question(self.redis.clone())).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => tracing::warn!(%error, "Redis does not answer: this gateway goes on alone"),
            Err(_) => tracing::warn!("Redis is slow: this gateway goes on alone"),
        }
        self.paused_until.store(now + PAUSE_MS, Ordering::Relaxed);
        None
    }
}
