//! Payments of packages.

use aipoten_proto::billing::v1::{
    BillingFile, ConfirmPaymentRequest, CreatePaymentRequest, GetPaymentRequest, GetReceiptPdfRequest,
    GetReceiptRequest, ListPaymentsRequest, Payment, PutRefundAccountRequest, PutRefundAccountResponse, Receipt,
    RefundPaymentRequest, RefundPaymentResponse,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::file::{File, PDF};
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_payments, create_payment))
        .routes(routes!(get_payment))
        .routes(routes!(confirm_payment))
        .routes(routes!(get_receipt))
        .routes(routes!(get_receipt_pdf))
        .routes(routes!(refund_payment))
        .routes(routes!(put_refund_account))
}

/// The own payments
#[utoipa::path(get, path = "/payments", tag = "payments", params(ListPaymentsRequest),
    responses((status = 200, description = "A page of payments without their refunds, the newest first", body = List<Payment>)))]
async fn list_payments(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListPaymentsRequest>,
) -> Answer<List<Payment>> {
    let answer = gateway.payments().list_payments(call.with(query)).await?.into_inner();
    Ok(list(answer.payments, answer.page_info))
}

/// Begin to pay a package
///
/// Needs an Idempotency-Key. The amount is computed here. While a payment of the package waits it is answered again.
#[utoipa::path(post, path = "/payments", tag = "payments",
    params(("Idempotency-Key" = String, Header, description = "Names this one payment: the same key again gets the same answer")),
    responses((status = 201, description = "The payment, and what the provider's checkout needs", body = Data<Payment>)))]
async fn create_payment(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreatePaymentRequest>,
) -> Answer<Data<Payment>> {
    let payment = gateway.payments().create_payment(call.with(body)).await?.into_inner();
    Ok(data(payment).version(|it| it.version).created(|it| format!("/payments/{}", it.id)))
}

/// One payment with its refunds
#[utoipa::path(get, path = "/payments/{payment_id}", tag = "payments",
    params(("payment_id" = Uuid, Path, description = "The payment")),
    responses((status = 200, description = "The payment", body = Data<Payment>)))]
async fn get_payment(State(gateway): State<Gateway>, call: Call, Id(payment_id): Id) -> Answer<Data<Payment>> {
    let payment = gateway.payments().get_payment(call.with(GetPaymentRequest { payment_id })).await?.into_inner();
    Ok(data(payment).version(|it| it.version))
}

/// Confirm what the provider's checkout has authorised
///
/// Needs an Idempotency-Key. `confirming` is the answer while the provider has not said what became of it: it is asked again
/// until it has.
#[utoipa::path(post, path = "/payments/{payment_id}/confirm", tag = "payments",
    params(("payment_id" = Uuid, Path, description = "The payment"),
        ("Idempotency-Key" = String, Header, description = "Names this one confirmation: the same key again gets the same answer")),
    responses((status = 200, description = "The payment as it stands now", body = Data<Payment>)))]
async fn confirm_payment(
    State(gateway): State<Gateway>,
    call: Call,
    Id(payment_id): Id,
    Json(body): Json<ConfirmPaymentRequest>,
) -> Answer<Data<Payment>> {
    let confirmation = ConfirmPaymentRequest { payment_id, ..body };
    let payment = gateway.payments().confirm_payment(call.with(confirmation)).await?.into_inner();
    Ok(data(payment).version(|it| it.version))
}

/// What was paid, for which sessions, and what was paid back
#[utoipa::path(get, path = "/payments/{payment_id}/receipt", tag = "payments",
    params(("payment_id" = Uuid, Path, description = "The payment")),
    responses((status = 200, description = "The receipt", body = Data<Receipt>)))]
async fn get_receipt(State(gateway): State<Gateway>, call: Call, Id(payment_id): Id) -> Answer<Data<Receipt>> {
    Ok(data(gateway.payments().get_receipt(call.with(GetReceiptRequest { payment_id })).await?.into_inner()))
}

/// The same as one page to print
#[utoipa::path(get, path = "/payments/{payment_id}/receipt.pdf", tag = "payments",
    params(("payment_id" = Uuid, Path, description = "The payment")),
    responses((status = 200, description = "The page", content_type = "application/pdf", body = inline(File))))]
async fn get_receipt_pdf(State(gateway): State<Gateway>, call: Call, Id(payment_id): Id) -> Answer<File> {
    let receipt =
        gateway.payments().get_receipt_pdf(call.with(GetReceiptPdfRequest { payment_id })).await?.into_inner();
    Ok(file(receipt, PDF))
}

/// Have money back
///
/// Needs an Idempotency-Key. Cancels a session, or ends the package, and pays back by the policy of the order.
#[utoipa::path(post, path = "/payments/{payment_id}/refund", tag = "payments",
    params(("payment_id" = Uuid, Path, description = "The payment"),
        ("Idempotency-Key" = String, Header, description = "Names this one wish: the same key again gets the same answer")),
    responses((status = 200, description = "What is paid back", body = Data<RefundPaymentResponse>)))]
async fn refund_payment(
    State(gateway): State<Gateway>,
    call: Call,
    Id(payment_id): Id,
    Json(body): Json<RefundPaymentRequest>,
) -> Answer<Data<RefundPaymentResponse>> {
    let wish = RefundPaymentRequest { payment_id, ..body };
    Ok(data(gateway.payments().refund_payment(call.with(wish)).await?.into_inner()))
}

/// Name the bank account for refunds that cannot go back the way they were paid
///
/// For whom proved the password within five minutes.
#[utoipa::path(put, path = "/payments/{payment_id}/refund-account", tag = "payments",
    params(("payment_id" = Uuid, Path, description = "The payment")),
    responses((status = 200, description = "The account, masked", body = Data<PutRefundAccountResponse>)))]
async fn put_refund_account(
    State(gateway): State<Gateway>,
    call: Call,
    Id(payment_id): Id,
    Json(body): Json<PutRefundAccountRequest>,
) -> Answer<Data<PutRefundAccountResponse>> {
    let account = PutRefundAccountRequest { payment_id, ..body };
    Ok(data(gateway.payments().put_refund_account(call.with(account)).await?.into_inner()))
}

/// A file that billing made.
pub(super) fn file(file: BillingFile, kind: &'static str) -> File {
    File { name: file.name, kind, bytes: file.content }
}
