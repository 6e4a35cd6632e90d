use aipoten_kit::{Caller, Fields, Page};
use aipoten_proto::identity::v1::audit_service_server::AuditService;
use aipoten_proto::identity::v1::{self as proto, ListSecurityEventsRequest, ListSecurityEventsResponse};
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::SecurityEvent;
use crate::App;

#[tonic::async_trait]
impl AuditService for App {
    async fn list_security_events(
        &self,
        request: Request<ListSecurityEventsRequest>,
    ) -> Result<Response<ListSecurityEventsResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (events, total) = super::list_own(self, &caller, page).await?;
        let events = events.into_iter().map(Into::into).collect();
        Ok(Response::new(ListSecurityEventsResponse { events, page_info: Some(page.info(total)) }))
    }
}

impl From<SecurityEvent> for proto::SecurityEvent {
    fn from(event: SecurityEvent) -> Self {
        Self {
            id: event.id.to_string(),
            action: event.action,
            outcome: event.outcome,
            ip: event.ip,
            user_agent: event.user_agent,
            at: Some(timestamp(event.created_at)),
        }
    }
}
