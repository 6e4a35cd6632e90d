//! What billing does with the events of others.

use aipoten_events::Consumers;

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("billing")
}
