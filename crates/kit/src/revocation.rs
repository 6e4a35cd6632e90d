//! Sessions that were ended while their access tokens live on: every process keeps them in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aipoten_proto::identity::v1::{ListRevocationsRequest, session_service_client::SessionServiceClient};
use chrono::{DateTime, TimeDelta, Utc};
use metrics::{counter, gauge};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Line;

/// How often identity is asked.
const EVERY: Duration = Duration::from_millis(500);

/// How far back each question reaches beyond the last answer: transactions commit out of order.
fn overlap() -> TimeDelta {
    TimeDelta::seconds(5)
}

/// The ended sessions whose access tokens have not expired yet.
#[derive(Clone, Default)]
pub struct Revocations(Arc<Inner>);

#[derive(Default)]
struct Inner {
    ended: RwLock<HashMap<Uuid, DateTime<Utc>>>,
    /// When identity last answered.
    heard: RwLock<Option<Instant>>,
}

impl Revocations {
    /// Whether the tokens of this session are no longer good.
    pub fn contains(&self, session_id: Uuid) -> bool {
        let ended = self.0.ended.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session_id);
        if ended {
            counter!("aipoten_tokens_rejected_total", "reason" => "revoked").increment(1);
        }
        ended
    }

    /// Adds an ended session until its last access token expires.
    pub fn insert(&self, session_id: Uuid, expires_at: DateTime<Utc>) {
        self.0.ended.write().unwrap_or_else(PoisonError::into_inner).insert(session_id, expires_at);
    }

    /// How long ago identity last answered; `None` when it never has.
    pub fn silent_for(&self) -> Option<Duration> {
        self.0.heard.read().unwrap_or_else(PoisonError::into_inner).map(|heard| heard.elapsed())
    }

    /// Asks identity at once, then twice a second until `stop`.
    pub async fn follow(self, identity: Line, stop: CancellationToken) -> anyhow::Result<()> {
        let mut identity = SessionServiceClient::new(identity);
        let mut newest: Option<DateTime<Utc>> = None;
        let (begun, age) = (Instant::now(), gauge!("aipoten_revocations_age_seconds"));
        loop {
            let after = newest.map(|moment| aipoten_proto::timestamp(moment - overlap()));
            let mut request = tonic::Request::new(ListRevocationsRequest { after });
            request.set_timeout(Duration::from_secs(2));
            let asked = Instant::now();
            match identity.list_revocations(request).await {
                Ok(answer) => {
                    for revocation in answer.into_inner().revocations {
                        newest = newest.max(self.take(&revocation));
                    }
                    *self.0.heard.write().unwrap_or_else(PoisonError::into_inner) = Some(asked);
                }
                Err(status) => tracing::warn!(code = ?status.code(), "identity did not answer with its revocations"),
            }
            age.set(self.silent_for().unwrap_or_else(|| begun.elapsed()));
            self.forget_expired();
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return Ok(());
            }
        }
    }

    fn take(&self, revocation: &aipoten_proto::identity::v1::Revocation) -> Option<DateTime<Utc>> {
        let moment = |it: Option<aipoten_proto::Timestamp>| it.and_then(|it| DateTime::from_timestamp(it.seconds, 0));
        let session_id = aipoten_proto::uuid(&revocation.session_id).ok()?;
        self.insert(session_id, moment(revocation.expires_at)? + TimeDelta::seconds(1));
        moment(revocation.revoked_at)
    }

    /// Drops what has expired; to be called now and then, so that the set stays small.
    pub fn forget_expired(&self) {
        let now = Utc::now();
        let expired = |map: &HashMap<Uuid, DateTime<Utc>>| map.values().any(|expires_at| *expires_at < now);
        if expired(&self.0.ended.read().unwrap_or_else(PoisonError::into_inner)) {
            self.0.ended.write().unwrap_or_else(PoisonError::into_inner).retain(|_, expires_at| *expires_at >= now);
        }
    }
}
