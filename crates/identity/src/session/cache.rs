//! Copies of sessions in Redis, under the names of the security rules. They can be lost: PostgreSQL has the record.

use std::sync::Arc;

use aipoten_kit::config::Redis;
use chrono::{TimeDelta, Utc};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands as _, Pipeline};
use uuid::Uuid;

use super::Session;

const DAY_S: i64 = 24 * 3600;

/// `session:{user_id}` (hash of sessions), `refresh:{session_id}` (newest counter), `blacklist:{session_id}` (ended, as
/// long as its access tokens live).
pub(crate) struct Cache {
    redis: ConnectionManager,
    prefix: Arc<str>,
}

impl Cache {
    pub(crate) fn new(redis: ConnectionManager, config: &Redis) -> Self {
        Self { redis, prefix: config.prefix.as_str().into() }
    }

    pub(super) fn opened(&self, session: &Session) {
        let life = (session.absolute_expires_at - Utc::now()).num_seconds().clamp(1, 7 * DAY_S);
        let sessions = self.key("session", session.user_id);
        let mut commands = redis::pipe();
        commands
            .hset(&sessions, session.id.to_string(), session.created_at.timestamp())
            .expire(&sessions, 7 * DAY_S)
            .set_ex(self.key("refresh", session.id), session.refresh_counter, life.unsigned_abs());
        self.write(commands);
    }

    pub(super) fn rotated(&self, session: &Session) {
        let life = (session.expires_at() - Utc::now()).num_seconds().clamp(1, 7 * DAY_S);
        let mut commands = redis::pipe();
        commands
            .set_ex(self.key("refresh", session.id), session.refresh_counter, life.unsigned_abs())
            .expire(self.key("session", session.user_id), 7 * DAY_S);
        self.write(commands);
    }

    pub(super) fn ended(&self, user_id: Uuid, session_ids: &[Uuid], life: TimeDelta) {
        if session_ids.is_empty() {
            return;
        }
        let mut commands = redis::pipe();
        for id in session_ids {
            commands
                .set_ex(self.key("blacklist", *id), 1, life.num_seconds().unsigned_abs())
                .del(self.key("refresh", *id))
                .hdel(self.key("session", user_id), id.to_string());
        }
        self.write(commands);
    }

    /// Whether a session is known to have ended. False when Redis does not say.
    pub(super) async fn has_ended(&self, session_id: Uuid) -> bool {
        let mut redis = self.redis.clone();
        redis.exists(self.key("blacklist", session_id)).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "Redis does not say which sessions have ended");
            false
        })
    }

    fn key(&self, kind: &str, id: Uuid) -> String {
        format!("{}{kind}:{id}", self.prefix)
    }

    /// Beside the request: nobody waits for a copy, and none is missed.
    fn write(&self, commands: Pipeline) {
        let mut redis = self.redis.clone();
        tokio::spawn(async move {
            if let Err(error) = commands.exec_async(&mut redis).await {
                tracing::warn!(%error, "copies of sessions could not be written to Redis");
            }
        });
    }
}
