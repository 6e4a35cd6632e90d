//! Packages of sessions.

use aipoten_proto::matching::v1::{
    CancelPackageRequest, CancelQuote, GetPackageCancelQuoteRequest, GetPackageRequest, ListPackagesRequest, Package,
    SchedulePackageRequest,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_packages))
        .routes(routes!(get_package))
        .routes(routes!(get_package_cancel_quote))
        .routes(routes!(cancel_package))
        .routes(routes!(schedule_package))
}

/// The own packages, as parent or as therapist
#[utoipa::path(get, path = "/packages", tag = "packages", params(ListPackagesRequest),
    responses((status = 200, description = "A page of packages without their sessions, the newest first", body = List<Package>)))]
async fn list_packages(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListPackagesRequest>,
) -> Answer<List<Package>> {
    let answer = gateway.packages().list_packages(call.with(query)).await?.into_inner();
    Ok(list(answer.packages, answer.page_info))
}

/// One package with its sessions
#[utoipa::path(get, path = "/packages/{package_id}", tag = "packages",
    params(("package_id" = Uuid, Path, description = "The package")),
    responses((status = 200, description = "The package", body = Data<Package>)))]
async fn get_package(State(gateway): State<Gateway>, call: Call, Id(package_id): Id) -> Answer<Data<Package>> {
    let package = gateway.packages().get_package(call.with(GetPackageRequest { package_id })).await?.into_inner();
    Ok(data(package).version(|it| it.version))
}

/// What ending the package now would pay back
#[utoipa::path(get, path = "/packages/{package_id}/cancel-quote", tag = "packages",
    params(("package_id" = Uuid, Path, description = "The package")),
    responses((status = 200, description = "The amount and the policy", body = Data<CancelQuote>)))]
async fn get_package_cancel_quote(
    State(gateway): State<Gateway>,
    call: Call,
    Id(package_id): Id,
) -> Answer<Data<CancelQuote>> {
    let ask = GetPackageCancelQuoteRequest { package_id };
    Ok(data(gateway.packages().get_package_cancel_quote(call.with(ask)).await?.into_inner()))
}

/// End a package
///
/// Takes an Idempotency-Key. Sessions that were not held are cancelled and paid back by the policy of the order.
#[utoipa::path(post, path = "/packages/{package_id}/cancel", tag = "packages",
    params(("package_id" = Uuid, Path, description = "The package")),
    responses((status = 200, description = "What is paid back", body = Data<CancelQuote>)))]
async fn cancel_package(
    State(gateway): State<Gateway>,
    call: Call,
    Id(package_id): Id,
    Json(body): Json<CancelPackageRequest>,
) -> Answer<Data<CancelQuote>> {
    let cancel = CancelPackageRequest { package_id, ..body };
    Ok(data(gateway.packages().cancel_package(call.with(cancel)).await?.into_inner()))
}

/// Set the times of sessions that have none, one by one or every week
///
/// Takes an Idempotency-Key. All or nothing: `SLOT_TAKEN` lists the times that are taken, and others that are free.
#[utoipa::path(post, path = "/packages/{package_id}/schedule", tag = "packages",
    params(("package_id" = Uuid, Path, description = "The package")),
    responses((status = 200, description = "The package with its sessions", body = Data<Package>)))]
async fn schedule_package(
    State(gateway): State<Gateway>,
    call: Call,
    Id(package_id): Id,
    Json(body): Json<SchedulePackageRequest>,
) -> Answer<Data<Package>> {
    let times = SchedulePackageRequest { package_id, ..body };
    let package = gateway.packages().schedule_package(call.with(times)).await?.into_inner();
    Ok(data(package).version(|it| it.version))
}
