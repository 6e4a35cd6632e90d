//! Bank accounts over gRPC.

use aipoten_kit::{Caller, Fields, Result};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::bank_account_service_server::BankAccountService;
use aipoten_proto::timestamp;
use chrono::{DateTime, Utc};
use tonic::{Request, Response, Status};

use super::{Payee, PayeeKind, masked, parse};
use crate::App;

#[tonic::async_trait]
impl BankAccountService for App {
    async fn get_bank_account(
        &self,
        request: Request<proto::GetBankAccountRequest>,
    ) -> Result<Response<proto::BankAccount>, Status> {
        let (payee, updated_at) = super::get(self, &Caller::of(&request)).await?;
        Ok(Response::new(payee.into_proto(updated_at)))
    }

    async fn put_bank_account(
        &self,
        request: Request<proto::PutBankAccountRequest>,
    ) -> Result<Response<proto::BankAccount>, Status> {
        let caller = Caller::of(&request);
        let payee = Payee::try_from(request.into_inner())?;
        let updated_at = super::put(self, &caller, &payee).await?;
        Ok(Response::new(payee.into_proto(updated_at)))
    }
}

impl TryFrom<proto::PutBankAccountRequest> for Payee {
    type Error = aipoten_kit::Error;

    fn try_from(request: proto::PutBankAccountRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let account = parse(&mut fields, &request.bank_code, &request.account_number, &request.account_holder);
        let kind = match request.payee_kind.map(|_| request.payee_kind()) {
            Some(proto::PayeeKind::Unspecified) => fields.required("payee_kind", None),
            Some(proto::PayeeKind::Freelancer) | None => PayeeKind::Freelancer,
            Some(proto::PayeeKind::Business) => PayeeKind::Business,
        };
        let number = &request.business_number;
        match (kind, number) {
            (PayeeKind::Business, None) => fields.violate("business_number", "required"),
            (PayeeKind::Freelancer, Some(_)) => fields.violate("business_number", "only_for_businesses"),
            _ => {}
        }
        let digits = |number: &String| number.len() == 10 && number.bytes().all(|byte| byte.is_ascii_digit());
        fields.check(number.as_ref().is_none_or(digits), "business_number", "not_a_business_number");
        fields.finish()?;
        Ok(Self { account, kind, business_number: request.business_number })
    }
}

impl Payee {
    fn into_proto(self, updated_at: DateTime<Utc>) -> proto::BankAccount {
        proto::BankAccount {
            account_number_masked: masked(&self.account),
            bank_code: self.account.bank_code,
            account_holder: self.account.account_holder,
            payee_kind: proto::PayeeKind::from(self.kind).into(),
            business_number: self.business_number,
            updated_at: Some(timestamp(updated_at)),
        }
    }
}

impl From<PayeeKind> for proto::PayeeKind {
    fn from(kind: PayeeKind) -> Self {
        match kind {
            PayeeKind::Freelancer => Self::Freelancer,
            PayeeKind::Business => Self::Business,
        }
    }
}
