//! Reports on sessions.

use aipoten_proto::matching::v1::{GetReportRequest, PutReportRequest, Report};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, data};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(get_report, put_report))
}

/// The report of a session
///
/// For its therapist, and once it is handed in for its parent.
#[utoipa::path(get, path = "/consultations/{consultation_id}/report", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The report; a therapist's reading is logged", body = Data<Report>)))]
async fn get_report(State(gateway): State<Gateway>, call: Call, Id(consultation_id): Id) -> Answer<Data<Report>> {
    let ask = GetReportRequest { consultation_id };
    let report = gateway.reports().get_report(call.with(ask)).await?.into_inner();
    Ok(data(report).version(|it| it.version))
}

/// Write the report of a session
///
/// A draft is seen by its therapist alone. What was handed in can be amended; its earlier versions are kept.
#[utoipa::path(put, path = "/consultations/{consultation_id}/report", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The report", body = Data<Report>)))]
async fn put_report(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<PutReportRequest>,
) -> Answer<Data<Report>> {
    let wanted = PutReportRequest { consultation_id, expected_version, ..body };
    let report = gateway.reports().put_report(call.with(wanted)).await?.into_inner();
    Ok(data(report).version(|it| it.version))
}
