//! Which therapists can be reached right now: kept in Redis for a minute at a time, by the gateways they are connected to.

use std::collections::HashSet;
use std::sync::Arc;

use redis::aio::ConnectionManager;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::cache::Page;
use crate::error::{Answer, Failure};
use crate::patient::PatientRedis;

/// Seconds that a sign of life is good for.
const LIFE: u64 = 60;
/// Seconds after the last connection here has ended; who is connected elsewhere is renewed from there before.
const FADE: i64 = 25;

pub(crate) struct Presence {
    redis: Arc<PatientRedis>,
    prefix: String,
}

/// The therapists in an answer.
#[derive(Deserialize)]
struct Shown {
    data: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Named>),
    One(Named),
}

#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

impl Presence {
    pub(crate) fn new(redis: Arc<PatientRedis>, prefix: &str) -> Self {
        Self { redis, prefix: prefix.to_owned() }
    }

    /// They are reachable.
    pub(super) async fn keep(&self, therapists: Vec<Uuid>) {
        if therapists.is_empty() {
            return;
        }
        let mut pipeline = redis::pipe();
        for id in therapists {
            pipeline.set_ex(self.key(id), 1, LIFE).ignore();
        }
        self.redis.ask(|mut redis: ConnectionManager| async move { pipeline.exec_async(&mut redis).await }).await;
    }

    /// A connection has ended.
    pub(super) async fn fade(&self, therapist: Uuid) {
        let mut command = redis::cmd("EXPIRE");
        command.arg(self.key(therapist)).arg(FADE);
        self.redis.ask(|mut redis: ConnectionManager| async move { command.exec_async(&mut redis).await }).await;
    }

    /// Marks who is reachable in an answer about therapists. What is kept of it is the same for everyone and for minutes: this
    /// is put in at the last moment.
    pub(crate) async fn mark(&self, page: Page) -> Answer<Page> {
        let unreadable = |_| Failure::new("INTERNAL");
        let shown: Shown = serde_json::from_slice(page.body()).map_err(unreadable)?;
        let ids: Vec<Uuid> = match shown.data {
            OneOrMany::Many(all) => all.into_iter().map(|it| it.id).collect(),
            OneOrMany::One(one) => vec![one.id],
        };
        let online = self.online(ids).await;
        if online.is_empty() {
            return Ok(page);
        }
        let mut answer: Value = serde_json::from_slice(page.body()).map_err(unreadable)?;
        mark(&mut answer["data"], &online);
        page.with(&answer)
    }

    /// Nobody is, where Redis cannot be asked.
    async fn online(&self, ids: Vec<Uuid>) -> HashSet<Uuid> {
        if ids.is_empty() {
            return HashSet::new();
        }
        let mut command = redis::cmd("MGET");
        for id in &ids {
            command.arg(self.key(*id));
        }
        let ask =
            |mut redis: ConnectionManager| async move { command.query_async::<Vec<Option<u8>>>(&mut redis).await };
        let found = self.redis.ask(ask).await.unwrap_or_default();
        ids.into_iter().zip(found).filter_map(|(id, found)| found.map(|_| id)).collect()
    }

    fn key(&self, user_id: Uuid) -> String {
        format!("{}presence:{user_id}", self.prefix)
    }
}

fn mark(data: &mut Value, online: &HashSet<Uuid>) {
    if let Value::Array(all) = data {
        return all.iter_mut().for_each(|one| mark(one, online));
    }
    let id = data["id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    data["is_online"] = id.is_some_and(|id| online.contains(&id)).into();
}
