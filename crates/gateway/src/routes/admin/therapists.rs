//! Applications of therapists and what they handed in.

use aipoten_proto::matching::v1::{
    ApproveProfileRequest, Document, GetDocumentFileRequest, ListDocumentsRequest, ListPendingProfilesRequest,
    RejectProfileRequest, SuspendProfileRequest, TherapistProfile,
};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::file::File;
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query};
use crate::routes::therapists::file;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_pending_profiles))
        .routes(routes!(approve_profile))
        .routes(routes!(reject_profile))
        .routes(routes!(suspend_profile))
        .routes(routes!(list_therapist_documents))
        .routes(routes!(get_therapist_document_file))
}

/// Profiles that wait for a decision
#[utoipa::path(get, path = "/admin/therapists/pending", tag = "admin", params(ListPendingProfilesRequest),
    responses((status = 200, description = "A page of profiles, the longest waiting first", body = List<TherapistProfile>)))]
async fn list_pending_profiles(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListPendingProfilesRequest>,
) -> Answer<List<TherapistProfile>> {
    let answer = gateway.therapists().list_pending_profiles(call.with(query)).await?.into_inner();
    Ok(list(answer.profiles, answer.page_info))
}

/// Let a therapist be found and booked
///
/// All licence documents count as looked at; one that is still valid has to be there.
#[utoipa::path(patch, path = "/admin/therapists/{therapist_id}/approve", tag = "admin",
    params(("therapist_id" = Uuid, Path, description = "The therapist")),
    responses((status = 200, description = "The approved profile", body = Data<TherapistProfile>)))]
async fn approve_profile(
    State(gateway): State<Gateway>,
    call: Call,
    Id(therapist_id): Id,
) -> Answer<Data<TherapistProfile>> {
    let decision = ApproveProfileRequest { therapist_id };
    let profile = gateway.therapists().approve_profile(call.with(decision)).await?.into_inner();
    Ok(data(profile).version(|it| it.version))
}

/// Refuse an application
#[utoipa::path(patch, path = "/admin/therapists/{therapist_id}/reject", tag = "admin",
    params(("therapist_id" = Uuid, Path, description = "The therapist")),
    responses((status = 200, description = "The rejected profile", body = Data<TherapistProfile>)))]
async fn reject_profile(
    State(gateway): State<Gateway>,
    call: Call,
    Id(therapist_id): Id,
    Json(body): Json<RejectProfileRequest>,
) -> Answer<Data<TherapistProfile>> {
    let decision = RejectProfileRequest { therapist_id, ..body };
    let profile = gateway.therapists().reject_profile(call.with(decision)).await?.into_inner();
    Ok(data(profile).version(|it| it.version))
}

/// Take a therapist out
///
/// Parents with packages that run are told.
#[utoipa::path(patch, path = "/admin/therapists/{therapist_id}/suspend", tag = "admin",
    params(("therapist_id" = Uuid, Path, description = "The therapist")),
    responses((status = 200, description = "The suspended profile", body = Data<TherapistProfile>)))]
async fn suspend_profile(
    State(gateway): State<Gateway>,
    call: Call,
    Id(therapist_id): Id,
    Json(body): Json<SuspendProfileRequest>,
) -> Answer<Data<TherapistProfile>> {
    let decision = SuspendProfileRequest { therapist_id, ..body };
    let profile = gateway.therapists().suspend_profile(call.with(decision)).await?.into_inner();
    Ok(data(profile).version(|it| it.version))
}

/// The licence documents of a therapist
///
/// Noted in the audit log.
#[utoipa::path(get, path = "/admin/therapists/{therapist_id}/documents", tag = "admin",
    params(("therapist_id" = Uuid, Path, description = "The therapist")),
    responses((status = 200, description = "The documents, the newest first", body = Data<Vec<Document>>)))]
async fn list_therapist_documents(
    State(gateway): State<Gateway>,
    call: Call,
    Id(therapist_id): Id,
) -> Answer<Data<Vec<Document>>> {
    let ask = ListDocumentsRequest { therapist_id: Some(therapist_id) };
    Ok(data(gateway.documents().list_documents(call.with(ask)).await?.into_inner().documents))
}

/// The file of a therapist's document
///
/// Noted in the audit log.
#[utoipa::path(get, path = "/admin/documents/{document_id}/file", tag = "admin",
    params(("document_id" = Uuid, Path, description = "The document")),
    responses((status = 200, description = "The file",
        content((inline(File) = "application/pdf"), (inline(File) = "image/jpeg"), (inline(File) = "image/png")))))]
async fn get_therapist_document_file(State(gateway): State<Gateway>, call: Call, Id(document_id): Id) -> Answer<File> {
    let ask = GetDocumentFileRequest { document_id };
    file(gateway.documents().get_document_file(call.with(ask)).await?.into_inner())
}
