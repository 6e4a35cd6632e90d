use aipoten_kit::{Caller, Error, Fields};
use aipoten_proto::identity::v1::service_token_service_server::ServiceTokenService;
use aipoten_proto::identity::v1::{IssueServiceTokenRequest, ServiceToken};
use tonic::{Request, Response, Status};

use super::{Credentials, LIFE_S, is_name};
use crate::App;

#[tonic::async_trait]
impl ServiceTokenService for App {
    async fn issue_service_token(
        &self,
        request: Request<IssueServiceTokenRequest>,
    ) -> Result<Response<ServiceToken>, Status> {
        let caller = Caller::of(&request);
        let credentials = request.into_inner().try_into()?;
        let token = super::issue(self, &caller, credentials).await?;
        Ok(Response::new(ServiceToken { token, expires_in: LIFE_S }))
    }
}

impl TryFrom<IssueServiceTokenRequest> for Credentials {
    type Error = Error;

    fn try_from(request: IssueServiceTokenRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let mut name = |field: &str, text: &str| {
            let text = fields.line(field, text, 40);
            fields.check(text.is_empty() || is_name(&text), field, "invalid");
            text
        };
        let (service, callee) = (name("service", &request.service), name("audience", &request.audience));
        fields.check(!request.secret.is_empty(), "secret", "required");
        fields.finish()?;
        Ok(Self { service, secret: request.secret.into(), callee })
    }
}
