//! The own account and its consents.

use aipoten_proto::identity::v1::{
    Consent, DeleteMeRequest, GetMeRequest, ListConsentsRequest, ListSecurityEventsRequest, RecordConsentRequest,
    SecurityEvent, UpdateMeRequest, User,
};
use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{IfMatch, Json, Query};
use crate::patch::Patch;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(get_user, update_user, delete_user))
        .routes(routes!(list_consents, record_consent))
        .routes(routes!(list_security_events))
}

/// The own account
#[utoipa::path(get, path = "/users/me", tag = "users",
    responses((status = 200, description = "The account", body = Data<User>)))]
async fn get_user(State(gateway): State<Gateway>, call: Call) -> Answer<Data<User>> {
    let user = gateway.users().get_me(call.with(GetMeRequest {})).await?.into_inner();
    Ok(data(user).version(|it| it.version))
}

/// Change the own account
#[utoipa::path(patch, path = "/users/me", tag = "users", request_body = UpdateMeRequest,
    responses((status = 200, description = "The changed account", body = Data<User>)))]
async fn update_user(
    State(gateway): State<Gateway>,
    call: Call,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateMeRequest>,
) -> Answer<Data<User>> {
    let change = UpdateMeRequest { update_mask, expected_version, ..body };
    let user = gateway.users().update_me(call.with(change)).await?.into_inner();
    Ok(data(user).version(|it| it.version))
}

/// Ask for the erasure of the own account
///
/// All sessions end at once. Signing in within seven days takes the request back; after that the account and all its
/// children are erased everywhere. Needs a password proved in the last five minutes.
#[utoipa::path(delete, path = "/users/me", tag = "users",
    responses((status = 204, description = "The erasure is on its way")))]
async fn delete_user(State(gateway): State<Gateway>, call: Call) -> Answer<StatusCode> {
    gateway.users().delete_me(call.with(DeleteMeRequest {})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Consents given and withdrawn
#[utoipa::path(get, path = "/users/me/consents", tag = "users",
    responses((status = 200, description = "The consents, the newest first", body = Data<Vec<Consent>>)))]
async fn list_consents(State(gateway): State<Gateway>, call: Call) -> Answer<Data<Vec<Consent>>> {
    let answer = gateway.consents().list_consents(call.with(ListConsentsRequest {})).await?.into_inner();
    Ok(data(answer.consents))
}

/// Give or withdraw a consent
#[utoipa::path(post, path = "/users/me/consents", tag = "users",
    responses((status = 201, description = "The consent on record", body = Data<Consent>)))]
async fn record_consent(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<RecordConsentRequest>,
) -> Answer<Data<Consent>> {
    let consent = gateway.consents().record_consent(call.with(body)).await?.into_inner();
    Ok(data(consent).created(|_| "/users/me/consents".to_owned()))
}

/// What happened around the own account
#[utoipa::path(get, path = "/users/me/security-events", tag = "users", params(ListSecurityEventsRequest),
    responses((status = 200, description = "The trail, the newest first", body = List<SecurityEvent>)))]
async fn list_security_events(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListSecurityEventsRequest>,
) -> Answer<List<SecurityEvent>> {
    let answer = gateway.audit().list_security_events(call.with(query)).await?.into_inner();
    Ok(list(answer.events, answer.page_info))
}
