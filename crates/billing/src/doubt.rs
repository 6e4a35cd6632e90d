//! A provider that does not say what became of something is asked again, later each time, and at last a person is told.

use std::time::Duration;

const PAUSES: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
];

/// How long it is not asked, after so many answers before this one that told nothing.
pub(crate) fn pause(before: usize) -> Duration {
    PAUSES[before.min(PAUSES.len() - 1)]
}

/// Whether a person has to look: it is asked on, each hour.
pub(crate) fn lasts(before: usize) -> bool {
    before >= PAUSES.len()
}
