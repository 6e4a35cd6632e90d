//! Children, in the care of a parent.

mod grpc;
mod store;

use aipoten_events::{Aggregate, Context, Delivered, Failure, publish};
use aipoten_kit::{Caller, Error, Page, Reason, Result, Role, User};
use aipoten_proto::common::v1::ChildAccessed;
use aipoten_proto::identity::v1::ChildDeleted;
use anyhow::anyhow;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::consent::{self, Kind};
use crate::{App, care, user};

/// How many children one account may have.
const LIMIT: i64 = 20;

/// A child's gender as the parent states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Gender {
    Male,
    Female,
    NotStated,
}

/// What a parent says of a child.
#[derive(Debug, Clone)]
struct Details {
    name: String,
    birth_date: NaiveDate,
    gender: Gender,
    gestational_weeks: Option<i32>,
    gestational_days: Option<i32>,
    birth_weight_g: Option<i32>,
    current_height_mm: Option<i32>,
    current_weight_g: Option<i32>,
    medical_history: Option<String>,
    family_history: Option<String>,
    treatment_history: Option<String>,
    notes: Option<String>,
}

/// A child on record.
#[derive(Debug)]
struct Child {
    id: Uuid,
    details: Details,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// A child in a list.
struct Summary {
    id: Uuid,
    name: String,
    birth_date: NaiveDate,
    gender: Gender,
}

/// What ages and growth are computed from.
struct Birth {
    birth_date: NaiveDate,
    gender: Gender,
    gestational_weeks: Option<i32>,
    gestational_days: Option<i32>,
}

/// A change of a child: `None` leaves a field, `Some(None)` clears it.
#[derive(Default)]
struct Patch {
    name: Option<String>,
    birth_date: Option<NaiveDate>,
    gender: Option<Gender>,
    gestational_weeks: Option<Option<i32>>,
    gestational_days: Option<Option<i32>>,
    birth_weight_g: Option<Option<i32>>,
    current_height_mm: Option<Option<i32>>,
    current_weight_g: Option<Option<i32>>,
    medical_history: Option<Option<String>>,
    family_history: Option<Option<String>>,
    treatment_history: Option<Option<String>>,
    notes: Option<Option<String>>,
    expected_version: Option<i64>,
}

/// A reading of sensitive texts.
struct Access {
    id: Uuid,
    actor_id: Uuid,
    actor_role: String,
    fields: Vec<String>,
    purpose: String,
    request_id: String,
    created_at: DateTime<Utc>,
}

impl Details {
    /// Names of the sensitive texts that are there.
    fn sensitive(&self) -> Vec<String> {
        let texts = [
            ("medical_history", &self.medical_history),
            ("family_history", &self.family_history),
            ("treatment_history", &self.treatment_history),
            ("notes", &self.notes),
        ];
        texts.into_iter().filter(|(_, text)| text.is_some()).map(|(name, _)| name.to_owned()).collect()
    }
}

impl Patch {
    fn sets_sensitive(&self) -> bool {
        [&self.medical_history, &self.family_history, &self.treatment_history, &self.notes]
            .into_iter()
            .any(|text| matches!(text, Some(Some(_))))
    }

    /// Whether it does more than clear.
    fn sets(&self) -> bool {
        let numbers = [
            self.gestational_weeks,
            self.gestational_days,
            self.birth_weight_g,
            self.current_height_mm,
            self.current_weight_g,
        ];
        let kept = self.name.is_some() || self.birth_date.is_some() || self.gender.is_some();
        kept || numbers.into_iter().any(|number| matches!(number, Some(Some(_)))) || self.sets_sensitive()
    }

