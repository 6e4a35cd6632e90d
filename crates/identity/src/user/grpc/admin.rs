//! Requests of administrators.

use aipoten_kit::{Error, Fields, Page, Role};
use aipoten_proto::identity::v1::{self as proto, ListUsersRequest, UpdateUserRequest, UserStatus};

use crate::user::Status;
use crate::user::admin::{Decision, Filter};

const SORTS: [&str; 6] = ["created_at", "-created_at", "email", "-email", "last_login_at", "-last_login_at"];

pub(super) fn filter(request: ListUsersRequest) -> Result<(Page, Filter), Error> {
    let mut fields = Fields::new();
    let page = Page::parse(&mut fields, request.page, request.limit);
    let role = request.role.and_then(|it| role(&mut fields, it));
    let status = request.status.and_then(|it| status(&mut fields, it));
    let sort = request.sort.unwrap_or_else(|| "-created_at".to_owned());
    fields.check(SORTS.contains(&sort.as_str()), "sort", "unknown_sort");
    let filter = Filter { role, status, q: fields.optional_text("q", request.q, 80), sort };
    fields.finish()?;
    Ok((page, filter))
}

impl TryFrom<UpdateUserRequest> for Decision {
    type Error = Error;

    fn try_from(request: UpdateUserRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let decision = Self {
            user_id: fields.uuid("user_id", &request.user_id),
            status: request.status.and_then(|it| status(&mut fields, it)),
            role: request.role.and_then(|it| role(&mut fields, it)),
            reason: fields.text("reason", &request.reason, 500),
            expected_version: request.expected_version,
        };
        let nothing = request.status.is_none() && request.role.is_none();
        fields.check(!nothing, "status", "nothing_to_change");
        fields.finish()?;
        Ok(decision)
    }
}

fn role(fields: &mut Fields, role: i32) -> Option<Role> {
    match proto::Role::try_from(role) {
        Ok(proto::Role::Parent) => Some(Role::Parent),
        Ok(proto::Role::Therapist) => Some(Role::Therapist),
        Ok(proto::Role::Admin) => Some(Role::Admin),
        Ok(proto::Role::Unspecified) | Err(_) => {
            fields.violate("role", "one_of values=parent,therapist,admin");
            None
        }
    }
}

/// Erased accounts are named no more.
fn status(fields: &mut Fields, status: i32) -> Option<Status> {
    match UserStatus::try_from(status) {
        Ok(UserStatus::Active) => Some(Status::Active),
        Ok(UserStatus::Suspended) => Some(Status::Suspended),
        Ok(UserStatus::Unspecified | UserStatus::Deleted) | Err(_) => {
            fields.violate("status", "one_of values=active,suspended");
            None
        }
    }
}
