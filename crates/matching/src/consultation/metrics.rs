//! Metrics of sessions.

use aipoten_kit::telemetry::count;
use metrics::{Counter, counter};

use super::Status;

/// Those that are counted: before them a session has no time, or is not paid.
const COUNTED: [Status; 5] =
    [Status::Scheduled, Status::InProgress, Status::Completed, Status::Cancelled, Status::NoShow];

/// At zero.
pub(crate) fn prepare() {
    for status in COUNTED {
        consultations(status).increment(0);
    }
}

/// A session has come to this status.
pub(super) fn came_to(status: Status) {
    count(consultations(status), 1);
}

fn consultations(status: Status) -> Counter {
    counter!("aipoten_consultations_total", "status" => status.as_str())
}
