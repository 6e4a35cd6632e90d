//! Documents over gRPC.

use aipoten_kit::{Caller, Error, Fields, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::document_service_server::DocumentService;
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::file::LARGEST;
use super::{Document, Kind, MediaType, New};
use crate::{App, clock};

/// Bytes of a message of this service at most: a file and what is said about it.
pub(crate) const LARGEST_MESSAGE: usize = 12 * 1024 * 1024;

#[tonic::async_trait]
impl DocumentService for App {
    async fn create_document(
        &self,
        request: Request<proto::CreateDocumentRequest>,
    ) -> Result<Response<proto::Document>, Status> {
        let caller = Caller::of(&request);
        let new = request.into_inner().try_into()?;
        Ok(Response::new(super::create(self, &caller, new).await?.into()))
    }

    async fn list_documents(
        &self,
        request: Request<proto::ListDocumentsRequest>,
    ) -> Result<Response<proto::ListDocumentsResponse>, Status> {
        let caller = Caller::of(&request);
        let mut fields = Fields::new();
        let therapist_id = request.into_inner().therapist_id.map(|id| fields.uuid("therapist_id", &id));
        fields.finish()?;
        let documents = super::list(self, &caller, therapist_id).await?;
        let documents = documents.into_iter().map(Into::into).collect();
        Ok(Response::new(proto::ListDocumentsResponse { documents }))
    }

    async fn get_document_file(
        &self,
        request: Request<proto::GetDocumentFileRequest>,
    ) -> Result<Response<proto::DocumentFile>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("document_id", &request.into_inner().document_id)?;
        let (document, content) = super::read(self, &caller, id).await?;
        Ok(Response::new(proto::DocumentFile { media_type: document.media_type.as_str().to_owned(), content }))
    }

    async fn delete_document(&self, request: Request<proto::DeleteDocumentRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("document_id", &request.into_inner().document_id)?;
        Ok(Response::new(super::delete(self, &caller, id).await?))
    }
}

impl TryFrom<proto::CreateDocumentRequest> for New {
    type Error = Error;

    fn try_from(request: proto::CreateDocumentRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let kind = match request.kind() {
            proto::DocumentKind::Unspecified => f.required("kind", None),
            proto::DocumentKind::Licence => Kind::Licence,
            proto::DocumentKind::Certificate => Kind::Certificate,
        };
        let expires_on = request.expires_on.as_ref().map(|day| {
            let known = aipoten_proto::date(day).is_ok();
            let day = f.date("expires_on", day);
            f.check(!known || day >= clock::today(), "expires_on", "in_the_past");
            day
        });
        let new = Self {
            kind,
            number: f.line("number", &request.number, 60),
            issuer: f.line("issuer", &request.issuer, 120),
            expires_on,
            media_type: media_type(f, &request.file),
            content: request.file,
        };
        fields.finish()?;
        Ok(new)
    }
}

fn media_type(fields: &mut Fields, file: &[u8]) -> MediaType {
    if file.is_empty() {
        return fields.required("file", None);
    }
    fields.check(file.len() <= LARGEST, "file", "file_too_large mebibytes=10");
    let media_type = MediaType::of(file);
    fields.check(media_type.is_some(), "file", "file_type_unsupported");
    media_type.unwrap_or_default()
}

impl From<Document> for proto::Document {
    fn from(document: Document) -> Self {
        let kind = match document.kind {
            Kind::Licence => proto::DocumentKind::Licence,
            Kind::Certificate => proto::DocumentKind::Certificate,
        };
        Self {
            id: document.id.to_string(),
            kind: kind.into(),
            number: document.number,
            issuer: document.issuer,
            expires_on: document.expires_on.as_ref().map(ToString::to_string),
            media_type: document.media_type.as_str().to_owned(),
            size: document.size,
            checked_at: document.checked_at.map(timestamp),
            created_at: Some(timestamp(document.created_at)),
        }
    }
}
