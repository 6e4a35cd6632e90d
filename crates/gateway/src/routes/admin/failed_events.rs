//! Events that a service could not apply.

use aipoten_proto::common::v1::{
    DropFailedEventRequest, FailedEvent, ListFailedEventsRequest, ReplayFailedEventRequest,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_failed_events))
        .routes(routes!(replay_failed_event))
        .routes(routes!(drop_failed_event))
}

/// Events that a service could not apply, the latest failure first
#[utoipa::path(get, path = "/admin/failed-events", tag = "admin", params(ListFailedEventsRequest),
    responses((status = 200, description = "A page of failed events", body = List<FailedEvent>)))]
async fn list_failed_events(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListFailedEventsRequest>,
) -> Answer<List<FailedEvent>> {
    let mut service = gateway.failed_events(query.consumer());
    let answer = service.list_failed_events(call.with(query)).await?.into_inner();
    Ok(list(answer.events, answer.page_info))
}

/// Have a failed event applied again
#[utoipa::path(post, path = "/admin/failed-events/{event_id}/replay", tag = "admin",
    params(("event_id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "The event, waiting to be applied", body = Data<FailedEvent>)))]
async fn replay_failed_event(
    State(gateway): State<Gateway>,
    call: Call,
    Id(event_id): Id,
    Json(body): Json<ReplayFailedEventRequest>,
) -> Answer<Data<FailedEvent>> {
    let mut service = gateway.failed_events(body.consumer());
    let event = service.replay_failed_event(call.with(ReplayFailedEventRequest { event_id, ..body })).await?;
    Ok(data(event.into_inner()))
}

/// Give a failed event up
#[utoipa::path(post, path = "/admin/failed-events/{event_id}/drop", tag = "admin",
    params(("event_id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "The event, given up", body = Data<FailedEvent>)))]
async fn drop_failed_event(
    State(gateway): State<Gateway>,
    call: Call,
    Id(event_id): Id,
    Json(body): Json<DropFailedEventRequest>,
) -> Answer<Data<FailedEvent>> {
    let mut service = gateway.failed_events(body.consumer());
    let event = service.drop_failed_event(call.with(DropFailedEventRequest { event_id, ..body })).await?;
    Ok(data(event.into_inner()))
}
