//! One of each event that notification takes, about the same people and things.

use aipoten_notification::consumers as on;
use aipoten_proto::timestamp;
use aipoten_proto::{
    billing::v1 as billing, content::v1 as content, identity::v1 as identity, matching::v1 as matching,
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::world::{World, delivered, now};

/// Who and what the events are about.
#[derive(Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) parent: Uuid,
    pub(crate) therapist: Uuid,
    pub(crate) child: Uuid,
    pub(crate) request: Uuid,
    pub(crate) package: Uuid,
    pub(crate) session: Uuid,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let [parent, therapist, child, request, package, session] = std::array::from_fn(|_| Uuid::now_v7());
        Self { parent, therapist, child, request, package, session }
    }

    pub(crate) fn scheduled(&self, starts_at: DateTime<Utc>) -> matching::ConsultationScheduled {
        matching::ConsultationScheduled {
            consultation_id: self.session.to_string(),
            package_id: self.package.to_string(),
            therapist_id: self.therapist.to_string(),
            parent_user_id: self.parent.to_string(),
            session_number: 1,
            starts_at: Some(timestamp(starts_at)),
            ends_at: Some(timestamp(starts_at + TimeDelta::minutes(50))),
        }
    }

    pub(crate) fn rescheduled(&self, starts_at: DateTime<Utc>) -> matching::ConsultationRescheduled {
        matching::ConsultationRescheduled {
            consultation_id: self.session.to_string(),
            package_id: self.package.to_string(),
            therapist_id: self.therapist.to_string(),
            parent_user_id: self.parent.to_string(),
            session_number: 1,
            starts_at: Some(timestamp(starts_at)),
            ends_at: Some(timestamp(starts_at + TimeDelta::minutes(50))),
            original_start: Some(timestamp(starts_at - TimeDelta::days(9))),
        }
    }

    /// By the parent, with all of its price paid back.
    pub(crate) fn cancelled(&self) -> matching::ConsultationCancelled {
        matching::ConsultationCancelled {
            consultation_id: self.session.to_string(),
            package_id: self.package.to_string(),
            therapist_id: self.therapist.to_string(),
            parent_user_id: self.parent.to_string(),
            session_number: 1,
            cancelled_by: "parent".to_owned(),
            refund_policy: "full".to_owned(),
            refund_amount: 80_000,
            session_fee: 80_000,
            cancelled_at: Some(timestamp(now())),
            settled_amount: 0,
            cancellation_fee: 0,
        }
    }
}

/// Applies the event of this name and fields, twice.
macro_rules! take {
    ($world:expr, $handler:ident, $of:expr, $domain:ident::$event:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        $world.take(on::$handler, &delivered($of, 1, $domain::$event { $($field: take!(@ $field $(, $value)?),)* })).await
    };
    (@ $field:ident, $value:expr) => { $value };
    (@ $field:ident) => { $field.clone() };
}

/// Takes every event of identity and content about accounts and checks that live on.
pub(crate) async fn of_people(world: &World, cast: &Cast) {
    let (user_id, child_id) = (cast.parent.to_string(), cast.child.to_string());
    let role = "parent".to_owned();
    take!(world, user_registered, cast.parent, identity::UserRegistered { user_id, role });
    take!(world, email_verification_requested, cast.parent, identity::EmailVerificationRequested { user_id });
    take!(world, password_reset_requested, cast.parent, identity::PasswordResetRequested { user_id });
    take!(world, email_change_requested, cast.parent, identity::EmailChangeRequested { user_id });
    let kind = "new_device".to_owned();
    take!(world, security_alerted, cast.parent, identity::SecurityAlerted { user_id, kind });
    let due_at = Some(timestamp(now() + TimeDelta::days(7)));
    take!(world, erasure_requested, cast.parent, identity::ErasureRequested { user_id, due_at });
    let assessment_id = Uuid::now_v7().to_string();
    let completed_at = Some(timestamp(now()));
    take!(
        world,
        assessment_completed,
        cast.child,
        content::AssessmentCompleted { assessment_id, child_id, user_id, completed_at }
    );
    let video_id = Uuid::now_v7().to_string();
    // A handler that counts relies on the inbox: once.
    let video = delivered(Uuid::now_v7(), 1, content::VideoPublished { video_id });
    world.apply(&on::video_published, &video).await.expect("applied");
}

