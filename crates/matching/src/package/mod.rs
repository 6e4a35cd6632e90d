//! Packages: sessions with one therapist for one child, bought together.

mod cancel;
mod grpc;
mod payment;
mod schedule;
pub(crate) mod store;

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Error, Page, Result};
use aipoten_proto::matching::v1::{CareRelationEnded, PackageCompleted, PackageExpired};
use aipoten_proto::timestamp;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::calendar::booking::{self, Diary};
use crate::consultation::{self, Consultation};
use crate::kind::Kind;
use crate::party::Party;
use crate::refund::{self, RefundPolicy};
use aipoten_kit::{BasisPoints, Won};

pub(crate) use cancel::{cancel, canceller, end_for_erasure, quote};
pub(crate) use payment::{Payment, hold_for_payment, paid, reversed};
pub(crate) use schedule::{Times, schedule};
pub(crate) use store::Outcome;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    PendingPayment,
    Active,
    Completed,
    Cancelled,
    Expired,
}

/// All moves there are; what is not here is refused.
const MOVES: [(Status, Status); 6] = [
    (Status::PendingPayment, Status::Active),
    (Status::PendingPayment, Status::Expired),
    (Status::PendingPayment, Status::Cancelled),
    // paid after all: the credit counts, whatever became of the times
    (Status::Expired, Status::Active),
    (Status::Active, Status::Completed),
    (Status::Active, Status::Cancelled),
];

#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) id: Uuid,
    pub(crate) request_id: Uuid,
    pub(crate) parent_user_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) session_minutes: i16,
    pub(crate) total_sessions: i16,
    pub(crate) used_sessions: i16,
    pub(crate) refunded_sessions: i16,
    pub(crate) remaining_sessions: i16,
    pub(crate) discount_rate: BasisPoints,
    pub(crate) original_price: Won,
    pub(crate) discounted_price: Won,
    pub(crate) price_policy_id: Uuid,
    pub(crate) refund_policy_id: Uuid,
    pub(crate) status: Status,
    pub(crate) hold_expires_at: Option<DateTime<Utc>>,
    pub(crate) payment_id: Option<Uuid>,
    /// Version of the payment that the newest event of it told of.
    pub(crate) payment_seq: i64,
    /// Since when its payment is taken back.
    pub(crate) frozen_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// A package as it is shown.
pub(crate) struct Shown {
    pub(crate) package: Package,
    pub(crate) policy: RefundPolicy,
    pub(crate) consultations: Vec<Consultation>,
}

pub(crate) async fn list(app: &App, caller: &Caller, status: Option<Status>, page: Page) -> Result<(Vec<Shown>, i64)> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    let packages = store::page(&mut conn, party.user_id, status, page).await?;
    let total = store::count(&mut conn, party.user_id, status).await?;
    let ids: Vec<Uuid> = packages.iter().map(|package| package.refund_policy_id).collect();
    let policies = refund::get_all(&mut conn, &ids).await?;
    // Each is there: a foreign key, to rows that are never deleted.
    let show = |package: Package| {
        let policy = policies[&package.refund_policy_id].clone();
        Shown { package, policy, consultations: Vec::new() }
    };
    Ok((packages.into_iter().map(show).collect(), total))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    let package = store::find(&mut conn, id, party.user_id).await?.ok_or_else(not_found)?;
    show(&mut conn, package).await
}

async fn show(conn: &mut PgConnection, package: Package) -> Result<Shown> {
    let policy = refund::get(conn, package.refund_policy_id).await?;
    let consultations = consultation::store::of_package(conn, package.id).await?;
    Ok(Shown { package, policy, consultations })
}

/// A package of one of its sides, locked.
async fn lock(conn: &mut PgConnection, id: Uuid, party: Party) -> Result<Package> {
    store::find(conn, id, party.user_id).await?.ok_or_else(not_found)?;
    store::lock(conn, id).await?.ok_or_else(not_found)
}

/// Counts a session that was used or paid back; the last one completes the package, whose therapist may see the child for
/// `care` longer.
pub(crate) async fn spend(
    conn: &mut PgConnection,
    care: TimeDelta,
    package: &Package,
    outcome: Outcome,
    context: &Context,
) -> Result<()> {
    if store::spend(conn, package.id, outcome).await? > 0 {
        return Ok(());
    }
    let seq = store::set_status(conn, package.id, package.status.to(Status::Completed)?).await?;
    let completed = PackageCompleted {
        package_id: package.id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        parent_user_id: package.parent_user_id.to_string(),
    };
    publish(conn, package.aggregate(seq), &completed, context).await?;
    end_care(conn, care, package, seq, context).await
}

