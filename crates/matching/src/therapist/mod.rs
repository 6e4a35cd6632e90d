//! Therapists: application, approval, public profile and search. A therapist's id is that of the account.

pub(crate) mod admin;
mod event;
mod grpc;
mod keystroke;
mod licence;
mod profile;
mod search;
mod specialty;
pub(crate) mod store;
mod suggest;
mod typo;

use aipoten_kit::{Error, Page, Result};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

pub(crate) use event::{admin_acted, announce_change};
pub(crate) use licence::watch_licences;
pub(crate) use search::{Filter, Search, Sort};
pub(crate) use specialty::Specialty;

use crate::App;
use crate::kind::Kind;
use aipoten_kit::Won;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum ApprovalStatus {
    Pending,
    Approved,
    Rejected,
    Suspended,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Therapist {
    pub(crate) id: Uuid,
    pub(crate) display_name: String,
    pub(crate) specialties: Vec<Specialty>,
    pub(crate) years_of_experience: i16,
    pub(crate) certifications: Vec<String>,
    pub(crate) bio: String,
    pub(crate) consultation_fee: Won,
    pub(crate) session_minutes: i16,
    pub(crate) buffer_minutes: i16,
    pub(crate) travel_minutes: i16,
    pub(crate) min_notice_hours: i16,
    pub(crate) horizon_days: i16,
    pub(crate) daily_limit: i16,
    pub(crate) consultation_kinds: Vec<Kind>,
    pub(crate) region_codes: Vec<String>,
    pub(crate) approval_status: ApprovalStatus,
    pub(crate) applied_at: DateTime<Utc>,
    pub(crate) decided_at: Option<DateTime<Utc>>,
    pub(crate) decision_reason: Option<String>,
    /// Last day of the licence; none without one that was looked at, and for one that does not expire.
    pub(crate) licence_valid_until: Option<NaiveDate>,
    /// Approved, with a licence that has not expired.
    pub(crate) is_listed: bool,
    /// Plain mean, two decimals.
    pub(crate) rating: Option<f64>,
    pub(crate) review_count: i32,
    pub(crate) total_consultations: i32,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// Listed therapists, for everyone: those that hold all the words, or else those that hold something like them.
pub(crate) async fn list(app: &App, page: Page, filter: &Filter) -> Result<(Vec<Therapist>, i64)> {
    let mut conn = app.pool.acquire().await?;
    let mut search = Search::Exact;
    let mut total = store::search::count(&mut conn, filter, search).await?;
    if total == 0 && filter.words.is_some() {
        store::search::forgive(&mut conn).await?;
        search = Search::Forgiving;
        total = store::search::count(&mut conn, filter, search).await?;
    }
    if total == 0 {
        return Ok((Vec::new(), 0));
    }
    Ok((store::search::page(&mut conn, page, filter, search, total).await?, total))
}

/// A listed therapist, for everyone.
pub(crate) async fn get(app: &App, id: Uuid) -> Result<Therapist> {
    let therapist = store::get(&mut *app.pool.acquire().await?, id).await?;
    therapist.filter(|it| it.is_listed).ok_or_else(not_found)
}

impl ApprovalStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
        }
    }
}

pub(crate) fn not_found() -> Error {
    Error::NotFound("therapist")
}
