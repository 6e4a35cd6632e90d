use aipoten_kit::{Caller, Error, Fields};
use aipoten_proto::identity::v1::session_service_server::SessionService;
use aipoten_proto::identity::v1::{
    self as proto, CheckSessionRequest, CheckSessionResponse, CreateSessionRequest, CurrentSession,
    DeleteSessionRequest, EndAllSessionsRequest, EndCurrentSessionRequest, GetCurrentSessionRequest,
    ListRevocationsRequest, ListRevocationsResponse, ListSessionsRequest, ListSessionsResponse, RefreshSessionRequest,
    SignIn,
};
use aipoten_proto::timestamp;
use chrono::{DateTime, Utc};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::end::Revocation;
use super::sign_in::Attempt;
use super::{Session, Tokens, end, refresh, sign_in};
use crate::App;

#[tonic::async_trait]
impl SessionService for App {
    async fn create_session(&self, request: Request<CreateSessionRequest>) -> Result<Response<SignIn>, Status> {
        let caller = Caller::of(&request);
        let attempt = request.into_inner().try_into()?;
        let (user, tokens) = sign_in::sign_in(self, &caller, attempt).await?;
        Ok(Response::new(SignIn { user: Some(user.into()), tokens: Some(tokens.into()) }))
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Result<Response<proto::Tokens>, Status> {
        let caller = Caller::of(&request);
        let token = request.into_inner().refresh_token;
        if token.is_empty() {
            return Err(Error::invalid("refresh_token", "required").into());
        }
        let tokens = refresh::refresh(self, &caller, &token).await?;
        Ok(Response::new(tokens.into()))
    }

    async fn end_current_session(&self, request: Request<EndCurrentSessionRequest>) -> Result<Response<()>, Status> {
        end::end_current(self, &Caller::of(&request)).await?;
        Ok(Response::new(()))
    }

    async fn end_all_sessions(&self, request: Request<EndAllSessionsRequest>) -> Result<Response<()>, Status> {
        end::end_all(self, &Caller::of(&request)).await?;
        Ok(Response::new(()))
    }

    async fn get_current_session(
        &self,
        request: Request<GetCurrentSessionRequest>,
    ) -> Result<Response<CurrentSession>, Status> {
        let caller = Caller::of(&request);
        let (user, session) = super::current(self, &caller).await?;
        let permissions = super::permissions(user.role).iter().map(|it| (*it).to_owned()).collect();
        let current = Some(session.id);
        Ok(Response::new(CurrentSession {
            user: Some(user.into()),
            session: Some(session.into_proto(current)),
            permissions,
        }))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = Caller::of(&request);
        let current = caller.user.as_ref().map(|user| user.session_id);
        let sessions = super::list(self, &caller).await?;
        let sessions = sessions.into_iter().map(|session| session.into_proto(current)).collect();
        Ok(Response::new(ListSessionsResponse { sessions }))
    }

    async fn delete_session(&self, request: Request<DeleteSessionRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let session_id = Fields::only_uuid("session_id", &request.into_inner().session_id)?;
        end::end_one(self, &caller, session_id).await?;
        Ok(Response::new(()))
    }

    async fn list_revocations(
        &self,
        request: Request<ListRevocationsRequest>,
    ) -> Result<Response<ListRevocationsResponse>, Status> {
        let after = request.into_inner().after;
        let after = after.and_then(|it| DateTime::from_timestamp(it.seconds, it.nanos.try_into().unwrap_or(0)));
        let revocations = end::revocations(self, after).await?;
        let revocations = revocations.into_iter().map(Into::into).collect();
        Ok(Response::new(ListRevocationsResponse { revocations }))
    }

    async fn check_session(
        &self,
        request: Request<CheckSessionRequest>,
    ) -> Result<Response<CheckSessionResponse>, Status> {
        let session_id = Fields::only_uuid("session_id", &request.into_inner().session_id)?;
        Ok(Response::new(CheckSessionResponse { live: super::is_live(self, session_id).await? }))
    }
}

impl TryFrom<CreateSessionRequest> for Attempt {
    type Error = Error;

    fn try_from(request: CreateSessionRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let email = fields.line("email", &request.email, 254);
        let length = request.password.chars().count();
        fields.check(length > 0, "password", "required");
        fields.check(length <= 128, "password", "too_long max=128");
        let device_label = request.device_label.map(|it| fields.line("device_label", &it, 80));
        fields.finish()?;
        let captcha = request.captcha.map(Into::into);
        Ok(Self { email, password: request.password.into(), device_label, captcha })
    }
}

impl From<Tokens> for proto::Tokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            token_type: "Bearer".to_owned(),
            expires_in: tokens.access_s,
            refresh_token: tokens.refresh,
            refresh_expires_in: (tokens.refresh_expires_at - Utc::now()).num_seconds(),
            session_id: tokens.session_id.to_string(),
        }
    }
}

impl Session {
    fn into_proto(self, current: Option<Uuid>) -> proto::Session {
        let expires_at = Some(timestamp(self.expires_at()));
        proto::Session {
            id: self.id.to_string(),
            device_label: self.device_label,
            user_agent: self.user_agent,
            ip: self.ip,
            current: current == Some(self.id),
            created_at: Some(timestamp(self.created_at)),
            last_seen_at: Some(timestamp(self.last_seen_at)),
            expires_at,
        }
    }
}

impl From<Revocation> for proto::Revocation {
    fn from(revocation: Revocation) -> Self {
        Self {
            session_id: revocation.session_id.to_string(),
            revoked_at: Some(timestamp(revocation.revoked_at)),
            expires_at: Some(timestamp(revocation.expires_at)),
        }
    }
}
