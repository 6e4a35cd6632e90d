//! Metrics of requests.

use aipoten_kit::telemetry::count;
use metrics::{Counter, counter};

use super::Status;

/// At zero.
pub(crate) fn prepare() {
    for status in [Status::Pending, Status::Approved, Status::Rejected, Status::Cancelled, Status::Expired] {
        requests(status).increment(0);
    }
}

/// A request has come to this status.
pub(crate) fn came_to(status: Status) {
    count(requests(status), 1);
}

fn requests(status: Status) -> Counter {
    counter!("aipoten_matching_requests_total", "status" => status.as_str())
}
