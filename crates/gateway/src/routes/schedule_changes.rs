//! Wishes to hold a session at another time.

use aipoten_proto::matching::v1::{
    CreateScheduleChangeRequest, ListScheduleChangesRequest, ScheduleChange, UpdateScheduleChangeRequest,
};
use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, data};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, Json};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_schedule_changes, create_schedule_change))
        .routes(routes!(update_schedule_change))
}

/// The wishes for another time of a session
#[utoipa::path(get, path = "/consultations/{consultation_id}/schedule-changes", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The wishes, the newest first", body = Data<Vec<ScheduleChange>>)))]
async fn list_schedule_changes(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<Vec<ScheduleChange>>> {
    let ask = ListScheduleChangesRequest { consultation_id };
    Ok(data(gateway.schedule_changes().list_schedule_changes(call.with(ask)).await?.into_inner().schedule_changes))
}

/// Ask the other side for another time
#[utoipa::path(post, path = "/consultations/{consultation_id}/schedule-changes", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 201, description = "The new wish", body = Data<ScheduleChange>)))]
async fn create_schedule_change(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    Json(body): Json<CreateScheduleChangeRequest>,
) -> Answer<(StatusCode, Data<ScheduleChange>)> {
    let wish = CreateScheduleChangeRequest { consultation_id, ..body };
    let change = gateway.schedule_changes().create_schedule_change(call.with(wish)).await?.into_inner();
    Ok((StatusCode::CREATED, data(change)))
}

/// Approve with one of the times, reject, or take back
#[utoipa::path(patch, path = "/schedule-changes/{schedule_change_id}", tag = "consultations",
    params(("schedule_change_id" = Uuid, Path, description = "The wish")),
    responses((status = 200, description = "The answered wish", body = Data<ScheduleChange>)))]
async fn update_schedule_change(
    State(gateway): State<Gateway>,
    call: Call,
    Id(schedule_change_id): Id,
    Json(body): Json<UpdateScheduleChangeRequest>,
) -> Answer<Data<ScheduleChange>> {
    let answer = UpdateScheduleChangeRequest { schedule_change_id, ..body };
    Ok(data(gateway.schedule_changes().update_schedule_change(call.with(answer)).await?.into_inner()))
}