/// Takes every event of matching about a therapist, a request and a package.
pub(crate) async fn of_care(world: &World, cast: &Cast) {
    let (therapist_id, parent_user_id) = (cast.therapist.to_string(), cast.parent.to_string());
    let (request_id, package_id) = (cast.request.to_string(), cast.package.to_string());
    let parent_user_ids = vec![parent_user_id.clone()];
    take!(world, therapist_applied, cast.therapist, matching::TherapistApplied { therapist_id });
    take!(world, therapist_approved, cast.therapist, matching::TherapistApproved { therapist_id });
    take!(world, therapist_rejected, cast.therapist, matching::TherapistRejected { therapist_id });
    take!(world, therapist_suspended, cast.therapist, matching::TherapistSuspended { therapist_id, parent_user_ids });
    let expires_on = "2026-12-01".to_owned();
    take!(world, licence_expiring, cast.therapist, matching::LicenceExpiring { therapist_id, expires_on });
    take!(world, request_created, cast.request, matching::RequestCreated { request_id, therapist_id, parent_user_id });
    take!(
        world,
        request_approved,
        cast.request,
        matching::RequestApproved { request_id, therapist_id, parent_user_id, package_id }
    );
    take!(
        world,
        request_rejected,
        cast.request,
        matching::RequestRejected { request_id, therapist_id, parent_user_id }
    );
    take!(
        world,
        request_cancelled,
        cast.request,
        matching::RequestCancelled { request_id, therapist_id, parent_user_id }
    );
    take!(world, request_expired, cast.request, matching::RequestExpired { request_id, therapist_id, parent_user_id });
    let hold_expires_at = Some(timestamp(now() + TimeDelta::minutes(30)));
    take!(
        world,
        package_awaiting_payment,
        cast.package,
        matching::PackageAwaitingPayment {
            package_id,
            therapist_id,
            parent_user_id,
            discounted_price: 288_000,
            hold_expires_at,
        }
    );
    take!(world, package_expired, cast.package, matching::PackageExpired { package_id, therapist_id, parent_user_id });
    let cancelled_by = "parent".to_owned();
    take!(
        world,
        package_cancelled,
        cast.package,
        matching::PackageCancelled { package_id, therapist_id, parent_user_id, cancelled_by, refund_amount: 80_000 }
    );
    take!(
        world,
        package_completed,
        cast.package,
        matching::PackageCompleted { package_id, therapist_id, parent_user_id }
    );
}

