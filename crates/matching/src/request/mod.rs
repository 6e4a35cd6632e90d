//! Matching requests: a parent's wish to work with one therapist.

mod answer;
mod grpc;
pub(crate) mod metrics;
pub(crate) mod store;

use std::collections::BTreeSet;

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Error, Fields, Page, Place, Result, Role};
use aipoten_proto::matching::v1 as proto;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kind::Kind;
use crate::party::{Party, Side};
use crate::{App, child, clock, consultation, erasure, price};
use aipoten_kit::Once;
use aipoten_kit::Won;

pub(crate) use answer::{Answer, answer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    Approved,
    Rejected,
    Cancelled,
    Expired,
}

#[derive(Debug)]
pub(crate) struct MatchingRequest {
    pub(crate) id: Uuid,
    pub(crate) parent_user_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) total_sessions: i16,
    pub(crate) discounted_price: Won,
    pub(crate) preferred_dates: Vec<DateTime<Utc>>,
    /// Encrypted.
    pub(crate) notes: Option<Vec<u8>>,
    /// Encrypted.
    pub(crate) visit_address: Option<Vec<u8>>,
    pub(crate) status: Status,
    pub(crate) response_reason: Option<String>,
    pub(crate) responded_at: Option<DateTime<Utc>>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) package_id: Option<Uuid>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// What a parent asks for.
pub(crate) struct New {
    pub(crate) therapist_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) total_sessions: i16,
    pub(crate) preferred_dates: Vec<DateTime<Utc>>,
    pub(crate) notes: Option<String>,
    pub(crate) visit_address: Option<String>,
}

/// A request with its text opened.
pub(crate) struct Shown {
    pub(crate) request: MatchingRequest,
    pub(crate) notes: Option<String>,
}

pub(crate) async fn create(app: &App, caller: &Caller, once: &Once<'_>, new: New) -> Result<proto::MatchingRequest> {
    let parent = caller.with_role(Role::Parent)?;
    caller.with_verified_email()?;
    child::require_sharing(&app.children, caller, new.child_id).await?;
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = once.answered(&mut tx, &app.cipher).await? {
        return Ok(answer);
    }
    erasure::require_not_erased(&mut tx, new.child_id).await?;
    store::hold_still(&mut tx, new.therapist_id).await?;
    let offer = offer(&mut tx, new.therapist_id, new.kind).await?;
    let price = price::in_force(&mut tx).await?.price(offer.consultation_fee, new.total_sessions);
    let request = new.into_request(app, parent.id, price.discounted)?;
    store::insert(&mut tx, &request).await?;
    publish(&mut tx, request.aggregate(request.version), &request.created(), &caller.into()).await?;
    metrics::came_to(Status::Pending);
    let answer = show(app, request)?.into();
    once.keep(&mut tx, &app.cipher, &answer).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(answer)
}

/// The therapist's offer, if they can be booked for this.
async fn offer(conn: &mut PgConnection, therapist_id: Uuid, kind: Kind) -> Result<store::Offer> {
    let offer = store::offer(conn, therapist_id).await?;
    offer
        .filter(|it| it.consultation_kinds.iter().any(|offered| offered == kind.as_str()))
        .ok_or_else(|| Error::FailedPrecondition("THERAPIST_UNAVAILABLE".into()))
}

pub(crate) async fn list(app: &App, caller: &Caller, status: Option<Status>, page: Page) -> Result<(Vec<Shown>, i64)> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let requests = store::page(&mut tx, party.user_id, status, page).await?;
    let total = store::count(&mut tx, party.user_id, status).await?;
    log_reading(&mut tx, caller, party, &requests, "ListMatchingRequests").await?;
    tx.commit().await?;
    app.relay.wake();
    let shown = requests.into_iter().map(|request| show(app, request)).collect::<Result<_>>()?;
    Ok((shown, total))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let request = store::find(&mut tx, id, party.user_id).await?.ok_or_else(not_found)?;
    let shown = read(&mut tx, app, caller, party, request, "GetMatchingRequest").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

async fn read(
    conn: &mut PgConnection,
    app: &App,
    caller: &Caller,
    party: Party,
    request: MatchingRequest,
    purpose: &'static str,
) -> Result<Shown> {
    log_reading(conn, caller, party, std::slice::from_ref(&request), purpose).await?;
    show(app, request)
}

/// The parent's words may be about the child's health: a therapist's reading of them is told to identity, once for each child.
async fn log_reading(
    conn: &mut PgConnection,
    caller: &Caller,
    party: Party,
    requests: &[MatchingRequest],
    purpose: &'static str,
) -> Result<()> {
    if party.side != Side::Therapist {
        return Ok(());
    }
    let told = requests.iter().filter(|request| request.notes.is_some());
    let children: BTreeSet<Uuid> = told.map(|request| request.child_id).collect();
    for child_id in children {
        consultation::log_access(conn, caller, child_id, &["request_notes"], purpose).await?;
    }
    Ok(())
}

