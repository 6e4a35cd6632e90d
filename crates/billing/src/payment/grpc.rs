//! Payments over gRPC.

use std::ops::RangeInclusive;

use aipoten_kit::{Caller, Fields, Once, Page, Result, Won};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::payment_service_server::PaymentService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::confirm::Authorised;
use super::store::Filter;
use super::{Payment, Shown, Status, cancel, confirm, create, receipt, refund_account, webhook};
use crate::App;
use crate::provider::{BankAccount, Checkout, Name, VirtualAccount};

/// Bytes of a message of a provider at most.
const LARGEST_WEBHOOK: usize = 64 * 1024;

#[tonic::async_trait]
impl PaymentService for App {
    async fn create_payment(
        &self,
        request: Request<proto::CreatePaymentRequest>,
    ) -> Result<Response<proto::Payment>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let wish = parse_wish(self, &request)?;
        caller.require_idempotency_key()?;
        let once = Once::of(&caller, "CreatePayment", &request);
        Ok(Response::new(create::create(self, &caller, &once, &wish).await?.into()))
    }

    async fn confirm_payment(
        &self,
        request: Request<proto::ConfirmPaymentRequest>,
    ) -> Result<Response<proto::Payment>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let authorised = Authorised {
            payment_id: fields.uuid("payment_id", &request.payment_id),
            provider_key: fields.line("provider_key", &request.provider_key, 200),
            amount: Won(fields.number("amount", request.amount, 0..=i64::MAX)),
        };
        fields.finish()?;
        caller.require_idempotency_key()?;
        let once = Once::of(&caller, "ConfirmPayment", &request);
        Ok(Response::new(confirm::confirm(self, &caller, &once, &authorised).await?.into()))
    }

    async fn list_payments(
        &self,
        request: Request<proto::ListPaymentsRequest>,
    ) -> Result<Response<proto::ListPaymentsResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let status = request.payment_status.is_some().then(|| parse_status(&mut fields, request.payment_status()));
        fields.finish()?;
        Ok(Response::new(listed(super::list(self, &caller, status, page).await?, page)))
    }

    async fn get_payment(
        &self,
        request: Request<proto::GetPaymentRequest>,
    ) -> Result<Response<proto::Payment>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("payment_id", &request.into_inner().payment_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into()))
    }

    async fn get_receipt(
        &self,
        request: Request<proto::GetReceiptRequest>,
    ) -> Result<Response<proto::Receipt>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("payment_id", &request.into_inner().payment_id)?;
        Ok(Response::new(receipt::get(self, &caller, id).await?.into()))
    }

    async fn get_receipt_pdf(
        &self,
        request: Request<proto::GetReceiptPdfRequest>,
    ) -> Result<Response<proto::BillingFile>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("payment_id", &request.into_inner().payment_id)?;
        Ok(Response::new(receipt::pdf(self, &caller, id).await?))
    }

    async fn refund_payment(
        &self,
        request: Request<proto::RefundPaymentRequest>,
    ) -> Result<Response<proto::RefundPaymentResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let consultation_id = request.consultation_id.as_deref();
        let wish = cancel::Wish {
            payment_id: fields.uuid("payment_id", &request.payment_id),
            consultation_id: consultation_id.map(|id| fields.uuid("consultation_id", id)),
            reason: fields.text("reason", &request.reason, 500),
        };
        fields.finish()?;
        Ok(Response::new(cancel::cancel(self, &caller, &wish).await?))
    }

    async fn put_refund_account(
        &self,
        request: Request<proto::PutRefundAccountRequest>,
    ) -> Result<Response<proto::PutRefundAccountResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let payment_id = fields.uuid("payment_id", &request.payment_id);
        let account = BankAccount {
            bank_code: digits(&mut fields, "bank_code", &request.bank_code, 3..=3, "not_a_bank_code"),
            account_number: digits(
                &mut fields,
                "account_number",
                &request.account_number,
                6..=20,
                "not_an_account_number",
            ),
            account_holder: fields.line("account_holder", &request.account_holder, 60),
        };
        fields.finish()?;
        Ok(Response::new(refund_account::put(self, &caller, payment_id, account).await?))
    }

    async fn receive_webhook(
        &self,
        request: Request<proto::ReceiveWebhookRequest>,
    ) -> Result<Response<proto::ReceiveWebhookResponse>, tonic::Status> {
        let proto::ReceiveWebhookRequest { provider, headers, body } = request.into_inner();
        let mut fields = Fields::new();
        let name = Name::ALL.into_iter().find(|name| name.as_str() == provider);
        fields.check(name.is_some(), "provider", "unknown_provider");
        fields.check(headers.len().is_multiple_of(2), "headers", "invalid");
        fields.check(body.len() <= LARGEST_WEBHOOK, "body", "invalid");
        fields.finish()?;
        let headers: Vec<_> = headers.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        if let Some(name) = name {
            webhook::receive(self, name, &headers, &body).await?;
        }
        Ok(Response::new(proto::ReceiveWebhookResponse {}))
    }

    async fn search_payments(
        &self,
        request: Request<proto::SearchPaymentsRequest>,
    ) -> Result<Response<proto::ListPaymentsResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let filter = Filter {
            user_id: request.user_id.as_deref().map(|id| fields.uuid("user_id", id)),
            package_id: request.package_id.as_deref().map(|id| fields.uuid("package_id", id)),
            status: request.payment_status.is_some().then(|| parse_status(&mut fields, request.payment_status())),
        };
        fields.finish()?;
        Ok(Response::new(listed(super::search(self, &caller, &filter, page).await?, page)))
    }
}

