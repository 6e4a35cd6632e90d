//! Everybody's settlements, and how they are paid.

use aipoten_proto::billing::v1::{
    ConfirmSettlementRequest, GetPayoutFileRequest, MarkSettlementPaidRequest, RunSettlementsRequest,
    RunSettlementsResponse, SearchSettlementsRequest, Settlement,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::file::{CSV, File};
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};
use crate::routes::payments::file;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(search_settlements))
        .routes(routes!(run_settlements))
        .routes(routes!(get_payout_file))
        .routes(routes!(confirm_settlement))
        .routes(routes!(mark_settlement_paid))
}

/// Everybody's settlements
#[utoipa::path(get, path = "/admin/settlements", tag = "admin", params(SearchSettlementsRequest),
    responses((status = 200, description = "A page of settlements without their lines, the newest month first", body = List<Settlement>)))]
async fn search_settlements(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<SearchSettlementsRequest>,
) -> Answer<List<Settlement>> {
    let answer = gateway.settlements().search_settlements(call.with(query)).await?.into_inner();
    Ok(list(answer.settlements, answer.page_info))
}

/// Settle a month that is over
///
/// Some hundreds of therapists at a time: again, as long as there are `remaining` ones. Whom it has settled it leaves as they are.
#[utoipa::path(post, path = "/admin/settlements/run", tag = "admin",
    responses((status = 200, description = "What the run did", body = Data<RunSettlementsResponse>)))]
async fn run_settlements(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<RunSettlementsRequest>,
) -> Answer<Data<RunSettlementsResponse>> {
    Ok(data(gateway.settlements().run_settlements(call.with(body)).await?.into_inner()))
}

/// The confirmed settlements of a month for the bank, with whole account numbers
///
/// For whom proved the password within five minutes.
#[utoipa::path(get, path = "/admin/settlements/payout.csv", tag = "admin", params(GetPayoutFileRequest),
    responses((status = 200, description = "UTF-8 with a byte order mark", content_type = "text/csv", body = String)))]
async fn get_payout_file(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<GetPayoutFileRequest>,
) -> Answer<File> {
    Ok(file(gateway.settlements().get_payout_file(call.with(query)).await?.into_inner(), CSV))
}

/// Agree to a settlement
///
/// Its bank account is fixed.
#[utoipa::path(patch, path = "/admin/settlements/{settlement_id}/confirm", tag = "admin",
    params(("settlement_id" = Uuid, Path, description = "The settlement")),
    responses((status = 200, description = "The confirmed settlement", body = Data<Settlement>)))]
async fn confirm_settlement(
    State(gateway): State<Gateway>,
    call: Call,
    Id(settlement_id): Id,
    IfMatch(expected_version): IfMatch,
) -> Answer<Data<Settlement>> {
    let decision = ConfirmSettlementRequest { settlement_id, expected_version };
    let settlement = gateway.settlements().confirm_settlement(call.with(decision)).await?.into_inner();
    Ok(data(settlement).version(|it| it.version))
}

/// Note that a settlement was transferred
#[utoipa::path(patch, path = "/admin/settlements/{settlement_id}/paid", tag = "admin",
    params(("settlement_id" = Uuid, Path, description = "The settlement")),
    responses((status = 200, description = "The paid settlement", body = Data<Settlement>)))]
async fn mark_settlement_paid(
    State(gateway): State<Gateway>,
    call: Call,
    Id(settlement_id): Id,
    IfMatch(expected_version): IfMatch,
) -> Answer<Data<Settlement>> {
    let note = MarkSettlementPaidRequest { settlement_id, expected_version };
    let settlement = gateway.settlements().mark_settlement_paid(call.with(note)).await?.into_inner();
    Ok(data(settlement).version(|it| it.version))
}
