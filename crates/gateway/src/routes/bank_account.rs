//! Where a therapist is paid to.

use aipoten_proto::billing::v1::{BankAccount, GetBankAccountRequest, PutBankAccountRequest};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, data};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::Json;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(get_bank_account, put_bank_account))
}

/// The own bank account
#[utoipa::path(get, path = "/therapists/me/bank-account", tag = "settlements",
    responses((status = 200, description = "The account, masked", body = Data<BankAccount>)))]
async fn get_bank_account(State(gateway): State<Gateway>, call: Call) -> Answer<Data<BankAccount>> {
    let ask = GetBankAccountRequest {};
    Ok(data(gateway.bank_accounts().get_bank_account(call.with(ask)).await?.into_inner()))
}

/// Set the own bank account
///
/// For whom proved the password within five minutes. Settlements that are confirmed keep the one they have.
#[utoipa::path(put, path = "/therapists/me/bank-account", tag = "settlements",
    responses((status = 200, description = "The account, masked", body = Data<BankAccount>)))]
async fn put_bank_account(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<PutBankAccountRequest>,
) -> Answer<Data<BankAccount>> {
    Ok(data(gateway.bank_accounts().put_bank_account(call.with(body)).await?.into_inner()))
}
