//! The time of a session: set, moved, lost.

use aipoten_events::{Context, publish};
use aipoten_kit::{Caller, Error, Reason, Result};
use aipoten_proto::matching::v1 as proto;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Consultation, Status, lock, metrics, not_found, show, store};
use crate::App;
use crate::calendar;
use crate::calendar::booking::{self, Booking, Diary};
use crate::package::Package;
use crate::party::{Party, Side};
use aipoten_kit::Once;

/// Sets the time of a session that has none.
pub(crate) async fn schedule(
    app: &App,
    caller: &Caller,
    once: &Once<'_>,
    id: Uuid,
    starts_at: DateTime<Utc>,
) -> Result<proto::Consultation> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = once.answered(&mut tx, &app.cipher).await? {
        return Ok(answer);
    }
    let (package, consultation) = lock(&mut tx, party, id).await?;
    if consultation.status != Status::Unscheduled {
        return Err(Error::invalid_state(consultation.status.as_str()));
    }
    package.require_active()?;
    let diary = book(&mut tx, &package, party, &[Booking { consultation_id: id, starts_at }]).await?;
    set_time(&mut tx, &diary, &consultation, starts_at, &caller.into()).await?;
    let changed = store::find(&mut tx, id, party.user_id).await?.ok_or_else(not_found)?;
    let answer = show(&mut tx, app, caller, party, changed, "ScheduleConsultation").await?.into();
    once.keep(&mut tx, &app.cipher, &answer).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(answer)
}

/// Takes times for sessions of a package, under its lock. A parent takes offered slots; the therapist, whose time it is, any that
/// lies ahead and is free. Answers what they were taken in.
pub(crate) async fn book(
    conn: &mut PgConnection,
    package: &Package,
    party: Party,
    bookings: &[Booking],
) -> Result<Diary> {
    let diary = package.diary(conn).await?;
    booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
    let now = store::now(conn).await?;
    let mut refused = Vec::new();
    for booking in bookings {
        let free = match party.side {
            Side::Parent => calendar::is_free(conn, &diary, booking.starts_at).await?,
            Side::Therapist => booking.starts_at > now,
        };
        if !free || !booking::try_take(conn, &diary, *booking).await? {
            refused.push(booking.starts_at);
        }
    }
    match refused.first() {
        None => Ok(diary),
        Some(first) => Err(slot_taken(&refused, &calendar::alternatives(conn, &diary, *first).await?)),
    }
}

/// Moves a scheduled session, under the lock of its package.
pub(crate) async fn reschedule(
    conn: &mut PgConnection,
    package: &Package,
    consultation: &Consultation,
    starts_at: DateTime<Utc>,
    context: &Context,
) -> Result<()> {
    let status = consultation.status.to(Status::Scheduled)?;
    package.require_active()?;
    let diary = package.diary(conn).await?;
    booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
    booking::release(conn, &[consultation.id]).await?;
    let booking = Booking { consultation_id: consultation.id, starts_at };
    let ahead = starts_at > store::now(conn).await?;
    if !ahead || !booking::try_take(conn, &diary, booking).await? {
        return Err(slot_taken(&[starts_at], &calendar::alternatives(conn, &diary, starts_at).await?));
    }
    let ends_at = diary.ends_at(starts_at);
    let seq = store::set_time(conn, consultation.id, status, Some((starts_at, ends_at))).await?;
    publish(conn, consultation.aggregate(seq), &consultation.rescheduled(starts_at, ends_at), context).await?;
    Ok(())
}

/// A session has its time: written and told, after it was taken.
pub(crate) async fn set_time(
    conn: &mut PgConnection,
    diary: &Diary,
    consultation: &Consultation,
    starts_at: DateTime<Utc>,
    context: &Context,
) -> Result<()> {
    let ends_at = diary.ends_at(starts_at);
    let status = consultation.status.to(Status::Scheduled)?;
    let seq = store::set_time(conn, consultation.id, status, Some((starts_at, ends_at))).await?;
    publish(conn, consultation.aggregate(seq), &consultation.scheduled(starts_at, ends_at), context).await?;
    metrics::came_to(status);
    Ok(())
}

/// What a payment makes of a session: set, where its time was kept; else without a time, and told where it had one.
pub(crate) async fn settle_time(
    conn: &mut PgConnection,
    consultation: &Consultation,
    kept: bool,
    context: &Context,
) -> Result<()> {
    let time = consultation.scheduled_at.zip(consultation.ends_at);
    if let Some((starts_at, ends_at)) = time.filter(|_| kept) {
        let status = consultation.status.to(Status::Scheduled)?;
        let seq = store::set_time(conn, consultation.id, status, Some((starts_at, ends_at))).await?;
        publish(conn, consultation.aggregate(seq), &consultation.scheduled(starts_at, ends_at), context).await?;
        metrics::came_to(status);
        return Ok(());
    }
    let status = consultation.status.to(Status::Unscheduled)?;
    let seq = store::set_time(conn, consultation.id, status, None).await?;
    if time.is_some() {
        publish(conn, consultation.aggregate(seq), &consultation.unscheduled(), context).await?;
    }
    Ok(())
}

/// `SLOT_TAKEN`, naming the times that cannot be had and others that can.
pub(crate) fn slot_taken(taken: &[DateTime<Utc>], alternatives: &[DateTime<Utc>]) -> Error {
    let list = |times: &[DateTime<Utc>]| {
        let texts = times.iter().map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        texts.collect::<Vec<_>>().join(" ")
    };
    let reason = Reason::from("SLOT_TAKEN").with("taken", list(taken)).with("alternatives", list(alternatives));
    Error::AlreadyExists(reason)
}
