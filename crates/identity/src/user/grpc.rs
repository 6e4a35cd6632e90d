mod address;
mod admin;
mod link;

use aipoten_kit::{Caller, Error, Fields, Locale, Mask, Page, Role};
use aipoten_proto::common::v1::Locale as ProtoLocale;
use aipoten_proto::identity::v1::user_service_server::UserService;
use aipoten_proto::identity::v1::{
    self as proto, ChangeEmailRequest, ChangePasswordRequest, DeleteMeRequest, DeleteUserRequest, GetMeRequest,
    GivenConsent, ListErasuresRequest, ListErasuresResponse, ListUsersRequest, ListUsersResponse, RegisterUserRequest,
    RequestEmailChangeRequest, RequestEmailVerificationRequest, RequestPasswordResetRequest, ResetPasswordRequest,
    UpdateMeRequest, UpdateUserRequest, UserStatus, VerifyEmailRequest,
};
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status as GrpcStatus};

use self::address::{email, phone};
use super::register::{self, Registration};
use super::{PasswordChange, Patch, Status, User, erase, reset};
use crate::consent::{self, Kind, Method, NewConsent};
use crate::{App, config, password};

#[tonic::async_trait]
impl UserService for App {
    async fn register_user(&self, request: Request<RegisterUserRequest>) -> Result<Response<proto::User>, GrpcStatus> {
        let caller = Caller::of(&request);
        let registration = registration(request.into_inner(), &self.config.password)?;
        let user = register::register(self, &caller, registration).await?;
        Ok(Response::new(user.into()))
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<proto::User>, GrpcStatus> {
        let user = super::get_own(self, &Caller::of(&request)).await?;
        Ok(Response::new(user.into()))
    }

    async fn update_me(&self, request: Request<UpdateMeRequest>) -> Result<Response<proto::User>, GrpcStatus> {
        let caller = Caller::of(&request);
        let patch = request.into_inner().try_into()?;
        let user = super::update_own(self, &caller, patch).await?;
        Ok(Response::new(user.into()))
    }

    async fn delete_me(&self, request: Request<DeleteMeRequest>) -> Result<Response<()>, GrpcStatus> {
        erase::request(self, &Caller::of(&request)).await?;
        Ok(Response::new(()))
    }

    async fn change_password(&self, request: Request<ChangePasswordRequest>) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let change = password_change(request.into_inner(), &self.config.password)?;
        super::change_password(self, &caller, change).await?;
        Ok(Response::new(()))
    }

    async fn request_email_verification(
        &self,
        request: Request<RequestEmailVerificationRequest>,
    ) -> Result<Response<()>, GrpcStatus> {
        super::email::request_verification(self, &Caller::of(&request)).await?;
        Ok(Response::new(()))
    }

    async fn verify_email(&self, request: Request<VerifyEmailRequest>) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let token = link::token(&request.into_inner().token)?;
        super::email::verify(self, &caller, &token).await?;
        Ok(Response::new(()))
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let request = request.into_inner().try_into()?;
        reset::request(self, &caller, request).await?;
        Ok(Response::new(()))
    }

    async fn reset_password(&self, request: Request<ResetPasswordRequest>) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let new = link::reset(request.into_inner(), &self.config.password)?;
        reset::reset(self, &caller, new).await?;
        Ok(Response::new(()))
    }

    async fn request_email_change(
        &self,
        request: Request<RequestEmailChangeRequest>,
    ) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let change = request.into_inner().try_into()?;
        super::email::request_change(self, &caller, change).await?;
        Ok(Response::new(()))
    }

    async fn change_email(&self, request: Request<ChangeEmailRequest>) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let token = link::token(&request.into_inner().token)?;
        super::email::change(self, &caller, &token).await?;
        Ok(Response::new(()))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, GrpcStatus> {
        let caller = Caller::of(&request);
        let (page, filter) = admin::filter(request.into_inner())?;
        let (users, total) = super::admin::list(self, &caller, page, &filter).await?;
        let users = users.into_iter().map(Into::into).collect();
        Ok(Response::new(ListUsersResponse { users, page_info: Some(page.info(total)) }))
    }

    async fn update_user(&self, request: Request<UpdateUserRequest>) -> Result<Response<proto::User>, GrpcStatus> {
        let caller = Caller::of(&request);
        let decision = request.into_inner().try_into()?;
        let user = super::admin::update(self, &caller, decision).await?;
        Ok(Response::new(user.into()))
    }

    async fn list_erasures(
        &self,
        request: Request<ListErasuresRequest>,
    ) -> Result<Response<ListErasuresResponse>, GrpcStatus> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (erasures, total) = erase::list(self, &caller, page).await?;
        let erasures = erasures.into_iter().map(Into::into).collect();
        Ok(Response::new(ListErasuresResponse { erasures, page_info: Some(page.info(total)) }))
    }

    async fn delete_user(&self, request: Request<DeleteUserRequest>) -> Result<Response<()>, GrpcStatus> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let user_id = fields.uuid("user_id", &request.user_id);
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        super::admin::erase(self, &caller, user_id, &reason).await?;
        Ok(Response::new(()))
    }
}

