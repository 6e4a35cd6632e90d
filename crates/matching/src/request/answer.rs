//! The therapist's answer to a request.

use aipoten_events::publish;
use aipoten_kit::{Caller, Result, Role};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::timestamp;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MatchingRequest, Shown, Status, metrics, not_found, offer, read, store};
use crate::calendar;
use crate::calendar::booking::{self, Booking, Diary};
use crate::consultation::{self, Consultation};
use crate::package::{self, Package};
use crate::party::Party;
use crate::price::{Price, PricePolicy};
use crate::{App, price, refund};

/// Yes, with the begins of the first sessions in their order, or no.
pub(crate) enum Answer {
    Approve { session_times: Vec<DateTime<Utc>>, reason: Option<String> },
    Reject { reason: String },
}

pub(crate) async fn answer(
    app: &App,
    caller: &Caller,
    id: Uuid,
    answer: Answer,
    expected_version: Option<i64>,
) -> Result<Shown> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    let request = store::lock(&mut tx, id, therapist.id).await?.ok_or_else(not_found)?;
    aipoten_kit::Error::unless_version(expected_version, request.version)?;
    request.require_pending()?;
    match answer {
        Answer::Approve { session_times, reason } => {
            approve(&mut tx, app, caller, &request, &session_times, reason.as_deref()).await?;
        }
        Answer::Reject { reason } => reject(&mut tx, caller, &request, &reason).await?,
    }
    let request = store::find(&mut tx, id, therapist.id).await?.ok_or_else(not_found)?;
    let shown = read(&mut tx, app, caller, Party::of(caller)?, request, "UpdateMatchingRequest").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

async fn reject(conn: &mut PgConnection, caller: &Caller, request: &MatchingRequest, reason: &str) -> Result<()> {
    let seq = store::close(conn, request.id, Status::Rejected, Some(reason)).await?;
    let event = proto::RequestRejected {
        request_id: request.id.to_string(),
        therapist_id: request.therapist_id.to_string(),
        parent_user_id: request.parent_user_id.to_string(),
    };
    publish(conn, request.aggregate(seq), &event, &caller.into()).await?;
    metrics::came_to(Status::Rejected);
    Ok(())
}

/// Makes the package at the prices of now, and holds its first times until it is paid.
async fn approve(
    conn: &mut PgConnection,
    app: &App,
    caller: &Caller,
    request: &MatchingRequest,
    session_times: &[DateTime<Utc>],
    reason: Option<&str>,
) -> Result<()> {
    let offer = offer(conn, request.therapist_id, request.kind).await?;
    let policy = price::in_force(conn).await?;
    let price = policy.price(offer.consultation_fee, request.total_sessions);
    let package = package(conn, request, offer.session_minutes, &policy, &price).await?;
    package::store::insert(conn, &package).await?;
    let diary = package.diary(conn).await?;
    let bookings = insert_sessions(conn, app, request, &package, &diary, &price, session_times).await?;
    hold(conn, &package, &diary, &bookings).await?;

    let seq = store::close(conn, request.id, Status::Approved, reason).await?;
    let approved = proto::RequestApproved {
        request_id: request.id.to_string(),
        therapist_id: request.therapist_id.to_string(),
        parent_user_id: request.parent_user_id.to_string(),
        package_id: package.id.to_string(),
    };
    publish(conn, request.aggregate(seq), &approved, &caller.into()).await?;
    metrics::came_to(Status::Approved);
    let awaiting = proto::PackageAwaitingPayment {
        package_id: package.id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        parent_user_id: package.parent_user_id.to_string(),
        discounted_price: package.discounted_price.0,
        hold_expires_at: package.hold_expires_at.map(timestamp),
    };
    publish(conn, package.aggregate(package.version), &awaiting, &caller.into()).await?;
    Ok(())
}

async fn package(
    conn: &mut PgConnection,
    request: &MatchingRequest,
    session_minutes: i16,
    policy: &PricePolicy,
    price: &Price,
) -> Result<Package> {
    let now = consultation::store::now(conn).await?;
    Ok(Package {
        id: Uuid::now_v7(),
        request_id: request.id,
        parent_user_id: request.parent_user_id,
        child_id: request.child_id,
        therapist_id: request.therapist_id,
        kind: request.kind,
        session_minutes,
        total_sessions: request.total_sessions,
        used_sessions: 0,
        refunded_sessions: 0,
        remaining_sessions: request.total_sessions,
        discount_rate: price.discount_rate,
        original_price: price.original,
        discounted_price: price.discounted,
        price_policy_id: policy.id,
        refund_policy_id: refund::in_force(conn).await?.id,
        status: package::Status::PendingPayment,
        hold_expires_at: Some(now + TimeDelta::minutes(policy.hold_minutes.into())),
        payment_id: None,
        payment_seq: 0,
        frozen_at: None,
        ended_at: None,
        created_at: now,
        version: 1,
    })
}

/// All sessions of the package; the first ones have their times.
async fn insert_sessions(
    conn: &mut PgConnection,
    app: &App,
    request: &MatchingRequest,
    package: &Package,
    diary: &Diary,
    price: &Price,
    session_times: &[DateTime<Utc>],
) -> Result<Vec<Booking>> {
    let address = app.cipher.open_optional(request.place("visit_address"), request.visit_address.as_deref())?;
    let mut bookings = Vec::new();
    for (session_number, (at, price)) in (1..).zip(price.sessions.iter().enumerate()) {
        let scheduled_at = session_times.get(at).copied();
        let mut session = Consultation::unpaid(package, session_number, *price);
        session.scheduled_at = scheduled_at;
        session.ends_at = scheduled_at.map(|starts_at| diary.ends_at(starts_at));
        session.visit_address = app.cipher.seal_optional(session.place("visit_address"), address.as_deref())?;
        consultation::store::insert(conn, &session).await?;
        bookings.extend(scheduled_at.map(|starts_at| Booking { consultation_id: session.id, starts_at }));
    }
    Ok(bookings)
}

async fn hold(conn: &mut PgConnection, package: &Package, diary: &Diary, bookings: &[Booking]) -> Result<()> {
    booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
    let mut taken: Vec<_> =
        bookings.iter().filter(|it| it.starts_at <= package.created_at).map(|it| it.starts_at).collect();
    taken.extend(booking::hold(conn, diary, bookings, package.hold_expires_at).await?);
    match taken.first() {
        None => Ok(()),
        Some(first) => Err(consultation::slot_taken(&taken, &calendar::alternatives(conn, diary, *first).await?)),
    }
}
