//! What was done around accounts, by whom.

use aipoten_proto::identity::v1::{AuditLog, ListAuditLogsRequest};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{List, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::Query;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list_audit_logs))
}

/// The audit log, the newest first
#[utoipa::path(get, path = "/admin/audit-logs", tag = "admin", params(ListAuditLogsRequest),
    responses((status = 200, description = "A page of the log", body = List<AuditLog>)))]
async fn list_audit_logs(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListAuditLogsRequest>,
) -> Answer<List<AuditLog>> {
    let answer = gateway.audit().list_audit_logs(call.with(query)).await?.into_inner();
    Ok(list(answer.logs, answer.page_info))
}
