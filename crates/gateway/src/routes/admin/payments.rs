//! Everybody's payments.

use aipoten_proto::billing::v1::{Payment, SearchPaymentsRequest};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{List, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::Query;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(search_payments))
}

/// Everybody's payments
#[utoipa::path(get, path = "/admin/payments", tag = "admin", params(SearchPaymentsRequest),
    responses((status = 200, description = "A page of payments, the newest first", body = List<Payment>)))]
async fn search_payments(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<SearchPaymentsRequest>,
) -> Answer<List<Payment>> {
    let answer = gateway.payments().search_payments(call.with(query)).await?.into_inner();
    Ok(list(answer.payments, answer.page_info))
}