    fn apply(self, old: Details) -> Result<Details> {
        let gestational_weeks = self.gestational_weeks.unwrap_or(old.gestational_weeks);
        let days = self.gestational_days.unwrap_or(old.gestational_days);
        if matches!(self.gestational_days, Some(Some(_))) && gestational_weeks.is_none() {
            return Err(Error::invalid("gestational_days", "needs_weeks"));
        }
        Ok(Details {
            name: self.name.unwrap_or(old.name),
            birth_date: self.birth_date.unwrap_or(old.birth_date),
            gender: self.gender.unwrap_or(old.gender),
            gestational_weeks,
            gestational_days: gestational_weeks.and(days),
            birth_weight_g: self.birth_weight_g.unwrap_or(old.birth_weight_g),
            current_height_mm: self.current_height_mm.unwrap_or(old.current_height_mm),
            current_weight_g: self.current_weight_g.unwrap_or(old.current_weight_g),
            medical_history: self.medical_history.unwrap_or(old.medical_history),
            family_history: self.family_history.unwrap_or(old.family_history),
            treatment_history: self.treatment_history.unwrap_or(old.treatment_history),
            notes: self.notes.unwrap_or(old.notes),
        })
    }
}

async fn create(app: &App, caller: &Caller, details: Details) -> Result<Child> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    user::lock(app, &mut tx, parent.id).await?;
    consent::require(&mut tx, parent.id, Kind::Guardian).await?;
    if !details.sensitive().is_empty() {
        consent::require(&mut tx, parent.id, Kind::ChildSensitiveData).await?;
    }
    if store::count(&mut tx, parent.id).await? >= LIMIT {
        return Err(Error::FailedPrecondition(Reason::from("LIMIT_REACHED").with("max", LIMIT.to_string())));
    }
    let child = store::insert(&mut tx, &app.cipher, Uuid::now_v7(), details).await?;
    store::insert_owner(&mut tx, Uuid::now_v7(), child.id, parent.id).await?;
    audit::record(&mut tx, caller, &Act::done("child.created", parent.id, "child", child.id)).await?;
    tx.commit().await?;
    Ok(child)
}

/// A therapist who has the child in care sees the sensitive texts as well: sharing them is what the parent consented to.
async fn get(app: &App, caller: &Caller, child_id: Uuid) -> Result<Child> {
    let mut conn = app.pool.acquire().await?;
    let caregiver_id = caregiver(&mut conn, caller, child_id).await?;
    let child = store::find(&mut conn, &app.cipher, child_id, caregiver_id).await?.ok_or_else(not_found)?;
    log_access(&mut conn, caller, caller.user()?, &child, "GetChild").await?;
    Ok(child)
}

async fn list(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Summary>, i64)> {
    let parent = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let children = store::list(&mut conn, &app.cipher, parent.id, page).await?;
    let total = store::count(&mut conn, parent.id).await?;
    Ok((children, total))
}

async fn update(app: &App, caller: &Caller, child_id: Uuid, patch: Patch) -> Result<Child> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let child = store::lock(&mut tx, &app.cipher, child_id, parent.id).await?.ok_or_else(not_found)?;
    Error::unless_version(patch.expected_version, child.version)?;
    if patch.sets() {
        consent::require(&mut tx, parent.id, Kind::Guardian).await?;
    }
    if patch.sets_sensitive() {
        consent::require(&mut tx, parent.id, Kind::ChildSensitiveData).await?;
    }
    let child = store::update(&mut tx, &app.cipher, child.id, patch.apply(child.details)?).await?;
    log_access(&mut tx, caller, parent, &child, "UpdateChild").await?;
    tx.commit().await?;
    Ok(child)
}

async fn delete(app: &App, caller: &Caller, child_id: Uuid) -> Result<()> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let child = store::lock(&mut tx, &app.cipher, child_id, parent.id).await?.ok_or_else(not_found)?;
    erase(&mut tx, caller, parent.id, child.id, child.version).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

async fn birth(app: &App, caller: &Caller, child_id: Uuid) -> Result<Birth> {
    let mut conn = app.pool.acquire().await?;
    let caregiver_id = caregiver(&mut conn, caller, child_id).await?;
    store::find_birth(&mut conn, child_id, caregiver_id).await?.ok_or_else(not_found)
}

/// With whose eyes the caller sees the child: a parent with the own, a therapist with those of the owner who shares it.
async fn caregiver(conn: &mut PgConnection, caller: &Caller, child_id: Uuid) -> Result<Uuid> {
    let user = caller.user()?;
    match user.role {
        Role::Parent => Ok(user.id),
        Role::Therapist => care::sharer(conn, user.id, child_id).await?.ok_or_else(not_found),
        Role::Admin => Err(Error::permission_denied()),
    }
}

