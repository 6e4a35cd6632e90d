//! Counters of what is committed. A status changes deep inside a transaction that somebody else commits, so what is counted there waits.

use std::cell::RefCell;

use ::metrics::Counter;

tokio::task_local! {
    static TALLY: RefCell<Vec<(Counter, u64)>>;
}

/// Raises a counter once the work at hand has succeeded, and not if it fails; at once outside of [`counted`]. Each call of a gRPC method
/// and each event is such work.
pub fn count(counter: Counter, by: u64) {
    let mut at_once = Some(counter);
    // There is none outside of `counted`.
    let _ = TALLY.try_with(|tally| tally.borrow_mut().extend(at_once.take().map(|counter| (counter, by))));
    if let Some(counter) = at_once {
        counter.increment(by);
    }
}

/// Does work that is committed if and only if it answers `Ok`: what it counts is counted then.
pub async fn counted<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let counting = async {
        let result = work.await;
        if result.is_ok() {
            TALLY.with(RefCell::take).into_iter().for_each(|(counter, by)| counter.increment(by));
        }
        result
    };
    TALLY.scope(RefCell::default(), counting).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_fails_counts_nothing_and_what_was_committed_inside_it_stays_counted() {
        let value = Arc::new(AtomicU64::new(0));
        let counter = Counter::from_arc(Arc::clone(&value));
        count(counter.clone(), 1);
        assert_eq!(value.load(Ordering::Relaxed), 1, "nothing to wait for");
        let failed: Result<(), ()> = counted(async {
            count(counter.clone(), 10);
            counted(async {
                count(counter.clone(), 100);
                Ok::<(), ()>(())
            })
            .await?;
            assert_eq!(value.load(Ordering::Relaxed), 101, "committed by itself");
            Err(())
        })
        .await;
        assert_eq!((failed, value.load(Ordering::Relaxed)), (Err(()), 101));
    }
}
