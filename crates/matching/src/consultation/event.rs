//! What is told to others about sessions.

use aipoten_proto::matching::v1 as proto;
use aipoten_proto::timestamp;
use chrono::{DateTime, Utc};

use super::Consultation;
use crate::refund::{CancelledBy, Refund};

/// The fields that every event about a session begins with.
macro_rules! about {
    ($event:ident, $consultation:expr $(, $field:ident: $value:expr)* $(,)?) => {
        proto::$event {
            consultation_id: $consultation.id.to_string(),
            package_id: $consultation.package_id.to_string(),
            therapist_id: $consultation.therapist_id.to_string(),
            parent_user_id: $consultation.parent_user_id.to_string(),
            session_number: $consultation.session_number.into(),
            $($field: $value,)*
        }
    };
}

impl Consultation {
    pub(super) fn scheduled(&self, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> proto::ConsultationScheduled {
        about!(ConsultationScheduled, self, starts_at: Some(timestamp(starts_at)), ends_at: Some(timestamp(ends_at)))
    }

    pub(super) fn rescheduled(
        &self,
        starts_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
    ) -> proto::ConsultationRescheduled {
        about!(ConsultationRescheduled, self, starts_at: Some(timestamp(starts_at)), ends_at: Some(timestamp(ends_at)),
            original_start: self.scheduled_at.map(timestamp))
    }

    pub(super) fn unscheduled(&self) -> proto::ConsultationUnscheduled {
        about!(ConsultationUnscheduled, self)
    }

    pub(super) fn started(&self) -> proto::ConsultationStarted {
        about!(ConsultationStarted, self)
    }

    pub(super) fn completed(&self, at: DateTime<Utc>) -> proto::ConsultationCompleted {
        about!(ConsultationCompleted, self, session_fee: self.session_fee.0, platform_fee: self.platform_fee.0,
            occurred_at: Some(timestamp(at)))
    }

    pub(super) fn missed(&self, at: DateTime<Utc>) -> proto::ConsultationNoShow {
        about!(ConsultationNoShow, self, session_fee: self.session_fee.0, platform_fee: self.platform_fee.0,
            occurred_at: Some(timestamp(at)))
    }

    pub(super) fn disputed(&self, at: DateTime<Utc>) -> proto::ConsultationDisputed {
        about!(ConsultationDisputed, self, occurred_at: Some(timestamp(at)))
    }

    pub(super) fn cancelled(&self, by: CancelledBy, refund: Refund, at: DateTime<Utc>) -> proto::ConsultationCancelled {
        about!(ConsultationCancelled, self, cancelled_by: by.as_str().to_owned(),
            refund_policy: refund.share.as_str().to_owned(), refund_amount: refund.amount.0,
            session_fee: self.session_fee.0, cancelled_at: Some(timestamp(at)), settled_amount: refund.earned.0,
            cancellation_fee: refund.penalty.0)
    }
}
