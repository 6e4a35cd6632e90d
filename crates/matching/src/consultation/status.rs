//! Where a session stands, and where it may go from there.

use aipoten_kit::{Error, Result};
use aipoten_proto::matching::v1::ConsultationStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    PendingPayment,
    Unscheduled,
    Scheduled,
    InProgress,
    Completed,
    Cancelled,
    NoShow,
}

use Status::{Cancelled, Completed, InProgress, NoShow, PendingPayment, Scheduled, Unscheduled};

/// All moves there are; what is not here is refused.
const MOVES: [(Status, Status); 11] = [
    // paid, with its time or without
    (PendingPayment, Scheduled),
    (PendingPayment, Unscheduled),
    (PendingPayment, Cancelled),
    (Unscheduled, Scheduled),
    (Unscheduled, Cancelled),
    // moved
    (Scheduled, Scheduled),
    // cancelled, and the credit kept
    (Scheduled, Unscheduled),
    (Scheduled, Cancelled),
    (Scheduled, InProgress),
    (Scheduled, NoShow),
    (InProgress, Completed),
];

impl Status {
    /// The next status, or `INVALID_STATE` naming this one.
    pub(crate) fn to(self, next: Self) -> Result<Self> {
        if MOVES.contains(&(self, next)) { Ok(next) } else { Err(Error::invalid_state(self.as_str())) }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            PendingPayment => "pending_payment",
            Unscheduled => "unscheduled",
            Scheduled => "scheduled",
            InProgress => "in_progress",
            Completed => "completed",
            Cancelled => "cancelled",
            NoShow => "no_show",
        }
    }

    pub(crate) fn parse(status: ConsultationStatus) -> Option<Self> {
        Some(match status {
            ConsultationStatus::Unspecified => return None,
            ConsultationStatus::PendingPayment => PendingPayment,
            ConsultationStatus::Unscheduled => Unscheduled,
            ConsultationStatus::Scheduled => Scheduled,
            ConsultationStatus::InProgress => InProgress,
            ConsultationStatus::Completed => Completed,
            ConsultationStatus::Cancelled => Cancelled,
            ConsultationStatus::NoShow => NoShow,
        })
    }
}

impl From<Status> for ConsultationStatus {
    fn from(status: Status) -> Self {
        match status {
            PendingPayment => Self::PendingPayment,
            Unscheduled => Self::Unscheduled,
            Scheduled => Self::Scheduled,
            InProgress => Self::InProgress,
            Completed => Self::Completed,
            Cancelled => Self::Cancelled,
            NoShow => Self::NoShow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Status; 7] = [PendingPayment, Unscheduled, Scheduled, InProgress, Completed, Cancelled, NoShow];

    #[test]
    fn what_is_over_stays_as_it_is() {
        for end in [Completed, Cancelled, NoShow] {
            assert!(ALL.into_iter().all(|next| end.to(next).is_err()), "{end:?}");
        }
    }

    #[test]
    fn every_session_is_paid_before_it_begins_and_begins_before_it_ends() {
        // Walks every path of moves: whatever leads to Completed has to come through Scheduled and InProgress.
        fn walk(path: &mut Vec<Status>) {
            let here = *path.last().expect("a path begins somewhere");
            if here == Completed {
                assert!(path.ends_with(&[Scheduled, InProgress, Completed]), "{path:?}");
            }
            for next in ALL.into_iter().filter(|next| here.to(*next).is_ok()) {
                if !path.contains(&next) {
                    path.push(next);
                    walk(path);
                    path.pop();
                }
            }
        }
        walk(&mut vec![PendingPayment]);
    }

    #[test]
    fn a_refused_move_names_the_state_it_is_in() {
        let refusal = Completed.to(Cancelled).expect_err("it was held").to_string();
        assert_eq!(refusal, "failed precondition: INVALID_STATE state=completed");
    }
}
