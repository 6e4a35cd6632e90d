//! What billing does with the events of others.

use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_kit::Won;
use aipoten_proto::Timestamp;
use aipoten_proto::identity::v1::{ErasureBegun, UserDeleted};
use aipoten_proto::matching::v1::{
    ConsultationCancelled, ConsultationCompleted, ConsultationDisputed, ConsultationNoShow, PackageCancelled,
    PackageExpired, PackagePaymentRefused, ReportSubmitted,
};
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::refund::{self, Cancelled, Policy, Reason};
use crate::session::{self, Outcome, Past};
use crate::{bank_account, erasure, order, payment};

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("billing")
        .on::<ConsultationCompleted>(consultation_completed)
        .on::<ConsultationNoShow>(consultation_no_show)
        .on::<ReportSubmitted>(report_submitted)
        .on::<ConsultationDisputed>(consultation_disputed)
        .on::<ConsultationCancelled>(consultation_cancelled)
        .on::<PackagePaymentRefused>(package_payment_refused)
        .on::<PackageExpired>(package_expired)
        .on::<PackageCancelled>(package_cancelled)
        .on::<ErasureBegun>(erasure_begun)
        .on::<UserDeleted>(user_deleted)
}

/// The session was held.
pub async fn consultation_completed(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationCompleted>,
) -> Result<(), Failure> {
    let told = &event.event;
    let past = Past {
        consultation_id: parse(&told.consultation_id)?,
        outcome: Outcome::Completed,
        session_fee: Won(told.session_fee),
        platform_fee: Won(told.platform_fee),
        occurred_at: moment(told.occurred_at)?,
    };
    session::passed(conn, &past).await
}

/// The family did not come.
pub async fn consultation_no_show(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationNoShow>,
) -> Result<(), Failure> {
    let told = &event.event;
    let past = Past {
        consultation_id: parse(&told.consultation_id)?,
        outcome: Outcome::NoShow,
        session_fee: Won(told.session_fee),
        platform_fee: Won(told.platform_fee),
        occurred_at: moment(told.occurred_at)?,
    };
    session::passed(conn, &past).await
}

/// The session may settle once it was held.
pub async fn report_submitted(conn: &mut PgConnection, event: &Delivered<ReportSubmitted>) -> Result<(), Failure> {
    let told = &event.event;
    session::reported(conn, parse(&told.consultation_id)?, moment(told.submitted_at)?).await
}

/// The session does not settle before an administrator decides.
pub async fn consultation_disputed(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationDisputed>,
) -> Result<(), Failure> {
    let told = &event.event;
    let (package_id, consultation_id) = (parse(&told.package_id)?, parse(&told.consultation_id)?);
    refund::disputed(conn, event.id, package_id, consultation_id, moment(told.occurred_at)?).await
}

/// What matching decided goes back.
pub async fn consultation_cancelled(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationCancelled>,
) -> Result<(), Failure> {
    let told = &event.event;
    let cancelled = Cancelled {
        event_id: event.id,
        consultation_id: parse(&told.consultation_id)?,
        package_id: parse(&told.package_id)?,
        reason: reason(&told.cancelled_by)?,
        policy: policy(&told.refund_policy)?,
        refund: Won(told.refund_amount),
        settled: Won(told.settled_amount),
        penalty: Won(told.cancellation_fee),
        at: moment(told.cancelled_at)?,
    };
    refund::cancelled(conn, &cancelled).await
}

/// All of the payment goes back.
pub async fn package_payment_refused(
    conn: &mut PgConnection,
    event: &Delivered<PackagePaymentRefused>,
) -> Result<(), Failure> {
    refund::payment_refused(conn, event.id, parse(&event.event.payment_id)?, event.time).await
}

/// Identity waits until no money of the account is open.
pub async fn erasure_begun(conn: &mut PgConnection, event: &Delivered<ErasureBegun>) -> Result<(), Failure> {
    Ok(erasure::begin(conn, parse(&event.event.user_id)?).await?)
}

/// Payments stay; what names bank accounts goes.
pub async fn user_deleted(conn: &mut PgConnection, event: &Delivered<UserDeleted>) -> Result<(), Failure> {
    let user_id = parse(&event.event.user_id)?;
    bank_account::erase(conn, user_id).await?;
    Ok(refund::forget_user(conn, user_id).await?)
}

/// It was not paid in time, so it cannot be paid any more; what is charged all the same still counts.
pub async fn package_expired(conn: &mut PgConnection, event: &Delivered<PackageExpired>) -> Result<(), Failure> {
    end_unpaid(conn, parse(&event.event.package_id)?).await
}

/// As before, where it was not paid. What a paid one pays back is told session by session.
pub async fn package_cancelled(conn: &mut PgConnection, event: &Delivered<PackageCancelled>) -> Result<(), Failure> {
    end_unpaid(conn, parse(&event.event.package_id)?).await
}

async fn end_unpaid(conn: &mut PgConnection, package_id: Uuid) -> Result<(), Failure> {
    order::store::end_unpaid(conn, package_id).await?;
    Ok(payment::store::end_time(conn, package_id).await?)
}

fn parse(id: &str) -> Result<Uuid, Failure> {
    Ok(aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))?)
}

fn moment(time: Option<Timestamp>) -> Result<DateTime<Utc>, Failure> {
    let moment = time.and_then(|time| aipoten_proto::moment(time).ok());
    moment.ok_or_else(|| anyhow!("the event holds no time").into())
}

fn reason(cancelled_by: &str) -> Result<Reason, Failure> {
    match cancelled_by {
        "parent" => Ok(Reason::CustomerRequest),
        "therapist" => Ok(Reason::TherapistCancel),
        "platform" => Ok(Reason::Platform),
        other => Err(anyhow!("nobody knows who cancels as {other:?}").into()),
    }
}

fn policy(refund_policy: &str) -> Result<Policy, Failure> {
    match refund_policy {
        "full" => Ok(Policy::Full),
        "partial" => Ok(Policy::Partial),
        "none" => Ok(Policy::None),
        "package_end" => Ok(Policy::PackageEnd),
        other => Err(anyhow!("nobody knows the refund policy {other:?}").into()),
    }
}
