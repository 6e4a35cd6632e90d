//! What payments do to packages: events of billing.

use aipoten_events::{Context, Failure, publish};
use aipoten_kit::Result;
use aipoten_proto::matching::v1::{CareRelationStarted, PackageCancelled};
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Package, Status, store};
use crate::calendar::booking::{self, Booking};
use crate::consultation::{self, Consultation};
use crate::erasure;
use crate::won::Won;

/// A payment for the package went through: it runs. Sessions whose time is still theirs are set; where a hold has died the time
/// is taken again if it is free, and else the credit stays and the parent picks another.
pub(crate) async fn paid(
    conn: &mut PgConnection,
    package_id: Uuid,
    payment_id: Uuid,
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
            give_back(conn, &package, context).await?;
        }
        Status::PendingPayment | Status::Expired => start(conn, &package, payment_id, context).await?,
        // Cancelled while the payment was on its way: all of it goes back.
        Status::Cancelled => give_back(conn, &package, context).await?,
        Status::Active | Status::Completed => return Err(anyhow!("the package was paid before").into()),
    }
    Ok(())
}

async fn start(conn: &mut PgConnection, package: &Package, payment_id: Uuid, context: &Context) -> Result<()> {
    let seq = store::set_paid(conn, package.id, payment_id).await?;
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

async fn give_back(conn: &mut PgConnection, package: &Package, context: &Context) -> Result<()> {
    let seq = store::set_version(conn, package.id).await?;
    let cancelled = PackageCancelled {
        package_id: package.id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        parent_user_id: package.parent_user_id.to_string(),
        cancelled_by: "platform".to_owned(),
        refund_amount: package.discounted_price.0,
    };
    publish(conn, package.aggregate(seq), &cancelled, context).await?;
    Ok(())
}

/// The parent did not finish paying: the package is given up. One that has moved on stays as it is.
pub(crate) async fn payment_expired(
    conn: &mut PgConnection,
    package_id: Uuid,
    context: &Context,
) -> Result<(), Failure> {
    let package = store::lock(conn, package_id).await?.ok_or_else(|| anyhow!("there is no such package"))?;
    if package.status == Status::PendingPayment {
        super::expire(conn, &package, context).await?;
    }
    Ok(())
}