fn parse_wish(app: &App, request: &proto::CreatePaymentRequest) -> Result<create::Wish> {
    let mut fields = Fields::new();
    let package_id = fields.uuid("package_id", &request.package_id);
    let provider = request.provider.is_some().then(|| request.provider()).and_then(parse_provider);
    if provider.is_some_and(|name| app.providers.get(name).is_none()) {
        fields.violate("provider", "unknown_provider");
    }
    let return_url = match request.return_url.as_deref() {
        Some(url) => fields.line("return_url", url, 2000),
        None => app.config.return_url.clone(),
    };
    fields.check(app.config.may_return_to(&return_url), "return_url", "not_allowed_address");
    fields.finish()?;
    Ok(create::Wish { package_id, provider, return_url })
}

fn digits(fields: &mut Fields, field: &str, value: &str, count: RangeInclusive<usize>, rule: &str) -> String {
    let fine = count.contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    fields.check(fine, field, if value.is_empty() { "required" } else { rule });
    value.to_owned()
}

/// `None`: the one configured.
fn parse_provider(provider: proto::PaymentProvider) -> Option<Name> {
    match provider {
        proto::PaymentProvider::Unspecified => None,
        proto::PaymentProvider::Toss => Some(Name::Toss),
        proto::PaymentProvider::Portone => Some(Name::Portone),
        proto::PaymentProvider::Stripe => Some(Name::Stripe),
        proto::PaymentProvider::Sandbox => Some(Name::Sandbox),
    }
}

fn parse_status(fields: &mut Fields, status: proto::PaymentStatus) -> Status {
    match status {
        proto::PaymentStatus::Pending => Status::Pending,
        proto::PaymentStatus::Confirming => Status::Confirming,
        proto::PaymentStatus::Completed => Status::Completed,
        proto::PaymentStatus::Failed => Status::Failed,
        proto::PaymentStatus::Expired => Status::Expired,
        proto::PaymentStatus::PartiallyRefunded => Status::PartiallyRefunded,
        proto::PaymentStatus::Refunded => Status::Refunded,
        proto::PaymentStatus::Unspecified => {
            fields.violate("payment_status", "required");
            Status::Pending
        }
    }
}

impl From<Status> for proto::PaymentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Confirming => Self::Confirming,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Expired => Self::Expired,
            Status::PartiallyRefunded => Self::PartiallyRefunded,
            Status::Refunded => Self::Refunded,
        }
    }
}

fn listed((payments, total): (Vec<Shown>, i64), page: Page) -> proto::ListPaymentsResponse {
    let payments = payments.into_iter().map(Into::into).collect();
    proto::ListPaymentsResponse { payments, page_info: Some(page.info(total)) }
}

impl From<Shown> for proto::Payment {
    fn from(shown: Shown) -> Self {
        let Shown { payment, checkout, virtual_account, order_name, refunds } = shown;
        let is_pending = payment.payment_status == Status::Pending;
        Self {
            id: payment.id.to_string(),
            package_id: payment.package_id.to_string(),
            user_id: payment.user_id.to_string(),
            therapist_id: payment.therapist_id.to_string(),
            payment_type: payment.payment_type().into(),
            total_sessions: payment.total_sessions.into(),
            original_amount: payment.original_amount.0,
            discount_amount: payment.discount_amount.0,
            total_amount: payment.total_amount.0,
            refunded_amount: payment.refunded_amount.0,
            currency: "KRW".to_owned(),
            payment_status: proto::PaymentStatus::from(payment.payment_status).into(),
            payment_method: payment.payment_method.map(|method| proto::PaymentMethod::from(method).into()),
            provider: proto::PaymentProvider::from(payment.provider).into(),
            failure_code: payment.failure_code,
            expires_at: is_pending.then(|| timestamp(payment.expires_at)),
            paid_at: payment.paid_at.map(timestamp),
            checkout: checkout.map(|checkout| checkout.into_proto(payment.order_id, order_name)),
            virtual_account: virtual_account.map(Into::into),
            is_reversed: payment.reversed_at.is_some(),
            refunds: refunds.into_iter().map(Into::into).collect(),
            created_at: Some(timestamp(payment.created_at)),
            version: payment.version,
        }
    }
}

impl Payment {
    fn payment_type(&self) -> proto::PaymentType {
        if self.total_sessions == 1 { proto::PaymentType::SingleSession } else { proto::PaymentType::Package }
    }
}

impl Checkout {
    fn into_proto(self, order_id: String, order_name: String) -> proto::Checkout {
        let Self { client_key, client_secret, checkout_url, transaction_id: _ } = self;
        proto::Checkout { order_id, order_name, client_key, client_secret, checkout_url }
    }
}

impl From<VirtualAccount> for proto::VirtualAccount {
    fn from(account: VirtualAccount) -> Self {
        let VirtualAccount { bank_code, account_number, due_at } = account;
        Self { bank_code, account_number, due_at: due_at.map(timestamp) }
    }
}
