//! Money that goes back.

use aipoten_proto::billing::v1::{
    DecideRefundRequest, ListRefundsRequest, NameRefundAccountRequest, Refund, RefundAccount,
    RevealRefundAccountRequest,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_refunds))
        .routes(routes!(decide_refund))
        .routes(routes!(reveal_refund_account))
        .routes(routes!(name_refund_account))
}

/// All refunds
#[utoipa::path(get, path = "/admin/refunds", tag = "admin", params(ListRefundsRequest),
    responses((status = 200, description = "A page of refunds, the newest first", body = List<Refund>)))]
async fn list_refunds(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListRefundsRequest>,
) -> Answer<List<Refund>> {
    let answer = gateway.refunds().list_refunds(call.with(query)).await?.into_inner();
    Ok(list(answer.refunds, answer.page_info))
}

/// Decide a disputed session, or see to a failed refund
///
/// `approve` and `reject` decide a disputed session; `retry` asks the provider for a failed refund again, `transferred` notes
/// that it was paid back by hand.
#[utoipa::path(patch, path = "/admin/refunds/{refund_id}", tag = "admin",
    params(("refund_id" = Uuid, Path, description = "The refund")),
    responses((status = 200, description = "The refund", body = Data<Refund>)))]
async fn decide_refund(
    State(gateway): State<Gateway>,
    call: Call,
    Id(refund_id): Id,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<DecideRefundRequest>,
) -> Answer<Data<Refund>> {
    let decision = DecideRefundRequest { refund_id, expected_version, ..body };
    let refund = gateway.refunds().decide_refund(call.with(decision)).await?.into_inner();
    Ok(data(refund).version(|it| it.version))
}

/// The whole bank account that a failed refund is to be transferred to by hand
///
/// For whom proved the password within five minutes.
#[utoipa::path(post, path = "/admin/refunds/{refund_id}/reveal-account", tag = "admin",
    params(("refund_id" = Uuid, Path, description = "The refund")),
    responses((status = 200, description = "The account", body = Data<RefundAccount>)))]
async fn reveal_refund_account(
    State(gateway): State<Gateway>,
    call: Call,
    Id(refund_id): Id,
    Json(body): Json<RevealRefundAccountRequest>,
) -> Answer<Data<RefundAccount>> {
    let reveal = RevealRefundAccountRequest { refund_id, ..body };
    Ok(data(gateway.refunds().reveal_refund_account(call.with(reveal)).await?.into_inner()))
}

/// Name the bank account of a failed refund for a parent whose account was deleted
///
/// For whom proved the password within five minutes. Parents who are there name it themselves.
#[utoipa::path(put, path = "/admin/refunds/{refund_id}/account", tag = "admin",
    params(("refund_id" = Uuid, Path, description = "The refund")),
    responses((status = 200, description = "The refund", body = Data<Refund>)))]
async fn name_refund_account(
    State(gateway): State<Gateway>,
    call: Call,
    Id(refund_id): Id,
    Json(body): Json<NameRefundAccountRequest>,
) -> Answer<Data<Refund>> {
    let account = NameRefundAccountRequest { refund_id, ..body };
    let refund = gateway.refunds().name_refund_account(call.with(account)).await?.into_inner();
    Ok(data(refund).version(|it| it.version))
}
