//! How children grow.

use aipoten_proto::content::v1::{
    CreateGrowthMeasurementRequest, GetGrowthChartRequest, GrowthChart, GrowthMeasurement,
    ListGrowthMeasurementsRequest,
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
        .routes(routes!(list_growth_measurements, create_growth_measurement))
        .routes(routes!(get_growth_chart))
}

/// A child's measurements with WHO z-scores and percentiles
#[utoipa::path(get, path = "/children/{child_id}/growth", tag = "children",
    params(("child_id" = Uuid, Path, description = "The child"), ListGrowthMeasurementsRequest),
    responses((status = 200, description = "A page of measurements", body = List<GrowthMeasurement>)))]
async fn list_growth_measurements(
    State(gateway): State<Gateway>,
    call: Call,
    Id(child_id): Id,
    Query(query): Query<ListGrowthMeasurementsRequest>,
) -> Answer<List<GrowthMeasurement>> {
    let ask = ListGrowthMeasurementsRequest { child_id, ..query };
    let answer = gateway.growth().list_growth_measurements(call.with(ask)).await?.into_inner();
    Ok(list(answer.measurements, answer.page_info))
}

/// Keep a measurement
///
/// A second one of the same day replaces the values it gives. A value that looks like an error of entry is refused
/// until it is sent with `confirmed`.
#[utoipa::path(post, path = "/children/{child_id}/growth", tag = "children",
    params(("child_id" = Uuid, Path, description = "The child")),
    responses((status = 201, description = "The measurement with its scores", body = Data<GrowthMeasurement>)))]
async fn create_growth_measurement(
    State(gateway): State<Gateway>,
    call: Call,
    Id(child_id): Id,
    Json(body): Json<CreateGrowthMeasurementRequest>,
) -> Answer<Data<GrowthMeasurement>> {
    let place = format!("/children/{child_id}/growth");
    let new = CreateGrowthMeasurementRequest { child_id, ..body };
    let measurement = gateway.growth().create_growth_measurement(call.with(new)).await?.into_inner();
    Ok(data(measurement).created(|_| place.clone()))
}

/// The lines of a growth chart with the child's own values
#[utoipa::path(get, path = "/children/{child_id}/growth/chart", tag = "children",
    params(("child_id" = Uuid, Path, description = "The child"), GetGrowthChartRequest),
    responses((status = 200, description = "Percentiles 3, 15, 50, 85 and 97, and the child", body = Data<GrowthChart>)))]
async fn get_growth_chart(
    State(gateway): State<Gateway>,
    call: Call,
    Id(child_id): Id,
    Query(query): Query<GetGrowthChartRequest>,
) -> Answer<Data<GrowthChart>> {
    let ask = GetGrowthChartRequest { child_id, ..query };
    Ok(data(gateway.growth().get_growth_chart(call.with(ask)).await?.into_inner()))
}