/// Takes every event of matching about a session, which is in two days, then moved by a day.
#[expect(clippy::too_many_lines, reason = "a list of events with their fields")]
pub(crate) async fn of_session(world: &World, cast: &Cast) {
    let (consultation_id, package_id) = (cast.session.to_string(), cast.package.to_string());
    let (therapist_id, parent_user_id, child_id) =
        (cast.therapist.to_string(), cast.parent.to_string(), cast.child.to_string());
    let starts_at = now() + TimeDelta::days(2);
    world.take(on::consultation_scheduled, &delivered(cast.session, 2, cast.scheduled(starts_at))).await;
    let moved = cast.rescheduled(starts_at + TimeDelta::days(1));
    world.take(on::consultation_rescheduled, &delivered(cast.session, 3, moved)).await;
    let session_number = 1;
    let unscheduled = matching::ConsultationUnscheduled {
        consultation_id: consultation_id.clone(),
        package_id: package_id.clone(),
        therapist_id: therapist_id.clone(),
        parent_user_id: parent_user_id.clone(),
        session_number,
    };
    world.take(on::consultation_unscheduled, &delivered(cast.session, 4, unscheduled)).await;
    take!(
        world,
        consultation_started,
        cast.session,
        matching::ConsultationStarted { consultation_id, package_id, therapist_id, parent_user_id, session_number }
    );
    let (session_fee, platform_fee, occurred_at) = (80_000, 8_000, Some(timestamp(now())));
    take!(
        world,
        consultation_completed,
        cast.session,
        matching::ConsultationCompleted {
            consultation_id,
            package_id,
            therapist_id,
            parent_user_id,
            session_number,
            session_fee,
            platform_fee,
            occurred_at,
        }
    );
    take!(
        world,
        consultation_no_show,
        cast.session,
        matching::ConsultationNoShow {
            consultation_id,
            package_id,
            therapist_id,
            parent_user_id,
            session_number,
            session_fee,
            platform_fee,
            occurred_at,
        }
    );
    take!(
        world,
        consultation_disputed,
        cast.session,
        matching::ConsultationDisputed {
            consultation_id,
            package_id,
            therapist_id,
            parent_user_id,
            session_number,
            occurred_at,
        }
    );
    world.take(on::consultation_cancelled, &delivered(cast.session, 5, cast.cancelled())).await;
    take!(
        world,
        report_submitted,
        cast.session,
        matching::ReportSubmitted {
            consultation_id,
            package_id,
            therapist_id,
            parent_user_id,
            child_id,
            submitted_at: Some(timestamp(now())),
            recommended_video_ids: Vec::new(),
        }
    );
    let schedule_change_id = Uuid::now_v7().to_string();
    let (requester_user_id, status) = (parent_user_id.clone(), "approved".to_owned());
    take!(
        world,
        schedule_change_requested,
        cast.session,
        matching::ScheduleChangeRequested {
            schedule_change_id,
            consultation_id,
            therapist_id,
            parent_user_id,
            requester_user_id,
        }
    );
    take!(
        world,
        schedule_change_resolved,
        cast.session,
        matching::ScheduleChangeResolved {
            schedule_change_id,
            consultation_id,
            therapist_id,
            parent_user_id,
            requester_user_id,
            status,
        }
    );
    let review_id = Uuid::now_v7().to_string();
    take!(world, review_posted, cast.session, matching::ReviewPosted { review_id, consultation_id, therapist_id });
}

/// Takes every event of billing.
pub(crate) async fn of_money(world: &World, cast: &Cast) {
    let (user_id, therapist_id, package_id) =
        (cast.parent.to_string(), cast.therapist.to_string(), cast.package.to_string());
    let [payment_id, refund_id, settlement_id] = std::array::from_fn(|_| Uuid::now_v7().to_string());
    let amount = 288_000;
    take!(
        world,
        payment_completed,
        cast.package,
        billing::PaymentCompleted { payment_id, package_id, amount, user_id }
    );
    take!(world, payment_failed, cast.package, billing::PaymentFailed { payment_id, package_id, user_id });
    take!(world, payment_expired, cast.package, billing::PaymentExpired { payment_id, package_id, user_id });
    take!(world, payment_reversed, cast.package, billing::PaymentReversed { payment_id, package_id, user_id });
    take!(
        world,
        refund_completed,
        cast.package,
        billing::RefundCompleted {
            refund_id,
            payment_id,
            package_id,
            user_id,
            consultation_id: String::new(),
            refund_amount: 80_000,
        }
    );
    take!(
        world,
        refund_failed,
        cast.package,
        billing::RefundFailed { refund_id, payment_id, package_id, user_id, refund_amount: 80_000 }
    );
    take!(world, settlement_confirmed, cast.therapist, billing::SettlementConfirmed { settlement_id, therapist_id });
    take!(world, settlement_paid, cast.therapist, billing::SettlementPaid { settlement_id, therapist_id });
}
