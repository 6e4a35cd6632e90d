//! Answers that are the same for everyone: a small tier in this process, Redis behind it for all gateways together. What
//! depends on who asks is never here. View counts may lag behind by the time an answer is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use metrics::{Counter, counter};
use moka::future;
use redis::AsyncCommands as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::call::Call;
use crate::error::{Answer, Failure};
use crate::etag;
use crate::patient::PatientRedis;

/// Most bytes that this process keeps.
const SIZE: u64 = 32 * 1024 * 1024;
/// How long this process keeps an answer; the events that clear it can be late.
const HERE: Duration = Duration::from_mins(1);

/// For browsers and proxies.
const PUBLIC: HeaderValue =
    HeaderValue::from_static("public, max-age=3600, s-maxage=86400, stale-while-revalidate=86400");

/// For the browser of somebody signed in alone: the same for everyone, but nobody's without a token.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=3600");

/// For browsers and proxies, and not for long: who was suspended has to be gone.
const BRIEFLY: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// Where an answer can be found, as metrics name it.
const PROCESS: &str = "process";
const REDIS: &str = "redis";
const NOWHERE: &str = "nowhere";

/// What is cleared together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shelf {
    Questions,
    /// And their categories, which name each other.
    Videos,
    /// And regions.
    Therapists,
}

/// How long Redis keeps an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Life {
    List,
    Single,
}

/// An answer, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    shelf: Shelf,
    body: Bytes,
    tag: HeaderValue,
}

/// Which answer: of a generation, as one that was being asked for while its shelf was cleared is never shown again.
type Key = (Shelf, u64, [u8; 32]);

pub(crate) struct Cache {
    on: bool,
    here: future::Cache<Key, Page>,
    redis: Arc<PatientRedis>,
    prefix: String,
    questions: Generation,
    videos: Generation,
    therapists: Generation,
}

/// Of a shelf.
#[derive(Default)]
struct Generation {
    number: AtomicU64,
    /// The one that Redis was told of: what it holds from before is old.
    told: Mutex<u64>,
}

impl Shelf {
    /// Where the kind of content stands that an event names.
    pub(crate) fn of_kind(kind: &str) -> Self {
        if kind == "question" { Self::Questions } else { Self::Videos }
    }

    /// Who may keep its answers.
    fn reach(self) -> HeaderValue {
        match self {
            Self::Questions => PRIVATE,
            Self::Videos => PUBLIC,
            Self::Therapists => BRIEFLY,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Videos => "videos",
            Self::Therapists => "therapists",
        }
    }
}

impl Life {
    fn seconds(self) -> u64 {
        match self {
            Self::List => 300,
            Self::Single => 600,
        }
    }
}

