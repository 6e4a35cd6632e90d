//! Argon2id on a few threads of its own: hashing never takes the time, the memory or the connections of other requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use aipoten_kit::{Error, Result};
use anyhow::Context as _;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use metrics::{Gauge, gauge};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization as _;

use crate::config;

/// Cost of a new hash: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
fn params() -> Params {
    Params::DEFAULT
}

/// Sign-ins that are worked on at the same time, for each thread: one is hashed while the other is at the database.
const AT_WORK: usize = 2;
/// What the threads give way to everything else with, 0 to 19.
const NICENESS: i32 = 10;

/// The threads' queue. Dropping it ends them.
pub(crate) struct Pool {
    queue: SyncSender<Job>,
    /// Sign-ins that may be here at all, and those that may be worked on.
    seats: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// What unknown addresses are checked against, so that they take as long as known ones.
    nobody: String,
    /// Hashes that passwords were checked against since the start, that of nobody too.
    checked: Arc<AtomicU64>,
    waiting: Gauge,
}

/// The right to a share of the machine for one sign-in, until it is dropped.
pub(crate) struct Turn {
    _seat: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

struct Job {
    password: SecretString,
    /// A hash to check against; without one the password is hashed.
    hash: Option<String>,
    answer: oneshot::Sender<anyhow::Result<Answer>>,
}

enum Answer {
    Hash(String),
    Matches(bool),
}

impl Pool {
    pub(crate) fn start(config: &config::Password) -> Self {
        let (threads, waiting) = (config.threads.max(1), config.queue.max(1));
        let (queue, jobs) = sync_channel(waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        let checked = Arc::new(AtomicU64::new(0));
        let gauge = gauge!("aipoten_password_queue");
        for number in 0..threads {
            let (jobs, checked, gauge) = (Arc::clone(&jobs), Arc::clone(&checked), gauge.clone());
            let work = move || work(&jobs, &checked, &gauge);
            let spawned = thread::Builder::new().name(format!("argon2-{number}")).spawn(work);
            spawned.expect("the system gives a thread at start-up");
        }
        let nobody = hash(&mut Vec::new(), "nobody").expect("the default parameters hash any text");
        let seats = Arc::new(Semaphore::new(threads + waiting));
        Self { queue, seats, turns: Arc::new(Semaphore::new(threads * AT_WORK)), nobody, checked, waiting: gauge }
    }

    /// Waits for a turn to sign somebody in. Where too many wait already, it says so before anything is done for this one.
    pub(crate) async fn turn(&self) -> Result<Turn> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| too_many())?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.context("turns are never closed")?;
        Ok(Turn { _seat: seat, _turn: turn })
    }

    /// Hashes that passwords were checked against since the start.
    pub(crate) fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        match self.run(password, None).await? {
            Answer::Hash(hash) => Ok(hash),
            Answer::Matches(_) => unreachable!("a job without a hash is answered with one"),
        }
    }

    /// Whether the password is the one of the hash. Without a hash it takes as long and is not.
    pub(crate) async fn matches(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        Ok(matches!(self.run(password, Some(hash)).await?, Answer::Matches(true)) && known)
    }

    async fn run(&self, password: &str, hash: Option<String>) -> Result<Answer> {
        let (answer, answered) = oneshot::channel();
        // Devices write the same Hangul and accents as different code points (NIST 800-63B-4: normalize before hashing).
        let password: String = password.nfc().collect();
        self.waiting.increment(1);
        let queued = self.queue.try_send(Job { password: password.into(), hash, answer });
        queued.map_err(|refused| {
            self.waiting.decrement(1);
            match refused {
                TrySendError::Full(_) => too_many(),
                TrySendError::Disconnected(_) => Error::Internal(anyhow::anyhow!("the password threads are gone")),
            }
        })?;
        Ok(answered.await.context("a password thread died")??)
    }
}

fn too_many() -> Error {
    Error::Unavailable("TOO_MANY_SIGN_INS".into(), Duration::from_secs(3))
}

