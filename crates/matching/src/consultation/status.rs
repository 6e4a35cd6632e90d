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

/// All moves there are; what is not here is refused.
const MOVES: [(Status, Status); 11] = [
    // paid, with its time or without
    (Status::PendingPayment, Status::Scheduled),
    (Status::PendingPayment, Status::Unscheduled),
    (Status::PendingPayment, Status::Cancelled),
    (Status::Unscheduled, Status::Scheduled),
    (Status::Unscheduled, Status::Cancelled),
    // moved
    (Status::Scheduled, Status::Scheduled),
    // cancelled, and the credit kept
    (Status::Scheduled, Status::Unscheduled),
    (Status::Scheduled, Status::Cancelled),
    (Status::Scheduled, Status::InProgress),
    (Status::Scheduled, Status::NoShow),
    (Status::InProgress, Status::Completed),
];

impl Status {
    /// The next status, or `INVALID_STATE` naming this one.
    pub(crate) fn to(self, next: Self) -> Result<Self> {
        if MOVES.contains(&(self, next)) { Ok(next) } else { Err(Error::invalid_state(self.as_str())) }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Unscheduled => "unscheduled",
            Self::Scheduled => "scheduled",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
        }
    }

    pub(crate) fn parse(status: ConsultationStatus) -> Option<Self> {
        Some(match status {
            ConsultationStatus::Unspecified => return None,
            ConsultationStatus::PendingPayment => Self::PendingPayment,
            ConsultationStatus::Unscheduled => Self::Unscheduled,
            ConsultationStatus::Scheduled => Self::Scheduled,
            ConsultationStatus::InProgress => Self::InProgress,
            ConsultationStatus::Completed => Self::Completed,
            ConsultationStatus::Cancelled => Self::Cancelled,
            ConsultationStatus::NoShow => Self::NoShow,
        })
    }
}

impl From<Status> for ConsultationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::PendingPayment => Self::PendingPayment,
            Status::Unscheduled => Self::Unscheduled,
            Status::Scheduled => Self::Scheduled,
            Status::InProgress => Self::InProgress,
            Status::Completed => Self::Completed,
            Status::Cancelled => Self::Cancelled,
            Status::NoShow => Self::NoShow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{Cancelled, Completed, InProgress, NoShow, PendingPayment, Scheduled, Unscheduled};
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
