//! Metrics of refunds.

use aipoten_kit::Won;
use aipoten_kit::telemetry::count;
use metrics::{Counter, counter};

use super::Status;
use crate::provider::Name;

const STATUSES: [Status; 5] =
    [Status::Requested, Status::Processing, Status::Completed, Status::Failed, Status::Rejected];

/// All that there will be, at zero.
pub(crate) fn prepare() {
    for provider in Name::ALL {
        for status in STATUSES {
            refunds(provider, status).increment(0);
        }
        paid_back(provider).increment(0);
    }
}

/// A refund has come to this status.
pub(super) fn came_to(provider: Name, status: Status) {
    count(refunds(provider, status), 1);
}

/// The money of a refund has gone back.
pub(super) fn completed(provider: Name, amount: Won) {
    came_to(provider, Status::Completed);
    count(paid_back(provider), amount.0.unsigned_abs());
}

fn refunds(provider: Name, status: Status) -> Counter {
    counter!("aipoten_refunds_total", "provider" => provider.as_str(), "status" => status.as_str())
}

fn paid_back(provider: Name) -> Counter {
    counter!("aipoten_refunds_won_total", "provider" => provider.as_str())
}
