//! The limits of this process alone, for as long as Redis is down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::gcra::{Verdict, decide};

/// More keys than this are not kept: then those that are whole again go.
const KEYS: usize = 50_000;

pub(crate) struct Local {
    begun: Instant,
    arrivals: Mutex<HashMap<String, u64>>,
}

impl Local {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), arrivals: Mutex::default() }
    }

    pub(crate) fn check(&self, key: &str, limit: u32, window: u64) -> Verdict {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() >= KEYS {
            arrivals.retain(|_, arrival| *arrival > now);
        }
        let (verdict, arrival) = decide(limit, window, arrivals.get(key).copied().unwrap_or_default(), now);
        if arrivals.len() < KEYS || arrivals.contains_key(key) {
            arrivals.insert(key.to_owned(), arrival);
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::Local;
    use crate::limit::gcra::MINUTE;

    #[test]
    fn keys_are_counted_apart() {
        let local = Local::new();
        assert!(local.check("a", 1, MINUTE).allowed);
        assert!(!local.check("a", 1, MINUTE).allowed);
        assert!(local.check("b", 1, MINUTE).allowed);
    }
}
