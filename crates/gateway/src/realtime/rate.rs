//! How many messages a client may send.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::limit::gcra::{MINUTE, decide};

pub(super) struct Rate {
    /// Messages a minute.
    limit: u32,
    begun: Instant,
    arrival: Mutex<u64>,
}

impl Rate {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, begun: Instant::now(), arrival: Mutex::default() }
    }

    /// Counts a message; whether it may pass.
    pub(super) fn admits(&self) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        let (verdict, next) = decide(self.limit, MINUTE, *arrival, now);
        *arrival = next;
        verdict.allowed
    }
}
