//! Events of matching about sessions. Reminders follow the newest version of a session, whatever order events come in; news of a time
//! that is overtaken is not told any more.

use aipoten_events::{Delivered, Failure};
use aipoten_proto::matching::v1::{
    ConsultationCancelled, ConsultationCompleted, ConsultationDisputed, ConsultationNoShow, ConsultationRescheduled,
    ConsultationScheduled, ConsultationStarted, ConsultationUnscheduled, ReportSubmitted, ReviewPosted,
    ScheduleChangeRequested, ScheduleChangeResolved,
};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{News, moment, parse, variables};
use crate::clock;
use crate::schedule::audience;
use crate::schedule::session::{Session, begins, ends};

/// What a package's end says of each of its sessions.
const OF_PACKAGE: &str = "package_end";

/// Both know. Several sessions that got their times in one act are told at once.
pub async fn consultation_scheduled(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationScheduled>,
) -> Result<(), Failure> {
    let it = &event.event;
    let starts_at = moment(it.starts_at)?;
    let people = [parse(&it.parent_user_id)?, parse(&it.therapist_id)?];
    let session = Session { id: parse(&it.consultation_id)?, seq: event.aggregate_seq, people };
    if !begins(conn, session, starts_at).await? {
        return Ok(());
    }
    let package = [("package_id", json!(it.package_id))];
    News::new("consultation_scheduled", of_one_act(&it.package_id, event.time), &package)
        .urgent_if(is_today(starts_at))
        .tell(conn, &[&it.parent_user_id, &it.therapist_id], &event.context)
        .await
}

/// Both know the new time.
pub async fn consultation_rescheduled(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationRescheduled>,
) -> Result<(), Failure> {
    let it = &event.event;
    let starts_at = moment(it.starts_at)?;
    let people = [parse(&it.parent_user_id)?, parse(&it.therapist_id)?];
    let session = Session { id: parse(&it.consultation_id)?, seq: event.aggregate_seq, people };
    if !begins(conn, session, starts_at).await? {
        return Ok(());
    }
    let original = it.original_start.map(|original| moment(Some(original))).transpose()?;
    let variables = [("consultation_id", json!(it.consultation_id)), ("starts_at", json!(starts_at))];
    News::new("consultation_rescheduled", event.id, &variables)
        .urgent_if(is_today(starts_at) || original.is_some_and(is_today))
        .tell(conn, &[&it.parent_user_id, &it.therapist_id], &event.context)
        .await
}

/// The parent picks another time. Several sessions of one act are told at once.
pub async fn consultation_unscheduled(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationUnscheduled>,
) -> Result<(), Failure> {
    let it = &event.event;
    if !ends(conn, parse(&it.consultation_id)?, event.aggregate_seq).await? {
        return Ok(());
    }
    let package = [("package_id", json!(it.package_id))];
    News::new("consultation_unscheduled", of_one_act(&it.package_id, event.time), &package)
        .tell(conn, &[&it.parent_user_id], &event.context)
        .await
}

/// The parent joins.
pub async fn consultation_started(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationStarted>,
) -> Result<(), Failure> {
    let it = &event.event;
    ends(conn, parse(&it.consultation_id)?, event.aggregate_seq).await?;
    let session = [("consultation_id", json!(it.consultation_id))];
    News::new("consultation_started", &it.consultation_id, &session)
        .tell(conn, &[&it.parent_user_id], &event.context)
        .await
}

/// The parent reviews it, the therapist writes the report.
pub async fn consultation_completed(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationCompleted>,
) -> Result<(), Failure> {
    let it = &event.event;
    ends(conn, parse(&it.consultation_id)?, event.aggregate_seq).await?;
    let session = [("consultation_id", json!(it.consultation_id))];
    let completed = News::new("consultation_completed", &it.consultation_id, &session);
    completed.tell(conn, &[&it.parent_user_id], &event.context).await?;
    News::new("report_due", &it.consultation_id, &session).tell(conn, &[&it.therapist_id], &event.context).await
}

