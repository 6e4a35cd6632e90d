//! Sessions of packages.

mod cancel;
mod event;
mod grpc;
mod hold;
pub(crate) mod metrics;
mod status;
pub(crate) mod store;
mod time;

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Error, Page, Place, Reason, Result};
use aipoten_proto::common::v1::ChildAccessed;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kind::Kind;
use crate::package::{self, Package};
use crate::party::{Party, Side};
use crate::price::SessionPrice;
use crate::refund::{CancelledBy, Share};
use crate::{App, erasure};
use aipoten_kit::Won;

pub(crate) use cancel::{Wish, cancel, give_up, quote};
pub(crate) use hold::{complete, dispute, hold, mark_no_show, start};
pub(crate) use status::Status;
pub(crate) use store::Filter;
pub(crate) use time::{book, reschedule, schedule, set_time, settle_time, slot_taken};

/// The room of an online session opens so long before it, and a session can begin so early.
const EARLY: TimeDelta = TimeDelta::minutes(15);

#[derive(Debug, Clone)]
pub(crate) struct Consultation {
    pub(crate) id: Uuid,
    pub(crate) package_id: Uuid,
    pub(crate) session_number: i16,
    pub(crate) therapist_id: Uuid,
    pub(crate) parent_user_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// Encrypted.
    pub(crate) visit_address: Option<Vec<u8>>,
    pub(crate) session_fee: Won,
    pub(crate) platform_fee: Won,
    pub(crate) status: Status,
    pub(crate) cancellation_reason: Option<String>,
    pub(crate) cancelled_by: Option<CancelledBy>,
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
    pub(crate) refund_policy: Option<Share>,
    pub(crate) refund_amount: Option<Won>,
    /// Encrypted.
    pub(crate) notes: Option<Vec<u8>>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) report_submitted_at: Option<DateTime<Utc>>,
    pub(crate) disputed_at: Option<DateTime<Utc>>,
    pub(crate) version: i64,
}

/// A session with the texts that its reader may see.
pub(crate) struct Shown {
    pub(crate) consultation: Consultation,
    pub(crate) visit_address: Option<String>,
    pub(crate) notes: Option<String>,
}

/// A change of a session: `None` leaves a field, `Some(None)` clears it.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) visit_address: Option<String>,
    pub(crate) notes: Option<Option<String>>,
    pub(crate) expected_version: Option<i64>,
}

pub(crate) async fn list(app: &App, caller: &Caller, filter: &Filter, page: Page) -> Result<(Vec<Consultation>, i64)> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    let consultations = store::page(&mut conn, party.user_id, filter, page).await?;
    let total = store::count(&mut conn, party.user_id, filter).await?;
    Ok((consultations, total))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let consultation = store::find(&mut tx, id, party.user_id).await?.ok_or_else(not_found)?;
    let shown = show(&mut tx, app, caller, party, consultation, "GetConsultation").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

/// The parent changes the address, the therapist the notes.
pub(crate) async fn update(app: &App, caller: &Caller, id: Uuid, patch: Patch) -> Result<Shown> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (_, consultation) = lock(&mut tx, party, id).await?;
    Error::unless_version(patch.expected_version, consultation.version)?;
    if let Some(address) = patch.visit_address {
        consultation.require_address(party)?;
        let sealed = app.cipher.seal(consultation.place("visit_address"), &address)?;
        store::set_visit_address(&mut tx, id, &sealed).await?;
    }
    if let Some(notes) = patch.notes {
        if party.side != Side::Therapist {
            return Err(Error::permission_denied());
        }
        let sealed = app.cipher.seal_optional(consultation.place("notes"), notes.as_deref())?;
        store::set_notes(&mut tx, id, sealed.as_deref()).await?;
    }
    let changed = store::find(&mut tx, id, party.user_id).await?.ok_or_else(not_found)?;
    let shown = show(&mut tx, app, caller, party, changed, "UpdateConsultation").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

/// Until when the room of an online session is open for the caller.
pub(crate) async fn room(app: &App, caller: &Caller, id: Uuid) -> Result<DateTime<Utc>> {
    let party = Party::of(caller)?;
    let mut conn = app.pool.acquire().await?;
    let consultation = store::find(&mut conn, id, party.user_id).await?.ok_or_else(not_found)?;
    let (from, to) = match (consultation.status, consultation.scheduled_at, consultation.ends_at) {
        (Status::Scheduled | Status::InProgress, Some(from), Some(to)) if consultation.kind == Kind::Online => {
            (from, to)
        }
        (status, ..) => return Err(Error::invalid_state(status.as_str())),
    };
    let now = store::now(&mut conn).await?;
    if now < from - EARLY {
        return Err(too_early(from - EARLY));
    }
    if now >= to {
        return Err(Error::FailedPrecondition("TOO_LATE".into()));
    }
    Ok(to)
}

