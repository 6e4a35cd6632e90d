use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use ::metrics::{Counter, Histogram};

/// Counts answers and how long they took, by what was asked and what came of it. A series is looked up in the registry once: that takes
/// several times as long as all the rest.
pub struct Answered<Outcome>(RwLock<HashMap<String, HashMap<Outcome, Series>>>);

struct Series {
    count: Counter,
    took: Histogram,
}

impl<Outcome: Eq + Hash + Copy> Answered<Outcome> {
    /// Adds an answer. `series` finds its metrics, the first time that `asked` comes to this outcome.
    pub fn note(&self, asked: &str, outcome: Outcome, took: Duration, series: impl FnOnce() -> (Counter, Histogram)) {
        if self.add(asked, outcome, took) {
            return;
        }
        let (count, histogram) = series();
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(asked.to_owned()).or_default().insert(outcome, Series { count, took: histogram });
        drop(all);
        self.add(asked, outcome, took);
    }

    /// False where there is no such series yet.
    fn add(&self, asked: &str, outcome: Outcome, took: Duration) -> bool {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(series) = all.get(asked).and_then(|outcomes| outcomes.get(&outcome)) else { return false };
        series.count.increment(1);
        series.took.record(took);
        true
    }
}

impl<Outcome> Default for Answered<Outcome> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}
