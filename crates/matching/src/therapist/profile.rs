//! The own profile: the first time it is written it is an application.

use aipoten_kit::{Caller, Error, Result, Role};
use aipoten_proto::matching::v1::TherapistApplied;

use super::{ApprovalStatus, Specialty, Therapist, event, keystroke, not_found, store};
use crate::App;
use crate::kind::Kind;
use crate::region::{self, Region};
use aipoten_kit::Won;

/// A profile as its therapist writes it.
#[derive(Debug)]
pub(crate) struct Draft {
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
    pub(crate) expected_version: Option<i64>,
}

pub(super) async fn get(app: &App, caller: &Caller) -> Result<Therapist> {
    let user = caller.with_role(Role::Therapist)?;
    store::get(&mut *app.pool.acquire().await?, user.id).await?.ok_or_else(not_found)
}

/// Who was rejected applies anew by this; who is approved or suspended stays so.
pub(super) async fn put(app: &App, caller: &Caller, draft: &Draft) -> Result<Therapist> {
    let user = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    let before = store::lock(&mut tx, user.id).await?;
    let version = before.as_ref().map(|it| it.version);
    if draft.expected_version.is_some() && draft.expected_version != version {
        return Err(Error::version_mismatch());
    }
    let applies = before.is_none_or(|it| it.approval_status == ApprovalStatus::Rejected);
    if version.is_some() {
        store::update(&mut tx, user.id, draft, applies).await?;
    } else if !store::insert(&mut tx, user.id, draft).await? {
        // The first time, twice at once.
        return Err(Error::AlreadyExists("CONFLICT".into()));
    }
    let therapist = store::get(&mut tx, user.id).await?.ok_or_else(not_found)?;
    if applies {
        let event = TherapistApplied { therapist_id: user.id.to_string() };
        event::announce(&mut tx, user.id, therapist.version, &event, &caller.into()).await?;
    }
    if therapist.is_listed {
        event::announce_change(&mut tx, user.id, therapist.version, &caller.into()).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    Ok(therapist)
}

impl Draft {
    pub(super) fn search_name(&self) -> String {
        keystroke::typed(&self.display_name)
    }

    /// Name | specialties and regions | bio.
    pub(super) fn search_text(&self) -> String {
        let specialties = self.specialties.iter().map(|it| it.names());
        let regions = self.region_codes.iter().filter_map(|code| region::get(code)).map(Region::names_of_whole);
        let work: Vec<String> = specialties.chain(regions).collect();
        format!("{}|{}|{}", self.search_name(), keystroke::typed(&work.join(" ")), keystroke::typed(&self.bio))
    }
}
