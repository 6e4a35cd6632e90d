use aipoten_kit::{Caller, Error, Fields, Mask, Page};
use aipoten_proto::common::v1::Gender as ProtoGender;
use aipoten_proto::identity::v1::child_service_server::ChildService;
use aipoten_proto::identity::v1::{
    self as proto, ChildAccess, ChildBirth, ChildSharing, ChildSummary, CreateChildRequest, DeleteChildRequest,
    GetChildBirthRequest, GetChildRequest, GetChildSharingRequest, ListChildAccessesRequest, ListChildAccessesResponse,
    ListChildrenRequest, ListChildrenResponse, UpdateChildRequest,
};
use aipoten_proto::timestamp;
use chrono::{Months, NaiveDate, TimeDelta, Utc};
use tonic::{Request, Response, Status};

use super::{Access, Birth, Child, Details, Gender, Patch, Summary};
use crate::App;

#[tonic::async_trait]
impl ChildService for App {
    async fn create_child(&self, request: Request<CreateChildRequest>) -> Result<Response<proto::Child>, Status> {
        let caller = Caller::of(&request);
        let details = request.into_inner().try_into()?;
        let child = super::create(self, &caller, details).await?;
        Ok(Response::new(child.into()))
    }

    async fn get_child(&self, request: Request<GetChildRequest>) -> Result<Response<proto::Child>, Status> {
        let caller = Caller::of(&request);
        let child_id = Fields::only_uuid("child_id", &request.into_inner().child_id)?;
        let child = super::get(self, &caller, child_id).await?;
        Ok(Response::new(child.into()))
    }

    async fn list_children(
        &self,
        request: Request<ListChildrenRequest>,
    ) -> Result<Response<ListChildrenResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (children, total) = super::list(self, &caller, page).await?;
        let children = children.into_iter().map(Into::into).collect();
        Ok(Response::new(ListChildrenResponse { children, page_info: Some(page.info(total)) }))
    }

    async fn update_child(&self, request: Request<UpdateChildRequest>) -> Result<Response<proto::Child>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let child_id = Fields::only_uuid("child_id", &request.child_id)?;
        let child = super::update(self, &caller, child_id, request.try_into()?).await?;
        Ok(Response::new(child.into()))
    }

    async fn delete_child(&self, request: Request<DeleteChildRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let child_id = Fields::only_uuid("child_id", &request.into_inner().child_id)?;
        super::delete(self, &caller, child_id).await?;
        Ok(Response::new(()))
    }

    async fn get_child_sharing(
        &self,
        request: Request<GetChildSharingRequest>,
    ) -> Result<Response<ChildSharing>, Status> {
        let caller = Caller::of(&request);
        let child_id = Fields::only_uuid("child_id", &request.into_inner().child_id)?;
        let consented = super::may_share(self, &caller, child_id).await?;
        Ok(Response::new(ChildSharing { child_id: child_id.to_string(), consented }))
    }

    async fn get_child_birth(&self, request: Request<GetChildBirthRequest>) -> Result<Response<ChildBirth>, Status> {
        let caller = Caller::of(&request);
        let child_id = Fields::only_uuid("child_id", &request.into_inner().child_id)?;
        let birth = super::birth(self, &caller, child_id).await?;
        Ok(Response::new(ChildBirth { child_id: child_id.to_string(), ..birth.into() }))
    }

    async fn list_child_accesses(
        &self,
        request: Request<ListChildAccessesRequest>,
    ) -> Result<Response<ListChildAccessesResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let child_id = fields.uuid("child_id", &request.child_id);
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (accesses, total) = super::accesses(self, &caller, child_id, page).await?;
        let accesses = accesses.into_iter().map(Into::into).collect();
        Ok(Response::new(ListChildAccessesResponse { accesses, page_info: Some(page.info(total)) }))
    }
}

impl TryFrom<CreateChildRequest> for Details {
    type Error = Error;

    fn try_from(request: CreateChildRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let gender = gender(request.gender());
        fields.check(gender.is_some(), "gender", "required");
        let days_alone = request.gestational_days.is_some() && request.gestational_weeks.is_none();
        fields.check(!days_alone, "gestational_days", "needs_weeks");
        let details = Self {
            name: fields.line("name", &request.name, 80),
            birth_date: birth_date(&mut fields, &request.birth_date),
            gender: gender.unwrap_or(Gender::NotStated),
            gestational_weeks: weeks(&mut fields, request.gestational_weeks),
            gestational_days: days(&mut fields, request.gestational_days),
            birth_weight_g: birth_weight(&mut fields, request.birth_weight_g),
            current_height_mm: height(&mut fields, request.current_height_mm),
            current_weight_g: weight(&mut fields, request.current_weight_g),
            medical_history: history(&mut fields, "medical_history", request.medical_history),
            family_history: history(&mut fields, "family_history", request.family_history),
            treatment_history: history(&mut fields, "treatment_history", request.treatment_history),
            notes: history(&mut fields, "notes", request.notes),
        };
        fields.finish()?;
        Ok(details)
    }
}

/// The fields of a child that a change may name.
const CHANGEABLE: [&str; 12] = [
    "name",
    "birth_date",
    "gender",
    "gestational_weeks",
    "gestational_days",
    "birth_weight_g",
    "current_height_mm",
    "current_weight_g",
    "medical_history",
    "family_history",
    "treatment_history",
    "notes",
];

impl TryFrom<UpdateChildRequest> for Patch {
    type Error = Error;