/// Whether the consents allow a child of the caller to be shared with a therapist.
async fn may_share(app: &App, caller: &Caller, child_id: Uuid) -> Result<bool> {
    let parent = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    store::find_birth(&mut conn, child_id, parent.id).await?.ok_or_else(not_found)?;
    for kind in [Kind::Guardian, Kind::ChildSensitiveData] {
        if !consent::in_force(&mut conn, parent.id, kind).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn accesses(app: &App, caller: &Caller, child_id: Uuid, page: Page) -> Result<(Vec<Access>, i64)> {
    let parent = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    store::find_birth(&mut conn, child_id, parent.id).await?.ok_or_else(not_found)?;
    let accesses = store::list_accesses(&mut conn, child_id, page).await?;
    let total = store::count_accesses(&mut conn, child_id).await?;
    Ok((accesses, total))
}

/// Erases all children of an account that is being erased.
pub(crate) async fn erase_all(conn: &mut PgConnection, caller: &Caller, user_id: Uuid) -> Result<()> {
    for (child_id, version) in store::lock_owned(conn, user_id).await? {
        erase(conn, caller, user_id, child_id, version).await?;
    }
    Ok(())
}

async fn erase(conn: &mut PgConnection, caller: &Caller, owner_id: Uuid, child_id: Uuid, version: i64) -> Result<()> {
    store::delete(conn, child_id).await?;
    audit::record(conn, caller, &Act::done("child.deleted", owner_id, "child", child_id)).await?;
    let aggregate = Aggregate { kind: "child", id: child_id, seq: version + 1 };
    let event = ChildDeleted { child_id: child_id.to_string(), user_id: owner_id.to_string() };
    let context = Context {
        request_id: Some(caller.request_id.clone()),
        actor: Some(owner_id.to_string()),
        ..Context::default()
    };
    publish(conn, aggregate, &event, &context).await?;
    Ok(())
}

/// Every answer that carries sensitive texts leaves a line for the parent to see.
async fn log_access(
    conn: &mut PgConnection,
    caller: &Caller,
    actor: &User,
    child: &Child,
    purpose: &'static str,
) -> Result<()> {
    let fields = child.details.sensitive();
    if fields.is_empty() {
        return Ok(());
    }
    let access = Access {
        id: Uuid::now_v7(),
        actor_id: actor.id,
        actor_role: actor.role.as_str().to_owned(),
        fields,
        purpose: purpose.to_owned(),
        request_id: caller.request_id.clone(),
        created_at: Utc::now(),
    };
    store::insert_access(conn, child.id, &access).await
}

/// Writes down what was read of a child in another service, as an event told it.
pub(crate) async fn record_reported(conn: &mut PgConnection, event: &Delivered<ChildAccessed>) -> Result<(), Failure> {
    let parse = |id: &str| aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"));
    let ChildAccessed { child_id, actor_id, actor_role, fields, purpose } = &event.event;
    let access = Access {
        id: event.id,
        actor_id: parse(actor_id)?,
        actor_role: actor_role.clone(),
        fields: fields.clone(),
        purpose: purpose.clone(),
        request_id: event.context.request_id.clone().unwrap_or_default(),
        created_at: event.time,
    };
    store::insert_access(conn, parse(child_id)?, &access).await?;
    Ok(())
}

fn not_found() -> Error {
    Error::NotFound("child")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn child(weeks: Option<i32>, days: Option<i32>) -> Details {
        Details {
            name: "서아".to_owned(),
            birth_date: NaiveDate::default(),
            gender: Gender::NotStated,
            gestational_weeks: weeks,
            gestational_days: days,
            birth_weight_g: None,
            current_height_mm: None,
            current_weight_g: None,
            medical_history: None,
            family_history: None,
            treatment_history: None,
            notes: None,
        }
    }

    proptest! {
        #[test]
        fn no_change_leaves_days_of_pregnancy_without_weeks(
            weeks: Option<i32>,
            days: Option<i32>,
            new_weeks: Option<Option<i32>>,
            new_days: Option<Option<i32>>,
        ) {
            let old = child(weeks, weeks.and(days));
            let patch = Patch { gestational_weeks: new_weeks, gestational_days: new_days, ..Patch::default() };
            if let Ok(new) = patch.apply(old) {
                prop_assert!(new.gestational_days.is_none() || new.gestational_weeks.is_some());
                prop_assert_eq!(new.gestational_weeks, new_weeks.unwrap_or(weeks));
            }
        }
    }
}