/// A session of one of its sides with its package, which is locked: all that happens to either waits for the other. Nothing
/// happens any more to the sessions of a child that was erased.
pub(crate) async fn lock(conn: &mut PgConnection, party: Party, id: Uuid) -> Result<(Package, Consultation)> {
    let (package_id, child_id) = store::package_of(conn, id, party.user_id).await?.ok_or_else(not_found)?;
    erasure::require_not_erased(conn, child_id).await?;
    let package = package::store::lock(conn, package_id).await?.ok_or_else(not_found)?;
    let consultation = store::find(conn, id, party.user_id).await?.ok_or_else(not_found)?;
    Ok((package, consultation))
}

/// Opens what the reader may see. The family's address is sensitive: a therapist's reading of it is told to identity.
pub(crate) async fn show(
    conn: &mut PgConnection,
    app: &App,
    caller: &Caller,
    party: Party,
    consultation: Consultation,
    purpose: &'static str,
) -> Result<Shown> {
    let place = consultation.place("visit_address");
    let visit_address = app.cipher.open_optional(place, consultation.visit_address.as_deref())?;
    let notes = match party.side {
        Side::Therapist => app.cipher.open_optional(consultation.place("notes"), consultation.notes.as_deref())?,
        Side::Parent => None,
    };
    if party.side == Side::Therapist && visit_address.is_some() {
        log_access(conn, caller, consultation.child_id, &["visit_address"], purpose).await?;
    }
    Ok(Shown { consultation, visit_address, notes })
}

/// Tells identity that the caller read what is sensitive of a child.
pub(crate) async fn log_access(
    conn: &mut PgConnection,
    caller: &Caller,
    child_id: Uuid,
    fields: &[&str],
    purpose: &'static str,
) -> Result<()> {
    let user = caller.user()?;
    let event = ChildAccessed {
        child_id: child_id.to_string(),
        actor_id: user.id.to_string(),
        actor_role: user.role.as_str().to_owned(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        purpose: purpose.to_owned(),
    };
    publish(conn, Aggregate { kind: "child", id: child_id, seq: 0 }, &event, &Context::from(caller)).await?;
    Ok(())
}

impl Consultation {
    /// A session of a package that is not paid yet, without a time.
    pub(crate) fn unpaid(package: &Package, session_number: i16, price: SessionPrice) -> Self {
        Self {
            id: Uuid::now_v7(),
            package_id: package.id,
            session_number,
            therapist_id: package.therapist_id,
            parent_user_id: package.parent_user_id,
            child_id: package.child_id,
            kind: package.kind,
            scheduled_at: None,
            ends_at: None,
            visit_address: None,
            session_fee: price.fee,
            platform_fee: price.platform_fee,
            status: Status::PendingPayment,
            cancellation_reason: None,
            cancelled_by: None,
            cancelled_at: None,
            refund_policy: None,
            refund_amount: None,
            notes: None,
            started_at: None,
            completed_at: None,
            report_submitted_at: None,
            disputed_at: None,
            version: 1,
        }
    }

    pub(crate) fn place(&self, column: &'static str) -> Place {
        Place { table: "consultations", column, row: self.id }
    }

    pub(crate) fn aggregate(&self, seq: i64) -> Aggregate {
        Aggregate { kind: "consultation", id: self.id, seq }
    }

    /// Fails with `INVALID_STATE` unless it was held.
    pub(crate) fn require_held(&self) -> Result<()> {
        if self.status == Status::Completed { Ok(()) } else { Err(Error::invalid_state(self.status.as_str())) }
    }

    /// Only a parent says where a home visit goes, while it lies ahead.
    fn require_address(&self, party: Party) -> Result<()> {
        if party.side != Side::Parent {
            return Err(Error::permission_denied());
        }
        if self.kind != Kind::HomeVisit {
            return Err(Error::invalid("visit_address", "only_for_home_visits"));
        }
        match self.status {
            Status::PendingPayment | Status::Unscheduled | Status::Scheduled => Ok(()),
            over => Err(Error::invalid_state(over.as_str())),
        }
    }
}

fn too_early(from: DateTime<Utc>) -> Error {
    let from = from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Error::FailedPrecondition(Reason::from("TOO_EARLY").with("from", from))
}

pub(crate) fn not_found() -> Error {
    Error::NotFound("consultation")
}