impl Cache {
    pub(crate) fn new(on: bool, redis: Arc<PatientRedis>, prefix: &str) -> Self {
        for shelf in [Shelf::Questions, Shelf::Videos, Shelf::Therapists] {
            for place in [PROCESS, REDIS, NOWHERE] {
                found(shelf, place).increment(0);
            }
        }
        let weight = |_: &Key, page: &Page| u32::try_from(page.body.len() + 256).unwrap_or(u32::MAX);
        Self {
            on,
            here: future::Cache::builder().max_capacity(SIZE).weigher(weight).time_to_live(HERE).build(),
            redis,
            prefix: prefix.to_owned(),
            questions: Generation::default(),
            videos: Generation::default(),
            therapists: Generation::default(),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.clear_shelf(Shelf::Questions);
        self.clear_shelf(Shelf::Videos);
        self.clear_shelf(Shelf::Therapists);
    }

    pub(crate) fn clear_shelf(&self, shelf: Shelf) {
        self.generation(shelf).number.fetch_add(1, Ordering::SeqCst);
    }

    /// The answer to a question, asked anew with `fetch` where it is not kept. Of many who ask at once, one fetches.
    pub(crate) async fn page<M, T, F>(
        &self,
        shelf: Shelf,
        life: Life,
        call: &Call,
        question: &M,
        fetch: impl Fn() -> F,
    ) -> Answer<Page>
    where
        M: prost::Message + prost::Name,
        T: Serialize,
        F: Future<Output = Answer<T>>,
    {
        if !self.on {
            return Page::of(shelf, &fetch().await?);
        }
        // As parsed: the order and the writing of parameters make no difference.
        let mut hash = Sha256::new_with_prefix(call.language());
        hash.update(M::full_name());
        hash.update(question.encode_to_vec());
        let hash: [u8; 32] = hash.finalize().into();
        let key = (shelf, self.generation(shelf).number.load(Ordering::SeqCst), hash);
        let behind = self.behind(shelf, life, &hash, fetch());
        match self.here.entry(key).or_try_insert_with(behind).await {
            Ok(entry) => {
                if !entry.is_fresh() {
                    found(shelf, PROCESS).increment(1);
                }
                Ok(entry.into_value())
            }
            // Somebody else's token was not good.
            Err(failure) if failure.status.as_u16() == 401 => Page::of(shelf, &fetch().await?),
            Err(failure) => Err(Failure::clone(&failure)),
        }
    }

    /// From Redis or from the service. What Redis holds counts while the shelf's epoch is the one it was asked for in.
    async fn behind<T: Serialize>(
        &self,
        shelf: Shelf,
        life: Life,
        hash: &[u8; 32],
        fetch: impl Future<Output = Answer<T>>,
    ) -> Answer<Page> {
        let key = format!("{}cache:{}:{}", self.prefix, shelf.name(), etag::hexadecimal(hash));
        let kept = self.read(shelf, &key).await;
        if let Some((epoch, Some(kept))) = &kept
            && let Some(body) = kept.strip_prefix(stamp(*epoch).as_slice())
        {
            found(shelf, REDIS).increment(1);
            return Ok(Page::new(shelf, Bytes::copy_from_slice(body)));
        }
        found(shelf, NOWHERE).increment(1);
        let page = Page::of(shelf, &fetch.await?)?;
        if let Some((epoch, _)) = kept {
            let value = [stamp(epoch).as_slice(), &page.body].concat();
            self.redis.ask(|mut redis| async move { redis.set_ex::<_, _, ()>(key, value, life.seconds()).await }).await;
        }
        Ok(page)
    }

    /// The epoch of the shelf and what is kept under a key. First tells Redis of what was changed.
    async fn read(&self, shelf: Shelf, key: &str) -> Option<(u64, Option<Vec<u8>>)> {
        let epoch = format!("{}cache:epoch:{}", self.prefix, shelf.name());
        let mut told = self.generation(shelf).told.lock().await;
        let number = self.generation(shelf).number.load(Ordering::SeqCst);
        if *told != number {
            let of_epoch = &epoch;
            self.redis.ask(|mut redis| async move { redis.incr::<_, _, ()>(of_epoch, 1).await }).await?;
            *told = number;
        }
        drop(told);
        let kept = self
            .redis
            .ask(|mut redis| async move { redis.mget::<_, (Option<u64>, _)>(&[epoch.as_str(), key]).await })
            .await;
        kept.map(|(epoch, kept)| (epoch.unwrap_or_default(), kept))
    }

    fn generation(&self, shelf: Shelf) -> &Generation {
        match shelf {
            Shelf::Questions => &self.questions,
            Shelf::Videos => &self.videos,
            Shelf::Therapists => &self.therapists,
        }
    }
}

/// Counts where an answer was found.
fn found(shelf: Shelf, place: &'static str) -> Counter {
    counter!("aipoten_cache_lookups_total", "shelf" => shelf.name(), "found" => place)
}

fn stamp(epoch: u64) -> Vec<u8> {
    format!("{epoch}\n").into_bytes()
}

impl Page {
    /// An answer that is the same for everyone, kept or not.
    pub(crate) fn of<T: Serialize>(shelf: Shelf, answer: &T) -> Answer<Self> {
        let body = serde_json::to_vec(answer).map_err(|error| {
            tracing::error!(%error, "an answer is no JSON");
            Failure::new("INTERNAL")
        })?;
        Ok(Self::new(shelf, body.into()))
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same answer with other words.
    pub(crate) fn with<T: Serialize>(&self, answer: &T) -> Answer<Self> {
        Self::of(self.shelf, answer)
    }

    fn new(shelf: Shelf, body: Bytes) -> Self {
        Self { shelf, tag: etag::tag(None, &body), body }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, self.shelf.reach());
        headers.insert(VARY, HeaderValue::from_static("accept-language"));
        headers.insert(ETAG, self.tag);
        response
    }
}
