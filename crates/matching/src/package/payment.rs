//! What payments do to packages: events of billing.

use aipoten_events::{Context, Failure, publish};
use aipoten_kit::{Caller, Error, Result, Role, Won};
use aipoten_proto::matching::v1::{CareRelationStarted, OrderedSession, PackageOrder, PackagePaymentRefused};
use aipoten_proto::timestamp;
use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Package, Status, store};
use crate::calendar::booking::{self, Booking};
use crate::consultation::{self, Consultation};
use crate::party::{Party, Side};
use crate::{App, erasure, price, schedule_change};

/// How long the times of a package are held at least from when its parent begins to pay: as long as a checkout lasts.
const PAYING: TimeDelta = TimeDelta::minutes(10);

/// A payment as an event tells of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payment {
    pub(crate) id: Uuid,
    /// Its version: what an event of a lower one tells is over.
    pub(crate) seq: i64,
}

/// A payment for the package went through: it runs. Sessions whose time is still theirs are set; where a hold has died the time
/// is taken again if it is free, and else the credit stays and the parent picks another.
pub(crate) async fn paid(
    conn: &mut PgConnection,
    package_id: Uuid,
    payment: Payment,
    amount: Won,
    context: &Context,
) -> Result<(), Failure> {
    let package = store::lock(conn, package_id).await?.ok_or_else(|| anyhow!("there is no such package"))?;
    let due = package.discounted_price.0;
    if amount.0 != due {
        return Err(anyhow!("{} won were paid for a package of {due}", amount.0).into());
    }
    match package.status {
        // The child was erased before the payment came.
        Status::Expired if erasure::is_erased(conn, package.child_id).await? => {
            refuse(conn, &package, payment.id, context).await?;
        }
        Status::PendingPayment | Status::Expired => start(conn, &package, payment, context).await?,
        _ if package.payment_id == Some(payment.id) => paid_again(conn, &package, payment, context).await?,
        // Cancelled while the payment was on its way, or paid before.
        Status::Cancelled | Status::Active | Status::Completed => refuse(conn, &package, payment.id, context).await?,
    }
    Ok(())
}

/// The deposit that paid the package was taken back: it rests until it is paid again.
pub(crate) async fn reversed(conn: &mut PgConnection, package_id: Uuid, payment: Payment) -> Result<(), Failure> {
    let package = store::lock(conn, package_id).await?.ok_or_else(|| anyhow!("there is no such package"))?;
    let waits = matches!(package.status, Status::PendingPayment | Status::Expired);
    if package.payment_id == Some(payment.id) {
        if payment.seq > package.payment_seq {
            store::set_frozen(conn, package_id, payment.seq, true).await?;
        }
    } else if waits && !erasure::is_erased(conn, package.child_id).await? {
        // What it takes back has still to come; this comes again after it.
        return Err(anyhow!("the payment that was taken back is not known yet").into());
    }
    Ok(())
}

/// The deposit that was taken back came once more, or the event did.
async fn paid_again(conn: &mut PgConnection, package: &Package, payment: Payment, context: &Context) -> Result<()> {
    if payment.seq <= package.payment_seq {
        return Ok(());
    }
    store::set_frozen(conn, package.id, payment.seq, false).await?;
    let Some(frozen_at) = package.frozen_at else { return Ok(()) };
    if package.status == Status::Active {
        return miss(conn, package, frozen_at, context).await;
    }
    // Ended while there was nothing to pay back.
    if package.ended_at.is_some_and(|ended_at| ended_at >= frozen_at) {
        refuse(conn, package, payment.id, context).await?;
    }
    Ok(())
}

/// Sessions whose time passed while the package rested keep their credit.
async fn miss(conn: &mut PgConnection, package: &Package, frozen_at: DateTime<Utc>, context: &Context) -> Result<()> {
    let now = consultation::store::now(conn).await?;
    let mut missed = consultation::store::of_package(conn, package.id).await?;
    missed.retain(|it| {
        let passed = it.scheduled_at.is_some_and(|starts_at| frozen_at < starts_at && starts_at <= now);
        passed && it.status == consultation::Status::Scheduled
    });
    booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
    booking::release(conn, &missed.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
    for session in &missed {
        consultation::settle_time(conn, session, false, context).await?;
        schedule_change::overtake(conn, session, context).await?;
    }
    Ok(())
}

async fn start(conn: &mut PgConnection, package: &Package, payment: Payment, context: &Context) -> Result<()> {
    let seq = store::set_paid(conn, package.id, payment.id, payment.seq).await?;
    let started = CareRelationStarted {
        package_id: package.id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        child_id: package.child_id.to_string(),
    };
    publish(conn, package.aggregate(seq), &started, context).await?;
    let sessions = consultation::store::of_package(conn, package.id).await?;
    booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
    let timed: Vec<Uuid> = sessions.iter().filter(|it| it.scheduled_at.is_some()).map(|it| it.id).collect();
    let held = booking::confirm(conn, &timed).await?;
    for session in &sessions {
        let kept = held.contains(&session.id) || take_again(conn, package, session).await?;
        consultation::settle_time(conn, session, kept, context).await?;
    }
    Ok(())
}

/// The hold has died; its time may still be free, and ahead.
async fn take_again(conn: &mut PgConnection, package: &Package, session: &Consultation) -> Result<bool> {
    let Some(starts_at) = session.scheduled_at else { return Ok(false) };
    if starts_at <= consultation::store::now(conn).await? || store::is_suspended(conn, package.therapist_id).await? {
        return Ok(false);
    }
    let booking = Booking { consultation_id: session.id, starts_at };
    let diary = package.diary(conn).await?;
    Ok(booking::try_take(conn, &diary, booking).await?)
}

/// All of the payment goes back.
async fn refuse(conn: &mut PgConnection, package: &Package, payment_id: Uuid, context: &Context) -> Result<()> {
    let seq = store::set_version(conn, package.id).await?;
    let refused = PackagePaymentRefused {
        package_id: package.id.to_string(),
        payment_id: payment_id.to_string(),
        parent_user_id: package.parent_user_id.to_string(),
    };
    publish(conn, package.aggregate(seq), &refused, context).await?;
    Ok(())
}

/// The parent begins to pay: the times are held for [`PAYING`] more at least. Answers the order.
pub(crate) async fn hold_for_payment(app: &App, caller: &Caller, id: Uuid) -> Result<PackageOrder> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let package = super::lock(&mut tx, id, Party { user_id: parent.id, side: Side::Parent }).await?;
    if package.status != Status::PendingPayment {
        return Err(Error::invalid_state(package.status.as_str()));
    }
    let sessions = consultation::store::of_package(&mut tx, id).await?;
    let hold_expires_at = store::extend_hold(&mut tx, id, PAYING).await?;
    booking::extend(&mut tx, &sessions.iter().map(|it| it.id).collect::<Vec<_>>(), hold_expires_at).await?;
    let policy = price::get(&mut tx, package.price_policy_id).await?;
    tx.commit().await?;
    Ok(PackageOrder {
        package_id: id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        parent_user_id: package.parent_user_id.to_string(),
        original_price: package.original_price.0,
        discounted_price: package.discounted_price.0,
        platform_fee_bp: policy.platform_fee_bp.0.into(),
        sessions: sessions.iter().map(ordered).collect(),
        hold_expires_at: Some(timestamp(hold_expires_at)),
    })
}

fn ordered(session: &Consultation) -> OrderedSession {
    OrderedSession {
        consultation_id: session.id.to_string(),
        session_number: session.session_number.into(),
        session_fee: session.session_fee.0,
        platform_fee: session.platform_fee.0,
    }
}
