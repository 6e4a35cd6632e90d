//! Where billing and a provider disagree.

use aipoten_proto::billing::v1::{Case, CloseCaseRequest, ListCasesRequest};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list_cases)).routes(routes!(close_case))
}

/// What a person has to look at
#[utoipa::path(get, path = "/admin/cases", tag = "admin", params(ListCasesRequest),
    responses((status = 200, description = "A page of cases, open ones first, then the newest", body = List<Case>)))]
async fn list_cases(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListCasesRequest>,
) -> Answer<List<Case>> {
    let answer = gateway.cases().list_cases(call.with(query)).await?.into_inner();
    Ok(list(answer.cases, answer.page_info))
}

/// Close a case
#[utoipa::path(patch, path = "/admin/cases/{case_id}", tag = "admin",
    params(("case_id" = Uuid, Path, description = "The case")),
    responses((status = 200, description = "The closed case", body = Data<Case>)))]
async fn close_case(
    State(gateway): State<Gateway>,
    call: Call,
    Id(case_id): Id,
    Json(body): Json<CloseCaseRequest>,
) -> Answer<Data<Case>> {
    let resolution = CloseCaseRequest { case_id, ..body };
    Ok(data(gateway.cases().close_case(call.with(resolution)).await?.into_inner()))
}
