use aipoten_kit::{Caller, Fields, Page};
use aipoten_proto::identity::v1::audit_service_server::AuditService;
use aipoten_proto::identity::v1::{
    self as proto, AuditLog, ListAuditLogsRequest, ListAuditLogsResponse, ListSecurityEventsRequest,
    ListSecurityEventsResponse,
};
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::chain::Record;
use super::{Filter, SecurityEvent};
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

    async fn list_audit_logs(
        &self,
        request: Request<ListAuditLogsRequest>,
    ) -> Result<Response<ListAuditLogsResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let filter = Filter {
            actor_id: request.actor_id.map(|it| fields.uuid("actor_id", &it)),
            action: fields.optional_text("action", request.action, 80),
            resource: fields.optional_text("resource", request.resource, 80),
            resource_id: request.resource_id.map(|it| fields.uuid("resource_id", &it)),
            from: request.from.map(|it| fields.date("from", &it)),
            to: request.to.map(|it| fields.date("to", &it)),
        };
        fields.finish()?;
        let (logs, total) = super::list_all(self, &caller, page, &filter).await?;
        let logs = logs.into_iter().map(Into::into).collect();
        Ok(Response::new(ListAuditLogsResponse { logs, page_info: Some(page.info(total)) }))
    }
}

impl From<Record> for AuditLog {
    fn from(record: Record) -> Self {
        Self {
            id: record.id.to_string(),
            actor_id: record.actor_id.map(|it| it.to_string()),
            actor_role: record.actor_role,
            action: record.action,
            resource: record.resource,
            resource_id: record.resource_id.map(|it| it.to_string()),
            outcome: record.outcome,
            ip: record.ip,
            user_agent: record.user_agent,
            request_id: record.request_id,
            metadata_json: record.metadata,
            at: Some(timestamp(record.created_at)),
        }
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
