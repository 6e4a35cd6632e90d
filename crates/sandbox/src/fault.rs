//! The ways in which providers fail, to order.

use serde::{Deserialize, Serialize};

/// What a provider is asked to do, or does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Checkout,
    Confirm,
    Cancel,
    Fetch,
    List,
    Webhook,
}

/// How it goes wrong. What begins with `then_` is done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Nothing is done, 503.
    Down,
    /// Done, and never answered.
    ThenHang,
    /// Done, and the connection breaks.
    ThenReset,
    /// Done, and answered with 500.
    ThenError,
    /// Done, and answered that the same call is still running; asked again it answers as it should.
    ThenInFlight,
    /// Done, and answered with an error that is repeated for the same idempotency key.
    ThenReplayedError,
    /// The bank refuses a charge or a cancel.
    Refuse,
    /// The bank refuses to cancel a part.
    RefusePartial,
    /// A cancel takes its time: `delay_ms`, or until `/control/cancels` says what became of it.
    Slow,
    /// A webhook comes three times.
    Duplicate,
    /// A webhook comes `delay_ms` late, a second otherwise, so that others overtake it.
    Late,
    /// A webhook never comes.
    Missing,
}

/// Something that may go wrong now.
pub(crate) struct Occasion<'a> {
    pub(crate) operation: Operation,
    pub(crate) order_id: Option<&'a str>,
    /// Whether a part is cancelled, not all.
    pub(crate) is_part: bool,
}

/// Something that will go wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) fault: Kind,
    /// Only when this is done; any otherwise.
    #[serde(default)]
    pub(crate) operation: Option<Operation>,
    /// Only of this order; any otherwise.
    #[serde(default)]
    pub(crate) order_id: Option<String>,
    /// How often.
    #[serde(default = "once")]
    pub(crate) count: u32,
    #[serde(default)]
    pub(crate) delay_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

impl Kind {
    /// What it can happen to.
    fn concerns(self, occasion: &Occasion<'_>) -> bool {
        let (cancel, webhook) = (occasion.operation == Operation::Cancel, occasion.operation == Operation::Webhook);
        match self {
            Self::Down | Self::ThenHang | Self::ThenReset | Self::ThenError => !webhook,
            Self::ThenInFlight | Self::ThenReplayedError | Self::Refuse => {
                cancel || occasion.operation == Operation::Confirm
            }
            Self::RefusePartial => cancel && occasion.is_part,
            Self::Slow => cancel,
            Self::Duplicate | Self::Late | Self::Missing => webhook,
        }
    }
}

/// What is yet to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn all(&self) -> &[Fault] {
        &self.0
    }

    /// What goes wrong now, if anything, counted down.
    pub(crate) fn take(&mut self, occasion: &Occasion<'_>) -> Option<Fault> {
        let applies = |fault: &Fault| {
            fault.fault.concerns(occasion)
                && fault.operation.is_none_or(|only| only == occasion.operation)
                && fault.order_id.as_deref().is_none_or(|only| Some(only) == occasion.order_id)
        };
        let index = self.0.iter().position(applies)?;
        let fault = &mut self.0[index];
        fault.count = fault.count.saturating_sub(1);
        if fault.count == 0 { Some(self.0.remove(index)) } else { Some(fault.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_to_what_it_names_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(Fault {
            fault: Kind::ThenHang,
            operation: Some(Operation::Confirm),
            order_id: Some("order-1".to_owned()),
            count: 2,
            delay_ms: None,
        });
        let mut take = |operation, order_id| {
            faults.take(&Occasion { operation, order_id: Some(order_id), is_part: false }).is_some()
        };
        assert!(!take(Operation::Cancel, "order-1"));
        assert!(!take(Operation::Confirm, "order-2"));
        assert!(take(Operation::Confirm, "order-1"));
        assert!(take(Operation::Confirm, "order-1"));
        assert!(!take(Operation::Confirm, "order-1"));
    }
}