fn work(jobs: &Mutex<Receiver<Job>>, checked: &AtomicU64, waiting: &Gauge) {
    // A sign-in may take longer; what others wait for must not.
    if let Err(error) = setpriority_process(Some(gettid()), NICENESS) {
        tracing::warn!(%error, "password threads cannot give way to others");
    }
    // Reused for every job: 19 MiB of fresh pages cost a fifth of the time of a hash.
    let mut memory = Vec::new();
    loop {
        let Ok(job) = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv() else { return };
        waiting.decrement(1);
        if job.answer.is_closed() {
            continue;
        }
        let password = job.password.expose_secret();
        let answer = match &job.hash {
            Some(hash) => {
                checked.fetch_add(1, Ordering::Relaxed);
                matches(&mut memory, password, hash).map(Answer::Matches)
            }
            None => hash(&mut memory, password).map(Answer::Hash),
        };
        // Whoever asked may have gone.
        drop(job.answer.send(answer));
    }
}

fn hash(memory: &mut Vec<Block>, password: &str) -> anyhow::Result<String> {
    let salt: [u8; 16] = rand::random();
    let output = compute(memory, &params(), password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(&params()).ok().context("the parameters have a text")?,
        salt: Some(Salt::new(&salt).ok().context("sixteen bytes are a salt")?),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

fn matches(memory: &mut Vec<Block>, password: &str, hash: &str) -> anyhow::Result<bool> {
    let hash = PasswordHash::new(hash).ok().context("a stored password hash cannot be read")?;
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { anyhow::bail!("a stored password hash is cut") };
    let params = Params::try_from(&hash).ok().context("a stored password hash has odd parameters")?;
    // Comparing two outputs takes the same time wherever they differ.
    Ok(compute(memory, &params, password, &salt, expected.len())? == expected)
}

fn compute(
    memory: &mut Vec<Block>,
    params: &Params,
    password: &str,
    salt: &[u8],
    length: usize,
) -> anyhow::Result<Output> {
    memory.resize(params.block_count(), Block::default());
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..length];
    Argon2::new(Algorithm::Argon2id, Version::default(), params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Output::new(output).ok().context("argon2 gave no hash")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let pool = Pool::start(&config::Password::default());
        let hash = pool.hash("correct horse 7!").await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(pool.matches("correct horse 7!", Some(&hash)).await.expect("checked"));
        assert!(!pool.matches("wrong horse 7!", Some(&hash)).await.expect("checked"));
        assert!(!pool.matches("nobody", None).await.expect("checked"));
        assert_ne!(hash, pool.hash("correct horse 7!").await.expect("hashed"));
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_a_device_writes_it() {
        let pool = Pool::start(&config::Password::default());
        let hash = pool.hash("비밀번호 é 7!").await.expect("hashed");
        let taken_apart: String = "비밀번호 é 7!".nfd().collect();
        assert!(pool.matches(&taken_apart, Some(&hash)).await.expect("checked"));
    }

    #[tokio::test]
    async fn a_full_queue_says_come_back_later() {
        let pool = Pool::start(&config::Password { threads: 1, queue: 1, complexity: true });
        let tries = (0..20).map(|_| pool.matches("x", None));
        let mut refused = 0;
        for outcome in join_all(tries).await {
            match outcome {
                Err(Error::Unavailable(reason, _)) => refused += usize::from(reason.code == "TOO_MANY_SIGN_INS"),
                other => assert!(!other.expect("checked or refused")),
            }
        }
        assert!(refused > 0, "twenty at once do not fit a queue of one");
    }

    #[tokio::test]
    async fn more_sign_ins_than_may_wait_are_told_at_once() {
        let pool = Pool::start(&config::Password { threads: 1, queue: 3, complexity: true });
        let mut working = vec![pool.turn().await.expect("a turn"), pool.turn().await.expect("a turn")];
        let (mut third, mut fourth) = (Box::pin(pool.turn()), Box::pin(pool.turn()));
        for waiting in [&mut third, &mut fourth] {
            assert!(futures::poll!(waiting).is_pending(), "two are at work");
        }
        assert!(matches!(pool.turn().await, Err(Error::Unavailable(..))), "all seats are taken");
        working.pop();
        let third = third.await.expect("its turn");
        assert!(futures::poll!(&mut fourth).is_pending());
        drop(third);
        assert!(fourth.await.is_ok());
    }

    async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
        let mut pending: Vec<_> = futures.map(Box::pin).collect();
        let mut done = Vec::new();
        // Polling each once queues them all before the first is awaited.
        std::future::poll_fn(|context| {
            pending.retain_mut(|it| match it.as_mut().poll(context) {
                std::task::Poll::Ready(output) => {
                    done.push(output);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        done
    }
}
