//! Load as people make it, for tests that stop and restart what serves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aipoten_tests::private::{CHILD, PASSWORD};
use aipoten_tests::{Answer, Api, unique_email};
use serde_json::json;
use tokio::task::JoinHandle;

/// Shorter than an access token lives.
const SIGNED_IN: Duration = Duration::from_mins(5);

/// People at work until they are told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    people: Vec<JoinHandle<Did>>,
}

/// What somebody did.
#[derive(Debug, Default)]
pub(crate) struct Did {
    /// Children that were added and deleted again.
    pub(crate) deleted: usize,
    /// Requests that were not answered as they should be.
    pub(crate) failures: Vec<String>,
}

impl Load {
    pub(crate) async fn start(api: &Api, people: usize) -> anyhow::Result<Self> {
        let (stop, answered) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let mut load = Self { stop, answered, people: Vec::new() };
        for _ in 0..people {
            let email = unique_email("load");
            let parent = api.new_parent(&email, PASSWORD).await?;
            parent.consent("guardian").await?;
            let person = Person { email, parent, stop: Arc::clone(&load.stop), answered: Arc::clone(&load.answered) };
            load.people.push(tokio::spawn(person.work()));
        }
        Ok(load)
    }

    /// How many requests were answered as they should be.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Nobody begins anything new.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What all did, once they have finished.
    pub(crate) async fn end(self) -> Did {
        self.stop();
        let mut all = Did::default();
        for person in self.people {
            let did = person.await.expect("nobody panics");
            all.deleted += did.deleted;
            all.failures.extend(did.failures);
        }
        all
    }
}

struct Person {
    email: String,
    parent: Api,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Person {
    async fn work(mut self) -> Did {
        let (mut did, mut signed_in) = (Did::default(), Instant::now());
        while !self.stop.load(Ordering::Relaxed) {
            match self.round().await {
                Ok(deleted) => did.deleted += usize::from(deleted),
                Err(error) => did.failures.push(format!("{error:#}")),
            }
            if signed_in.elapsed() > SIGNED_IN {
                match self.parent.sign_in(&self.email, PASSWORD).await {
                    Ok(parent) => (self.parent, signed_in) = (parent, Instant::now()),
                    Err(error) => did.failures.push(format!("{error:#}")),
                }
            }
        }
        did
    }

    /// Adds a child, looks at it and at what everybody sees, changes it and deletes it; whether it came to that.
    async fn round(&self) -> anyhow::Result<bool> {
        let new = json!({ "name": CHILD, "birth_date": "2025-01-01", "gender": "female" });
        let child = self.told(self.parent.post("/children", new).await?, 201)?;
        let place = format!("/children/{}", child["id"].as_str().unwrap_or_default());
        for path in [&place, "/videos", &place, "/auth/me"] {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.told(self.parent.get(path).await?, 200)?;
        }
        self.told(self.parent.patch(&place, json!({ "gestational_weeks": 38 })).await?, 200)?;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        self.told(self.parent.delete(&place).await?, 204)?;
        Ok(true)
    }

    fn told(&self, answer: Answer, status: u16) -> anyhow::Result<serde_json::Value> {
        let data = answer.data(status)?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        Ok(data)
    }
}
