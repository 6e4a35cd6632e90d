//! What therapists are paid.

use aipoten_proto::billing::v1::{
    GetSettlementRequest, GetStatementRequest, ListSettlementsRequest, Settlement, StatementFormat,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::file::{CSV, File, PDF};
use crate::gateway::Gateway;
use crate::input::{Id, Query};
use crate::routes::payments::file;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_settlements))
        .routes(routes!(get_settlement))
        .routes(routes!(get_statement_csv))
        .routes(routes!(get_statement_pdf))
}

/// The own settlements
#[utoipa::path(get, path = "/settlements", tag = "settlements", params(ListSettlementsRequest),
    responses((status = 200, description = "A page of settlements without their lines, the newest month first", body = List<Settlement>)))]
async fn list_settlements(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListSettlementsRequest>,
) -> Answer<List<Settlement>> {
    let answer = gateway.settlements().list_settlements(call.with(query)).await?.into_inner();
    Ok(list(answer.settlements, answer.page_info))
}

/// One settlement with its lines
#[utoipa::path(get, path = "/settlements/{settlement_id}", tag = "settlements",
    params(("settlement_id" = Uuid, Path, description = "The settlement")),
    responses((status = 200, description = "The settlement", body = Data<Settlement>)))]
async fn get_settlement(State(gateway): State<Gateway>, call: Call, Id(settlement_id): Id) -> Answer<Data<Settlement>> {
    let ask = GetSettlementRequest { settlement_id };
    let settlement = gateway.settlements().get_settlement(call.with(ask)).await?.into_inner();
    Ok(data(settlement).version(|it| it.version))
}

/// The statement of a settlement for spreadsheets
#[utoipa::path(get, path = "/settlements/{settlement_id}/statement.csv", tag = "settlements",
    params(("settlement_id" = Uuid, Path, description = "The settlement")),
    responses((status = 200, description = "UTF-8 with a byte order mark", content_type = "text/csv", body = String)))]
async fn get_statement_csv(State(gateway): State<Gateway>, call: Call, Id(settlement_id): Id) -> Answer<File> {
    let ask = GetStatementRequest { settlement_id, format: StatementFormat::Csv.into() };
    Ok(file(gateway.settlements().get_statement(call.with(ask)).await?.into_inner(), CSV))
}

/// The statement of a settlement to print
#[utoipa::path(get, path = "/settlements/{settlement_id}/statement.pdf", tag = "settlements",
    params(("settlement_id" = Uuid, Path, description = "The settlement")),
    responses((status = 200, description = "The pages", content_type = "application/pdf", body = inline(File))))]
async fn get_statement_pdf(State(gateway): State<Gateway>, call: Call, Id(settlement_id): Id) -> Answer<File> {
    let ask = GetStatementRequest { settlement_id, format: StatementFormat::Pdf.into() };
    Ok(file(gateway.settlements().get_statement(call.with(ask)).await?.into_inner(), PDF))
}
