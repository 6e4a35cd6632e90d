//! The routes: each takes the JSON, asks a service and shows its answer. No rule of the domain is here.

mod admin;
mod assessments;
mod auth;
mod bank_account;
mod calendars;
mod children;
mod consultations;
mod growth;
mod matching_requests;
mod notifications;
mod packages;
mod payments;
mod reports;
mod reviews;
mod schedule_changes;
mod settlements;
mod therapists;
mod unsubscribe;
mod users;
mod videos;
mod webhooks;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::docs;
use crate::error::Failure;
use crate::gateway::Gateway;

/// What every route of the API begins with.
pub(crate) const PREFIX: &str = "/api/v1";

/// The routes that the OpenAPI document describes.
pub(crate) fn described() -> OpenApiRouter<Gateway> {
    let api = OpenApiRouter::new()
        .merge(auth::routes())
        .merge(users::routes())
        .merge(children::routes())
        .merge(growth::routes())
        .merge(assessments::routes())
        .merge(videos::routes())
        .merge(therapists::routes())
        .merge(calendars::routes())
        .merge(matching_requests::routes())
        .merge(packages::routes())
        .merge(consultations::routes())
        .merge(schedule_changes::routes())
        .merge(reports::routes())
        .merge(reviews::routes())
        .merge(payments::routes())
        .merge(webhooks::routes())
        .merge(settlements::routes())
        .merge(bank_account::routes())
        .merge(notifications::routes())
        .merge(unsubscribe::routes())
        .merge(admin::routes());
    OpenApiRouter::new().merge(auth::key_routes()).nest(PREFIX, api)
}

/// Everything the gateway answers to.
pub(crate) fn all() -> Router<Gateway> {
    let (router, _) = described().split_for_parts();
    router
        .merge(docs::page())
        .merge(unsubscribe::page())
        .route(&format!("{PREFIX}/openapi.json"), docs::document())
        .fallback(async || Failure::new("NOT_FOUND"))
        .method_not_allowed_fallback(async || Failure::new("METHOD_NOT_ALLOWED"))
}