/// The parent may disagree.
pub async fn consultation_no_show(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationNoShow>,
) -> Result<(), Failure> {
    let it = &event.event;
    ends(conn, parse(&it.consultation_id)?, event.aggregate_seq).await?;
    let session = [("consultation_id", json!(it.consultation_id))];
    News::new("consultation_no_show", &it.consultation_id, &session)
        .tell(conn, &[&it.parent_user_id], &event.context)
        .await
}

/// The therapist knows, and administrators decide.
pub async fn consultation_disputed(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationDisputed>,
) -> Result<(), Failure> {
    let it = &event.event;
    let session = [("consultation_id", json!(it.consultation_id))];
    let disputed = News::new("consultation_disputed", &it.consultation_id, &session);
    disputed.tell(conn, &[&it.therapist_id], &event.context).await?;
    Ok(audience::tell_admins(conn, "dispute_opened", event.id, variables(&session)).await?)
}

/// Both know, unless the end of the package tells them, or the session was never paid: then the package's own end tells them.
pub async fn consultation_cancelled(
    conn: &mut PgConnection,
    event: &Delivered<ConsultationCancelled>,
) -> Result<(), Failure> {
    let it = &event.event;
    ends(conn, parse(&it.consultation_id)?, event.aggregate_seq).await?;
    let unpaid = it.refund_amount + it.settled_amount + it.cancellation_fee == 0;
    if unpaid || it.refund_policy == OF_PACKAGE {
        return Ok(());
    }
    let session = [("consultation_id", json!(it.consultation_id)), ("cancelled_by", json!(it.cancelled_by))];
    News::new("consultation_cancelled", &it.consultation_id, &session)
        .tell(conn, &[&it.parent_user_id, &it.therapist_id], &event.context)
        .await
}

/// The parent reads it. One that is amended is not told again.
pub async fn report_submitted(conn: &mut PgConnection, event: &Delivered<ReportSubmitted>) -> Result<(), Failure> {
    let it = &event.event;
    let session = [("consultation_id", json!(it.consultation_id))];
    News::new("report_submitted", &it.consultation_id, &session).tell(conn, &[&it.parent_user_id], &event.context).await
}

/// The other side answers.
pub async fn schedule_change_requested(
    conn: &mut PgConnection,
    event: &Delivered<ScheduleChangeRequested>,
) -> Result<(), Failure> {
    let it = &event.event;
    let wish = [("consultation_id", json!(it.consultation_id)), ("schedule_change_id", json!(it.schedule_change_id))];
    let other = if it.requester_user_id == it.therapist_id { &it.parent_user_id } else { &it.therapist_id };
    News::new("schedule_change_requested", &it.schedule_change_id, &wish).tell(conn, &[other], &event.context).await
}

/// Who asked knows the answer; of a wish that was taken back, who was asked.
pub async fn schedule_change_resolved(
    conn: &mut PgConnection,
    event: &Delivered<ScheduleChangeResolved>,
) -> Result<(), Failure> {
    let it = &event.event;
    let wish = [
        ("consultation_id", json!(it.consultation_id)),
        ("schedule_change_id", json!(it.schedule_change_id)),
        ("status", json!(it.status)),
    ];
    let other = if it.requester_user_id == it.therapist_id { &it.parent_user_id } else { &it.therapist_id };
    let person = if it.status == "cancelled" { other } else { &it.requester_user_id };
    News::new("schedule_change_resolved", &it.schedule_change_id, &wish).tell(conn, &[person], &event.context).await
}

/// The therapist replies.
pub async fn review_posted(conn: &mut PgConnection, event: &Delivered<ReviewPosted>) -> Result<(), Failure> {
    let it = &event.event;
    let review = [("consultation_id", json!(it.consultation_id)), ("review_id", json!(it.review_id))];
    News::new("review_posted", &it.review_id, &review).tell(conn, &[&it.therapist_id], &event.context).await
}

/// Events that one transaction published carry the same time.
fn of_one_act(package_id: &str, time: DateTime<Utc>) -> String {
    format!("{package_id}:{}", time.timestamp_micros())
}

fn is_today(moment: DateTime<Utc>) -> bool {
    clock::day_of(moment) == clock::today()
}
