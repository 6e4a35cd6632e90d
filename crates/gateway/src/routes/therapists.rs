//! Therapists: finding them, and a therapist's own profile and licence documents.

use aipoten_proto::matching::v1::{
    CreateDocumentRequest, DeleteDocumentRequest, Document, DocumentFile, DocumentKind, GetDocumentFileRequest,
    GetProfileRequest, GetTherapistRequest, ListDocumentsRequest, ListRegionsRequest, ListTherapistsRequest,
    PutProfileRequest, Region, SuggestTherapistsRequest, Therapist, TherapistProfile, TherapistSuggestion,
};
use axum::extract::{DefaultBodyLimit, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::{Life, Page, Shelf};
use crate::call::{Call, PublicCall};
use crate::envelope::{Data, List, data, list};
use crate::error::{Answer, Failure};
use crate::file::File;
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};
use crate::upload::{self, Upload};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    let documents = OpenApiRouter::new()
        .routes(routes!(list_documents, create_document))
        .layer(DefaultBodyLimit::max(upload::LARGEST));
    OpenApiRouter::new()
        .routes(routes!(list_therapists))
        .routes(routes!(suggest_therapists))
        .routes(routes!(get_profile, put_profile))
        .merge(documents)
        .routes(routes!(delete_document))
        .routes(routes!(get_document_file))
        .routes(routes!(get_therapist))
        .routes(routes!(list_regions))
}

/// Therapists that can be booked
#[utoipa::path(get, path = "/therapists", tag = "therapists", security(()), params(ListTherapistsRequest),
    responses((status = 200, description = "A page of therapists", body = List<Therapist>)))]
async fn list_therapists(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Query(query): Query<ListTherapistsRequest>,
) -> Answer<Page> {
    let fetch = || async {
        let answer = gateway.therapists().list_therapists(call.with(query.clone())).await?.into_inner();
        Ok(list(answer.therapists, answer.page_info))
    };
    // People search for anything, and who is free changes with every booking.
    if query.q.is_some() || query.available_on.is_some() {
        return gateway.presence().mark(Page::of(Shelf::Therapists, &fetch().await?)?).await;
    }
    let page = gateway.cache().page(Shelf::Therapists, Life::List, &call, &query, fetch).await?;
    gateway.presence().mark(page).await
}

/// Complete what is being typed
#[utoipa::path(get, path = "/therapists/suggest", tag = "therapists", security(()), params(SuggestTherapistsRequest),
    responses((status = 200, description = "Names, specialties and regions, the closest first", body = Data<Vec<TherapistSuggestion>>)))]
async fn suggest_therapists(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Query(query): Query<SuggestTherapistsRequest>,
) -> Answer<Page> {
    let answer = gateway.therapists().suggest_therapists(call.with(query)).await?.into_inner();
    Page::of(Shelf::Therapists, &data(answer.suggestions))
}

/// One therapist
#[utoipa::path(get, path = "/therapists/{therapist_id}", tag = "therapists", security(()),
    params(("therapist_id" = Uuid, Path, description = "The therapist")),
    responses((status = 200, description = "The therapist", body = Data<Therapist>)))]
async fn get_therapist(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Id(therapist_id): Id,
) -> Answer<Page> {
    let ask = GetTherapistRequest { therapist_id };
    let fetch = || async { Ok(data(gateway.therapists().get_therapist(call.with(ask.clone())).await?.into_inner())) };
    let page = gateway.cache().page(Shelf::Therapists, Life::Single, &call, &ask, fetch).await?;
    gateway.presence().mark(page).await
}

/// Provinces, cities and districts
#[utoipa::path(get, path = "/regions", tag = "therapists", security(()), params(ListRegionsRequest),
    responses((status = 200, description = "The regions by code", body = Data<Vec<Region>>)))]
async fn list_regions(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Query(query): Query<ListRegionsRequest>,
) -> Answer<Page> {
    let fetch = || async {
        let answer = gateway.therapists().list_regions(call.with(query.clone())).await?.into_inner();
        Ok(data(answer.regions))
    };
    gateway.cache().page(Shelf::Therapists, Life::List, &call, &query, fetch).await
}

/// The own profile
#[utoipa::path(get, path = "/therapists/me", tag = "therapists",
    responses((status = 200, description = "The profile", body = Data<TherapistProfile>)))]
