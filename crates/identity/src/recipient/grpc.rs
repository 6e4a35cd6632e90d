use aipoten_kit::{Caller, Fields, Locale, Role};
use aipoten_proto::common::v1::Locale as ProtoLocale;
use aipoten_proto::identity::v1::recipient_service_server::RecipientService;
use aipoten_proto::identity::v1::{
    self as proto, ChildBirthDate, GetRecipientRequest, IssueMailTokenRequest, ListChildBirthsRequest,
    ListChildBirthsResponse, ListRecipientIdsRequest, ListRecipientIdsResponse, MailPurpose,
};
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Birth, Recipient};
use crate::App;
use crate::mail_token::{MailToken, Purpose};

#[tonic::async_trait]
impl RecipientService for App {
    async fn get_recipient(&self, request: Request<GetRecipientRequest>) -> Result<Response<proto::Recipient>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let user_id = fields.uuid("user_id", &request.user_id);
        let purpose = request.purpose.map(|it| purpose(&mut fields, it));
        fields.finish()?;
        let recipient = super::get(self, &caller, user_id, purpose).await?;
        Ok(Response::new(recipient.into()))
    }

    async fn issue_mail_token(
        &self,
        request: Request<IssueMailTokenRequest>,
    ) -> Result<Response<proto::MailToken>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let user_id = fields.uuid("user_id", &request.user_id);
        let purpose = purpose(&mut fields, request.purpose);
        fields.finish()?;
        let token = super::issue_mail_token(self, &caller, user_id, purpose).await?;
        Ok(Response::new(token.into()))
    }

    async fn list_recipient_ids(
        &self,
        request: Request<ListRecipientIdsRequest>,
    ) -> Result<Response<ListRecipientIdsResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let role = role(&mut fields, &request.role);
        let after = after(&mut fields, &request.after);
        fields.finish()?;
        let ids = super::list_ids(self, &caller, role, after).await?;
        let user_ids = ids.iter().map(Uuid::to_string).collect();
        Ok(Response::new(ListRecipientIdsResponse { user_ids }))
    }

    async fn list_child_births(
        &self,
        request: Request<ListChildBirthsRequest>,
    ) -> Result<Response<ListChildBirthsResponse>, Status> {
        let caller = Caller::of(&request);
        let mut fields = Fields::new();
        let after = after(&mut fields, &request.into_inner().after);
        fields.finish()?;
        let births = super::list_births(self, &caller, after).await?;
        Ok(Response::new(ListChildBirthsResponse { births: births.into_iter().map(Into::into).collect() }))
    }
}

fn purpose(fields: &mut Fields, purpose: i32) -> Purpose {
    match MailPurpose::try_from(purpose) {
        Ok(MailPurpose::VerifyEmail) => Purpose::VerifyEmail,
        Ok(MailPurpose::ResetPassword) => Purpose::ResetPassword,
        Ok(MailPurpose::ChangeEmail) => Purpose::ChangeEmail,
        Ok(MailPurpose::Unspecified) | Err(_) => {
            fields.violate("purpose", "one_of values=verify_email,reset_password,change_email");
            Purpose::VerifyEmail
        }
    }
}

fn role(fields: &mut Fields, role: &str) -> Role {
    match role {
        "admin" => Role::Admin,
        "therapist" => Role::Therapist,
        "parent" => Role::Parent,
        _ => {
            fields.violate("role", "one_of values=admin,parent,therapist");
            Role::Parent
        }
    }
}

/// Nothing begins with the first.
fn after(fields: &mut Fields, after: &str) -> Uuid {
    if after.is_empty() { Uuid::nil() } else { fields.uuid("after", after) }
}

impl From<Recipient> for proto::Recipient {
    fn from(recipient: Recipient) -> Self {
        let locale = match recipient.locale {
            Locale::Ko => ProtoLocale::Ko,
            Locale::En => ProtoLocale::En,
        };
        Self {
            user_id: recipient.user_id.to_string(),
            email: recipient.email,
            is_email_verified: recipient.is_email_verified,
            phone: recipient.phone.unwrap_or_default(),
            locale: locale.into(),
            former_emails: recipient.former_emails,
        }
    }
}

impl From<MailToken> for proto::MailToken {
    fn from(token: MailToken) -> Self {
        Self { token: token.token, expires_at: Some(timestamp(token.expires_at)), email: token.email }
    }
}

impl From<Birth> for ChildBirthDate {
    fn from(birth: Birth) -> Self {
        Self {
            child_id: birth.child_id.to_string(),
            user_id: birth.user_id.to_string(),
            birth_date: birth.birth_date.to_string(),
            gestational_weeks: birth.gestational_weeks,
        }
    }
}
