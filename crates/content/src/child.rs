//! What identity says about a child, asked with the caller's own token. No copy is kept.

use std::time::Duration;

use aipoten_events::{Aggregate, publish};
use aipoten_kit::{Caller, Error, Line, Result, Role};
use aipoten_proto::common::v1::{ChildAccessed, Gender};
use aipoten_proto::identity::v1::{
    ChildBirth, ChildSummary, GetChildBirthRequest, ListChildrenRequest, child_service_client::ChildServiceClient,
};
use anyhow::Context as _;
use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::age::Birth;
use crate::growth::Sex;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Child {
    pub(crate) birth: Birth,
    /// `None`: not stated.
    pub(crate) sex: Option<Sex>,
}

/// A child as people speak of it.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) birth_date: NaiveDate,
    /// `None`: not stated.
    pub(crate) sex: Option<Sex>,
}

/// The child, or not found where it is neither the caller's nor shared with them.
pub(crate) async fn get(identity: &ChildServiceClient<Line>, caller: &Caller, child_id: Uuid) -> Result<Child> {
    let mut request = caller.forward(GetChildBirthRequest { child_id: child_id.to_string() });
    request.set_timeout(TIMEOUT);
    let answer = identity.clone().get_child_birth(request).await.map_err(|status| match Error::from(status) {
        Error::NotFound(_) => Error::NotFound("child"),
        error => error,
    })?;
    Ok(parse(&answer.into_inner())?)
}

/// Tells identity that a therapist read what is sensitive of a child. A parent's reading is nobody's business.
pub(crate) async fn log_access(
    conn: &mut PgConnection,
    caller: &Caller,
    child_id: Uuid,
    fields: &[&str],
    purpose: &'static str,
) -> Result<()> {
    let user = caller.user()?;
    if user.role != Role::Therapist {
        return Ok(());
    }
    let event = ChildAccessed {
        child_id: child_id.to_string(),
        actor_id: user.id.to_string(),
        actor_role: user.role.as_str().to_owned(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        purpose: purpose.to_owned(),
    };
    publish(conn, Aggregate { kind: "child", id: child_id, seq: 0 }, &event, &caller.into()).await?;
    Ok(())
}

/// The child with its name. Asked for in the list, as a single child comes with its medical history, which nobody needs here.
pub(crate) async fn named(identity: &ChildServiceClient<Line>, caller: &Caller, child_id: Uuid) -> Result<Named> {
    // More than anybody has.
    let mut request = caller.forward(ListChildrenRequest { limit: Some(100), ..ListChildrenRequest::default() });
    request.set_timeout(TIMEOUT);
    let children = identity.clone().list_children(request).await?.into_inner().children;
    let child = children.into_iter().find(|child| child.id == child_id.to_string());
    Ok(parse_named(child.ok_or(Error::NotFound("child"))?)?)
}

fn parse_named(child: ChildSummary) -> anyhow::Result<Named> {
    let birth_date = aipoten_proto::date(&child.birth_date).ok().context("identity answered no date of birth")?;
    Ok(Named { birth_date, sex: sex(child.gender()), name: child.name })
}

fn sex(gender: Gender) -> Option<Sex> {
    match gender {
        Gender::Male => Some(Sex::Male),
        Gender::Female => Some(Sex::Female),
        Gender::NotStated | Gender::Unspecified => None,
    }
}

fn parse(child: &ChildBirth) -> anyhow::Result<Child> {
    let date = aipoten_proto::date(&child.birth_date).ok().context("identity answered no date of birth")?;
    let days = u32::try_from(child.gestational_days.unwrap_or(0))?;
    let gestation_days =
        child.gestational_weeks.map(|weeks| anyhow::Ok(u32::try_from(weeks)? * 7 + days)).transpose()?;
    Ok(Child { birth: Birth { date, gestation_days }, sex: sex(child.gender()) })
}
