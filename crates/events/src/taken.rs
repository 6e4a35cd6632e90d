//! Metrics of events that were taken in.

use aipoten_kit::telemetry::count;
use chrono::Utc;
use metrics::{Counter, counter, histogram};

use crate::envelope::Envelope;

/// What became of an event that the broker delivered, or that was tried again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    Applied,
    /// Its effect was there already.
    Repeated,
    Failed,
}

/// All that there will be, at zero.
pub(crate) fn prepare<'a>(service: &'static str, event_types: impl Iterator<Item = &'a str>) {
    for event_type in event_types {
        for taken in [Taken::Applied, Taken::Repeated, Taken::Failed] {
            counter_of(service, event_type, taken).increment(0);
        }
    }
}

/// Counts one; once its transaction is committed, if it has one.
pub(crate) fn note(service: &'static str, envelope: &Envelope, taken: Taken) {
    count(counter_of(service, &envelope.event_type, taken), 1);
    if let (Taken::Applied, Ok(delay)) = (taken, (Utc::now() - envelope.time).to_std()) {
        histogram!("aipoten_event_delay_seconds", "service" => service).record(delay);
    }
}

fn counter_of(service: &'static str, event_type: &str, taken: Taken) -> Counter {
    let result = match taken {
        Taken::Applied => "applied",
        Taken::Repeated => "repeated",
        Taken::Failed => "failed",
    };
    counter!("aipoten_events_taken_total", "service" => service, "type" => event_type.to_owned(), "result" => result)
}