pub(crate) async fn cancel(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let request = store::lock(&mut tx, id, parent.id).await?.ok_or_else(not_found)?;
    request.require_pending()?;
    let seq = store::close(&mut tx, id, Status::Cancelled, None).await?;
    let event = proto::RequestCancelled {
        request_id: id.to_string(),
        therapist_id: request.therapist_id.to_string(),
        parent_user_id: parent.id.to_string(),
    };
    publish(&mut tx, request.aggregate(seq), &event, &caller.into()).await?;
    metrics::came_to(Status::Cancelled);
    let request = store::find(&mut tx, id, parent.id).await?.ok_or_else(not_found)?;
    tx.commit().await?;
    app.relay.wake();
    show(app, request)
}

/// What parents read of a therapist who cannot be booked any more, in both languages.
const NOT_AVAILABLE: &str = "지금은 상담을 맡을 수 없는 치료사입니다. 다른 치료사에게 요청해 주세요. (This therapist is not available any \
                             more. Please ask another one.)";

/// The therapist was suspended or leaves: what waits for them is declined at once.
pub(crate) async fn decline_all(conn: &mut PgConnection, therapist_id: Uuid, context: &Context) -> Result<()> {
    for request in store::decline_all(conn, therapist_id, NOT_AVAILABLE).await? {
        let event = proto::RequestRejected {
            request_id: request.id.to_string(),
            therapist_id: therapist_id.to_string(),
            parent_user_id: request.parent_user_id.to_string(),
        };
        let aggregate = Aggregate { kind: "request", id: request.id, seq: request.version };
        publish(conn, aggregate, &event, context).await?;
        metrics::came_to(Status::Rejected);
    }
    Ok(())
}

/// Gives up what nobody answered; a job.
pub(crate) async fn expire(app: &App) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    for request in store::expire(&mut tx).await? {
        let event = proto::RequestExpired {
            request_id: request.id.to_string(),
            therapist_id: request.therapist_id.to_string(),
            parent_user_id: request.parent_user_id.to_string(),
        };
        let aggregate = Aggregate { kind: "request", id: request.id, seq: request.version };
        publish(&mut tx, aggregate, &event, &Context::default()).await?;
        metrics::came_to(Status::Expired);
    }
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

fn show(app: &App, request: MatchingRequest) -> Result<Shown> {
    let notes = app.cipher.open_optional(request.place("notes"), request.notes.as_deref())?;
    Ok(Shown { request, notes })
}

impl New {
    fn into_request(self, app: &App, parent_user_id: Uuid, discounted_price: Won) -> Result<MatchingRequest> {
        let (id, now) = (Uuid::now_v7(), clock::now());
        let place = |column| Place { table: "matching_requests", column, row: id };
        Ok(MatchingRequest {
            id,
            parent_user_id,
            child_id: self.child_id,
            therapist_id: self.therapist_id,
            kind: self.kind,
            total_sessions: self.total_sessions,
            discounted_price,
            preferred_dates: self.preferred_dates,
            notes: app.cipher.seal_optional(place("notes"), self.notes.as_deref())?,
            visit_address: app.cipher.seal_optional(place("visit_address"), self.visit_address.as_deref())?,
            status: Status::Pending,
            response_reason: None,
            responded_at: None,
            expires_at: now + TimeDelta::hours(app.config.request_expiry_h.into()),
            package_id: None,
            created_at: now,
            version: 1,
        })
    }
}

impl MatchingRequest {
    fn place(&self, column: &'static str) -> Place {
        Place { table: "matching_requests", column, row: self.id }
    }

    fn aggregate(&self, seq: i64) -> Aggregate {
        Aggregate { kind: "request", id: self.id, seq }
    }

    /// Its time may be over although the job has not been by.
    fn require_pending(&self) -> Result<()> {
        match self.status {
            Status::Pending if self.expires_at > clock::now() => Ok(()),
            Status::Pending => Err(Error::invalid_state(Status::Expired.as_str())),
            status => Err(Error::invalid_state(status.as_str())),
        }
    }

    fn created(&self) -> proto::RequestCreated {
        proto::RequestCreated {
            request_id: self.id.to_string(),
            therapist_id: self.therapist_id.to_string(),
            parent_user_id: self.parent_user_id.to_string(),
        }
    }
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// An address for home visits.
pub(crate) fn address(fields: &mut Fields, field: &str, address: &str) -> String {
    fields.check(address.trim().chars().count() >= 5, field, "too_short min=5");
    fields.line(field, address, 300)
}

fn not_found() -> Error {
    Error::NotFound("matching_request")
}