fn password_change(request: ChangePasswordRequest, rules: &config::Password) -> Result<PasswordChange, Error> {
    let mut fields = Fields::new();
    let (current, new) = (request.current_password, request.new_password);
    fields.check(!current.is_empty(), "current_password", "required");
    fields.check(current.chars().count() <= 128, "current_password", "too_long max=128");
    password::check(&mut fields, "new_password", &new, rules);
    fields.check(new.is_empty() || new != current, "new_password", "password_unchanged");
    fields.finish()?;
    Ok(PasswordChange { current: current.into(), new: new.into() })
}

fn registration(request: RegisterUserRequest, rules: &config::Password) -> Result<Registration, Error> {
    let mut fields = Fields::new();
    let email = email(&mut fields, "email", &request.email);
    password::check(&mut fields, "password", &request.password, rules);
    password::check_personal(&mut fields, "password", &request.password, &email);
    let role = match request.role() {
        proto::Role::Parent => Role::Parent,
        proto::Role::Therapist => Role::Therapist,
        proto::Role::Unspecified | proto::Role::Admin => {
            fields.violate("role", "one_of values=parent,therapist");
            Role::Parent
        }
    };
    let locale = locale(request.locale());
    let name = fields.line("name", &request.name, 80);
    let phone = phone(&mut fields, request.phone);
    let consents = consents(&mut fields, &request.consents);
    fields.finish()?;
    Ok(Registration { email, password: request.password.into(), name, phone, role, locale, consents })
}

fn consents(fields: &mut Fields, given: &[GivenConsent]) -> Vec<NewConsent> {
    let mut consents: Vec<NewConsent> = Vec::new();
    if given.len() > 10 {
        fields.violate("consents", "too_many max=10");
        return consents;
    }
    for (at, consent) in given.iter().enumerate() {
        let text_version = fields.line(&format!("consents[{at}].text_version"), &consent.text_version, 40);
        let kind = consent::parse_kind(consent.kind());
        let registrable = kind.filter(|kind| matches!(kind, Kind::Terms | Kind::Privacy | Kind::Marketing));
        match registrable {
            Some(kind) if consents.iter().all(|it| it.kind != kind) => {
                consents.push(NewConsent { kind, text_version, method: Method::Web, evidence: None });
            }
            Some(_) => fields.violate(&format!("consents[{at}].kind"), "duplicate"),
            None => fields.violate(&format!("consents[{at}].kind"), "one_of values=terms,privacy,marketing"),
        }
    }
    for (kind, rule) in [(Kind::Terms, "consent_missing kind=terms"), (Kind::Privacy, "consent_missing kind=privacy")] {
        fields.check(consents.iter().any(|it| it.kind == kind), "consents", rule);
    }
    consents
}

/// `None` for unspecified.
fn locale(locale: ProtoLocale) -> Option<Locale> {
    match locale {
        ProtoLocale::Unspecified => None,
        ProtoLocale::Ko => Some(Locale::Ko),
        ProtoLocale::En => Some(Locale::En),
    }
}

impl TryFrom<UpdateMeRequest> for Patch {
    type Error = Error;

    fn try_from(mut request: UpdateMeRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let mask = Mask::parse(&mut fields, request.update_mask.take(), &["name", "phone", "locale"]);
        let spoken = locale(request.locale());
        let patch = Self {
            name: mask.kept(&mut fields, "name", request.name).map(|name| fields.line("name", &name, 80)),
            phone: mask.clearable("phone", request.phone).map(|text| phone(&mut fields, text)),
            locale: mask.kept(&mut fields, "locale", spoken),
            expected_version: request.expected_version,
        };
        fields.finish()?;
        Ok(patch)
    }
}

fn told(role: Role) -> proto::Role {
    match role {
        Role::Parent => proto::Role::Parent,
        Role::Therapist => proto::Role::Therapist,
        Role::Admin => proto::Role::Admin,
    }
}

impl From<erase::Erasure> for proto::Erasure {
    fn from(erasure: erase::Erasure) -> Self {
        Self {
            user_id: erasure.user_id.to_string(),
            role: told(erasure.role).into(),
            begun_at: Some(timestamp(erasure.begun_at)),
            cleared_by: erasure.cleared_by,
        }
    }
}

impl From<User> for proto::User {
    fn from(user: User) -> Self {
        let status = match user.status {
            Status::Active => UserStatus::Active,
            Status::Suspended => UserStatus::Suspended,
            Status::Deleted => UserStatus::Deleted,
        };
        let locale = match user.locale {
            Locale::Ko => ProtoLocale::Ko,
            Locale::En => ProtoLocale::En,
        };
        Self {
            id: user.id.to_string(),
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            name: user.name,
            phone: user.phone,
            role: told(user.role).into(),
            status: status.into(),
            locale: locale.into(),
            last_login_at: user.last_login_at.map(timestamp),
            created_at: Some(timestamp(user.created_at)),
            updated_at: Some(timestamp(user.updated_at)),
            version: user.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_the_reading_of_a_registration_panic(email in ".*", phone in ".*", name in ".*", role: i32, locale: i32) {
            let request = RegisterUserRequest { email, phone: Some(phone), name, role, locale, ..RegisterUserRequest::default() };
            prop_assert!(registration(request, &config::Password::default()).is_err());
        }
    }
}