async fn get_profile(State(gateway): State<Gateway>, call: Call) -> Answer<Data<TherapistProfile>> {
    let profile = gateway.therapists().get_profile(call.with(GetProfileRequest {})).await?.into_inner();
    Ok(data(profile).version(|it| it.version))
}

/// Write the own profile
///
/// The first time files the application, and so does a change after a rejection.
#[utoipa::path(put, path = "/therapists/me", tag = "therapists",
    responses((status = 200, description = "The profile", body = Data<TherapistProfile>)))]
async fn put_profile(
    State(gateway): State<Gateway>,
    call: Call,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<PutProfileRequest>,
) -> Answer<Data<TherapistProfile>> {
    let profile = PutProfileRequest { expected_version, ..body };
    let profile = gateway.therapists().put_profile(call.with(profile)).await?.into_inner();
    Ok(data(profile).version(|it| it.version))
}

/// The own licence documents
#[utoipa::path(get, path = "/therapists/me/documents", tag = "therapists",
    responses((status = 200, description = "The documents, the newest first", body = Data<Vec<Document>>)))]
async fn list_documents(State(gateway): State<Gateway>, call: Call) -> Answer<Data<Vec<Document>>> {
    let ask = ListDocumentsRequest { therapist_id: None };
    Ok(data(gateway.documents().list_documents(call.with(ask)).await?.into_inner().documents))
}

/// A licence document with its file.
#[expect(dead_code, reason = "it describes the form; its parts are read one by one")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentForm {
    /// What it proves.
    kind: DocumentKind,
    /// Number on it.
    #[schema(min_length = 1, max_length = 60)]
    number: String,
    /// Who issued it.
    #[schema(min_length = 1, max_length = 120)]
    issuer: String,
    /// Last day it is valid, YYYY-MM-DD, not in the past; absent when it does not expire.
    #[schema(format = Date, nullable = false)]
    expires_on: Option<String>,
    /// PDF, JPEG or PNG, up to 10 MiB.
    #[schema(format = Binary, value_type = String)]
    file: Vec<u8>,
}

/// Hand in a licence document
///
/// Ten an hour at most.
#[utoipa::path(post, path = "/therapists/me/documents", tag = "therapists",
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The new document", body = Data<Document>)))]
async fn create_document(
    State(gateway): State<Gateway>,
    call: Call,
    Upload { body, file }: Upload<CreateDocumentRequest>,
) -> Answer<Data<Document>> {
    let new = CreateDocumentRequest { file: file.into(), ..body };
    let document = gateway.documents().create_document(call.with(new)).await?.into_inner();
    Ok(data(document).created(|it| format!("/therapists/me/documents/{}/file", it.id)))
}

/// The file of an own document
#[utoipa::path(get, path = "/therapists/me/documents/{document_id}/file", tag = "therapists",
    params(("document_id" = Uuid, Path, description = "The document")),
    responses((status = 200, description = "The file",
        content((inline(File) = "application/pdf"), (inline(File) = "image/jpeg"), (inline(File) = "image/png")))))]
async fn get_document_file(State(gateway): State<Gateway>, call: Call, Id(document_id): Id) -> Answer<File> {
    let ask = GetDocumentFileRequest { document_id };
    file(gateway.documents().get_document_file(call.with(ask)).await?.into_inner())
}

/// Take an own document away for good
#[utoipa::path(delete, path = "/therapists/me/documents/{document_id}", tag = "therapists",
    params(("document_id" = Uuid, Path, description = "The document")),
    responses((status = 204, description = "The document is gone")))]
async fn delete_document(State(gateway): State<Gateway>, call: Call, Id(document_id): Id) -> Answer<StatusCode> {
    gateway.documents().delete_document(call.with(DeleteDocumentRequest { document_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A document to be kept, not shown: whatever is in it, a browser runs nothing of it.
pub(super) fn file(document: DocumentFile) -> Answer<File> {
    let (name, kind) = match document.media_type.as_str() {
        "application/pdf" => ("document.pdf", "application/pdf"),
        "image/jpeg" => ("document.jpg", "image/jpeg"),
        "image/png" => ("document.png", "image/png"),
        _ => return Err(Failure::new("INTERNAL")),
    };
    Ok(File { name: name.to_owned(), kind, bytes: document.content })
}