/// The therapist may see the child a while longer.
async fn end_care(
    conn: &mut PgConnection,
    care: TimeDelta,
    package: &Package,
    seq: i64,
    context: &Context,
) -> Result<()> {
    let now = consultation::store::now(conn).await?;
    let ended = CareRelationEnded {
        package_id: package.id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        child_id: package.child_id.to_string(),
        until: Some(timestamp(now + care)),
    };
    publish(conn, package.aggregate(seq), &ended, context).await?;
    Ok(())
}

/// Gives up packages that were not paid in time, and their held times; a job.
pub(crate) async fn expire_unpaid(app: &App) -> Result<()> {
    let due = store::unpaid(&mut *app.pool.acquire().await?).await?;
    for id in due {
        let mut tx = app.pool.begin().await?;
        // It may have been paid meanwhile.
        let package = store::lock(&mut tx, id).await?.filter(|package| package.status == Status::PendingPayment);
        if let Some(package) = package {
            expire(&mut tx, &package, &Context::default()).await?;
        }
        tx.commit().await?;
        app.relay.wake();
    }
    Ok(())
}

async fn expire(conn: &mut PgConnection, package: &Package, context: &Context) -> Result<()> {
    let sessions = consultation::store::of_package(conn, package.id).await?;
    booking::lock(conn, package.therapist_id, Some(package.child_id)).await?;
    booking::release(conn, &sessions.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
    let seq = store::set_status(conn, package.id, package.status.to(Status::Expired)?).await?;
    let expired = PackageExpired {
        package_id: package.id.to_string(),
        therapist_id: package.therapist_id.to_string(),
        parent_user_id: package.parent_user_id.to_string(),
    };
    publish(conn, package.aggregate(seq), &expired, context).await?;
    Ok(())
}

impl Package {
    pub(crate) fn aggregate(&self, seq: i64) -> Aggregate {
        Aggregate { kind: "package", id: self.id, seq }
    }

    /// What its sessions take of the calendar.
    pub(crate) async fn diary(&self, conn: &mut PgConnection) -> Result<Diary> {
        let (buffer_minutes, travel_minutes) = store::margins(conn, self.therapist_id).await?;
        Ok(Diary {
            therapist_id: self.therapist_id,
            child_id: self.child_id,
            kind: self.kind,
            session_minutes: self.session_minutes,
            buffer_minutes,
            travel_minutes,
        })
    }

    /// Fails with `INVALID_STATE` unless it is paid and running.
    pub(crate) fn require_active(&self) -> Result<()> {
        if self.status != Status::Active {
            return Err(Error::invalid_state(self.status.as_str()));
        }
        self.require_unfrozen()
    }

    /// Fails with `INVALID_STATE` while its payment is taken back.
    pub(crate) fn require_unfrozen(&self) -> Result<()> {
        if self.frozen_at.is_none() { Ok(()) } else { Err(Error::invalid_state("frozen")) }
    }

    /// Whether there is money that can go back.
    fn is_paid(&self) -> bool {
        self.status != Status::PendingPayment && self.frozen_at.is_none()
    }
}

impl Status {
    /// The next status, or `INVALID_STATE` naming this one.
    pub(crate) fn to(self, next: Self) -> Result<Self> {
        if MOVES.contains(&(self, next)) { Ok(next) } else { Err(Error::invalid_state(self.as_str())) }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

pub(crate) fn not_found() -> Error {
    Error::NotFound("package")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Status; 5] =
        [Status::PendingPayment, Status::Active, Status::Completed, Status::Cancelled, Status::Expired];

    #[test]
    fn a_package_that_was_ended_stays_ended() {
        for end in [Status::Completed, Status::Cancelled] {
            assert!(ALL.into_iter().all(|next| end.to(next).is_err()), "{end:?}");
        }
    }

    #[test]
    fn only_a_payment_makes_a_package_run() {
        let before: Vec<_> = ALL.into_iter().filter(|it| it.to(Status::Active).is_ok()).collect();
        assert_eq!(before, [Status::PendingPayment, Status::Expired]);
    }
}