    fn try_from(mut request: UpdateChildRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let mask = Mask::parse(&mut fields, request.update_mask.take(), &CHANGEABLE);
        let gender = gender(request.gender());
        let fields = &mut fields;
        let patch = Self {
            name: mask.kept(fields, "name", request.name).map(|name| fields.line("name", &name, 80)),
            birth_date: mask.kept(fields, "birth_date", request.birth_date).map(|date| birth_date(fields, &date)),
            gender: mask.kept(fields, "gender", gender),
            gestational_weeks: mask.clearable("gestational_weeks", weeks(fields, request.gestational_weeks)),
            gestational_days: mask.clearable("gestational_days", days(fields, request.gestational_days)),
            birth_weight_g: mask.clearable("birth_weight_g", birth_weight(fields, request.birth_weight_g)),
            current_height_mm: mask.clearable("current_height_mm", height(fields, request.current_height_mm)),
            current_weight_g: mask.clearable("current_weight_g", weight(fields, request.current_weight_g)),
            medical_history: mask
                .clearable("medical_history", history(fields, "medical_history", request.medical_history)),
            family_history: mask.clearable("family_history", history(fields, "family_history", request.family_history)),
            treatment_history: mask
                .clearable("treatment_history", history(fields, "treatment_history", request.treatment_history)),
            notes: mask.clearable("notes", history(fields, "notes", request.notes)),
            expected_version: request.expected_version,
        };
        std::mem::take(fields).finish()?;
        Ok(patch)
    }
}

fn birth_date(fields: &mut Fields, text: &str) -> NaiveDate {
    let date = fields.date("birth_date", text);
    if aipoten_proto::date(text).is_err() {
        return date;
    }
    // The business's day: a child born this morning in Seoul is not born tomorrow in UTC.
    let today = (Utc::now() + TimeDelta::hours(9)).date_naive();
    fields.check(date <= today, "birth_date", "in_the_future");
    let oldest = today.checked_sub_months(Months::new(18 * 12)).unwrap_or(NaiveDate::MIN);
    fields.check(date >= oldest, "birth_date", "too_long_ago years=18");
    date
}

fn weeks(fields: &mut Fields, value: Option<i32>) -> Option<i32> {
    fields.optional_number("gestational_weeks", value, 20..=45)
}

fn days(fields: &mut Fields, value: Option<i32>) -> Option<i32> {
    fields.optional_number("gestational_days", value, 0..=6)
}

fn birth_weight(fields: &mut Fields, value: Option<i32>) -> Option<i32> {
    fields.optional_number("birth_weight_g", value, 200..=9000)
}

fn height(fields: &mut Fields, value: Option<i32>) -> Option<i32> {
    fields.optional_number("current_height_mm", value, 200..=2200)
}

fn weight(fields: &mut Fields, value: Option<i32>) -> Option<i32> {
    fields.optional_number("current_weight_g", value, 200..=200_000)
}

fn history(fields: &mut Fields, field: &str, value: Option<String>) -> Option<String> {
    fields.optional_text(field, value, 4000)
}

/// `None` for unspecified.
fn gender(gender: ProtoGender) -> Option<Gender> {
    match gender {
        ProtoGender::Unspecified => None,
        ProtoGender::Male => Some(Gender::Male),
        ProtoGender::Female => Some(Gender::Female),
        ProtoGender::NotStated => Some(Gender::NotStated),
    }
}

impl From<Gender> for ProtoGender {
    fn from(gender: Gender) -> Self {
        match gender {
            Gender::Male => Self::Male,
            Gender::Female => Self::Female,
            Gender::NotStated => Self::NotStated,
        }
    }
}

impl From<Child> for proto::Child {
    fn from(child: Child) -> Self {
        let details = child.details;
        Self {
            id: child.id.to_string(),
            name: details.name,
            birth_date: details.birth_date.to_string(),
            gender: ProtoGender::from(details.gender).into(),
            gestational_weeks: details.gestational_weeks,
            gestational_days: details.gestational_days,
            birth_weight_g: details.birth_weight_g,
            current_height_mm: details.current_height_mm,
            current_weight_g: details.current_weight_g,
            medical_history: details.medical_history,
            family_history: details.family_history,
            treatment_history: details.treatment_history,
            notes: details.notes,
            created_at: Some(timestamp(child.created_at)),
            updated_at: Some(timestamp(child.updated_at)),
            version: child.version,
        }
    }
}

impl From<Summary> for ChildSummary {
    fn from(child: Summary) -> Self {
        Self {
            id: child.id.to_string(),
            name: child.name,
            birth_date: child.birth_date.to_string(),
            gender: ProtoGender::from(child.gender).into(),
        }
    }
}

impl From<Birth> for ChildBirth {
    fn from(birth: Birth) -> Self {
        Self {
            child_id: String::new(),
            birth_date: birth.birth_date.to_string(),
            gender: ProtoGender::from(birth.gender).into(),
            gestational_weeks: birth.gestational_weeks,
            gestational_days: birth.gestational_days,
        }
    }
}

impl From<Access> for ChildAccess {
    fn from(access: Access) -> Self {
        Self {
            id: access.id.to_string(),
            actor_id: access.actor_id.to_string(),
            actor_role: access.actor_role,
            fields: access.fields,
            purpose: access.purpose,
            request_id: access.request_id,
            at: Some(timestamp(access.created_at)),
        }
    }
}
