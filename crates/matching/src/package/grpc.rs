//! Packages over gRPC.

use aipoten_kit::{Caller, Fields, Locale, Page, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::package_service_server::PackageService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::{Shown, Status, Times};
use crate::App;
use crate::begin::{begin, begins};
use aipoten_kit::Once;

#[tonic::async_trait]
impl PackageService for App {
    async fn list_packages(
        &self,
        request: Request<proto::ListPackagesRequest>,
    ) -> Result<Response<proto::ListPackagesResponse>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let status = request.status.is_some().then(|| parse_status(&mut fields, request.status()));
        fields.finish()?;
        let (packages, total) = super::list(self, &caller, status, page).await?;
        Ok(Response::new(proto::ListPackagesResponse {
            packages: packages.into_iter().map(|it| it.into_proto(caller.locale)).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_package(
        &self,
        request: Request<proto::GetPackageRequest>,
    ) -> Result<Response<proto::Package>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("package_id", &request.into_inner().package_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into_proto(caller.locale)))
    }

    async fn get_package_cancel_quote(
        &self,
        request: Request<proto::GetPackageCancelQuoteRequest>,
    ) -> Result<Response<proto::CancelQuote>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("package_id", &request.into_inner().package_id)?;
        Ok(Response::new(super::quote(self, &caller, id).await?))
    }

    async fn cancel_package(
        &self,
        request: Request<proto::CancelPackageRequest>,
    ) -> Result<Response<proto::CancelQuote>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("package_id", &request.package_id);
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        let once = Once::of(&caller, "CancelPackage", &request);
        Ok(Response::new(super::cancel(self, &caller, &once, id, &reason).await?))
    }

    async fn hold_for_payment(
        &self,
        request: Request<proto::HoldForPaymentRequest>,
    ) -> Result<Response<proto::PackageOrder>, tonic::Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("package_id", &request.into_inner().package_id)?;
        Ok(Response::new(super::hold_for_payment(self, &caller, id).await?))
    }

    async fn schedule_package(
        &self,
        request: Request<proto::SchedulePackageRequest>,
    ) -> Result<Response<proto::Package>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let once = Once::of(&caller, "SchedulePackage", &request);
        let mut fields = Fields::new();
        let id = fields.uuid("package_id", &request.package_id);
        let times = parse_times(&mut fields, &request);
        fields.finish()?;
        Ok(Response::new(super::schedule(self, &caller, &once, id, times).await?))
    }
}

fn parse_times(fields: &mut Fields, request: &proto::SchedulePackageRequest) -> Times {
    if let Some(weekly) = &request.weekly {
        fields.check(request.starts_at.is_empty(), "starts_at", "not_with_weekly");
        let count = fields.optional_number("weekly.count", weekly.count, 1..=12);
        let first = begin(fields, "weekly.first_starts_at", weekly.first_starts_at);
        return Times::Weekly { first, count: count.and_then(|count| usize::try_from(count).ok()) };
    }
    fields.check(!request.starts_at.is_empty(), "starts_at", "required");
    Times::Each(begins(fields, "starts_at", &request.starts_at, 12))
}

fn parse_status(fields: &mut Fields, status: proto::PackageStatus) -> Status {
    match status {
        proto::PackageStatus::PendingPayment => Status::PendingPayment,
        proto::PackageStatus::Active => Status::Active,
        proto::PackageStatus::Completed => Status::Completed,
        proto::PackageStatus::Cancelled => Status::Cancelled,
        proto::PackageStatus::Expired => Status::Expired,
        proto::PackageStatus::Unspecified => {
            fields.violate("status", "required");
            Status::Active
        }
    }
}

impl From<Status> for proto::PackageStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::PendingPayment => Self::PendingPayment,
            Status::Active => Self::Active,
            Status::Completed => Self::Completed,
            Status::Cancelled => Self::Cancelled,
            Status::Expired => Self::Expired,
        }
    }
}

impl Shown {
    pub(super) fn into_proto(self, locale: Locale) -> proto::Package {
        let package = self.package;
        proto::Package {
            id: package.id.to_string(),
            request_id: package.request_id.to_string(),
            therapist_id: package.therapist_id.to_string(),
            parent_user_id: package.parent_user_id.to_string(),
            child_id: package.child_id.to_string(),
            kind: proto::ConsultationKind::from(package.kind).into(),
            total_sessions: package.total_sessions.into(),
            used_sessions: package.used_sessions.into(),
            refunded_sessions: package.refunded_sessions.into(),
            remaining_sessions: package.remaining_sessions.into(),
            discount_rate_bp: package.discount_rate.0.into(),
            original_price: package.original_price.0,
            discounted_price: package.discounted_price.0,
            status: proto::PackageStatus::from(package.status).into(),
            hold_expires_at: package.hold_expires_at.map(timestamp),
            refund_policy: self.policy.text(locale),
            consultations: self.consultations.into_iter().map(Into::into).collect(),
            created_at: Some(timestamp(package.created_at)),
            version: package.version,
            is_frozen: package.frozen_at.is_some(),
        }
    }
}
