//! The generic cell rate algorithm: requests spread over a minute, with room for a burst of one minute's worth.
//! Redis runs the same in `gcra.lua`.

/// Microseconds of the window that all limits speak of.
pub(crate) const WINDOW: u64 = 60_000_000;

/// What a limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    /// Requests a window.
    pub(crate) limit: u32,
    /// Requests that would be let through right now.
    pub(crate) remaining: u32,
    /// Microseconds until a refused request would be let through; 0 for one that is.
    pub(crate) retry_after: u64,
    /// Microseconds until the limit is whole again.
    pub(crate) reset_after: u64,
}

/// Decides on a request at `now`, given when the last ones are worked off (the theoretical arrival time), both in
/// microseconds; answers that moment anew.
pub(crate) fn decide(limit: u32, arrival: u64, now: u64) -> (Verdict, u64) {
    let interval = (WINDOW / u64::from(limit.max(1))).max(1);
    let arrival = arrival.max(now);
    let next = arrival + interval;
    let latest = now + interval * u64::from(limit);
    if next > latest {
        let verdict =
            Verdict { allowed: false, limit, remaining: 0, retry_after: next - latest, reset_after: arrival - now };
        return (verdict, arrival);
    }
    let remaining = u32::try_from((latest - next) / interval).unwrap_or(u32::MAX);
    (Verdict { allowed: true, limit, remaining, retry_after: 0, reset_after: next - now }, next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{WINDOW, decide};

    #[test]
    fn five_a_minute_lets_five_through_at_once_and_then_one_each_twelve_seconds() {
        let mut arrival = 0;
        for remaining in [4, 3, 2, 1, 0] {
            let (verdict, next) = decide(5, arrival, 1000);
            assert!(verdict.allowed);
            assert_eq!(verdict.remaining, remaining);
            arrival = next;
        }
        let (refused, unchanged) = decide(5, arrival, 1000);
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after, WINDOW / 5);
        assert_eq!(unchanged, arrival, "a refused request costs nothing");
        let (later, _) = decide(5, arrival, 1000 + WINDOW / 5);
        assert!(later.allowed);
    }

    #[test]
    fn an_idle_minute_makes_the_limit_whole_again() {
        let (mut arrival, mut verdict) = (0, None);
        for _ in 0..100 {
            let (last, next) = decide(100, arrival, 0);
            (arrival, verdict) = (next, Some(last));
        }
        assert_eq!(verdict.expect("a hundred verdicts").reset_after, WINDOW);
        assert_eq!(decide(100, arrival, WINDOW).0.remaining, 99);
    }

    #[test]
    fn a_limit_beyond_the_clock_lets_everything_through() {
        assert!(decide(u32::MAX, 0, 1000).0.allowed);
    }

    proptest! {
        #[test]
        fn never_more_than_twice_the_limit_in_any_window(limit in 1_u32..200, gaps in prop::collection::vec(0_u64..2_000_000, 1..600)) {
            let (mut now, mut arrival, mut passed) = (0, 0, Vec::new());
            for gap in gaps {
                now += gap;
                let (verdict, next) = decide(limit, arrival, now);
                arrival = next;
                if verdict.allowed {
                    passed.push(now);
                }
            }
            for start in &passed {
                let inside = passed.iter().filter(|it| (*start..start + WINDOW).contains(it)).count();
                prop_assert!(inside <= 2 * limit as usize);
            }
        }
    }
}
