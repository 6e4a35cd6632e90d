//! Therapists over gRPC.

mod parse;
mod show;

use aipoten_kit::{Caller, Fields, Page, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::therapist_service_server::TherapistService;
use tonic::{Request, Response, Status};

use super::{admin, profile, suggest};
use crate::{App, region};

#[tonic::async_trait]
impl TherapistService for App {
    async fn put_profile(
        &self,
        request: Request<proto::PutProfileRequest>,
    ) -> Result<Response<proto::TherapistProfile>, Status> {
        let caller = Caller::of(&request);
        let draft = request.into_inner().try_into()?;
        Ok(Response::new(profile::put(self, &caller, &draft).await?.into_profile(caller.locale)))
    }

    async fn get_profile(
        &self,
        request: Request<proto::GetProfileRequest>,
    ) -> Result<Response<proto::TherapistProfile>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(profile::get(self, &caller).await?.into_profile(caller.locale)))
    }

    async fn list_therapists(
        &self,
        request: Request<proto::ListTherapistsRequest>,
    ) -> Result<Response<proto::ListTherapistsResponse>, Status> {
        let caller = Caller::of(&request);
        let (page, filter) = parse::list(&request.into_inner())?;
        let (therapists, total) = super::list(self, page, &filter).await?;
        Ok(Response::new(proto::ListTherapistsResponse {
            therapists: therapists.into_iter().map(|it| it.into_public(caller.locale)).collect(),
            page_info: Some(filter.page_info(page, total)),
        }))
    }

    async fn get_therapist(
        &self,
        request: Request<proto::GetTherapistRequest>,
    ) -> Result<Response<proto::Therapist>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("therapist_id", &request.into_inner().therapist_id)?;
        Ok(Response::new(super::get(self, id).await?.into_public(caller.locale)))
    }

    async fn suggest_therapists(
        &self,
        request: Request<proto::SuggestTherapistsRequest>,
    ) -> Result<Response<proto::SuggestTherapistsResponse>, Status> {
        let caller = Caller::of(&request);
        let mut fields = Fields::new();
        let q = fields.line("q", &request.into_inner().q, 60);
        fields.finish()?;
        let suggestions = suggest::suggest(self, &q).await?;
        let suggestions = suggestions.into_iter().map(|it| it.into_proto(caller.locale)).collect();
        Ok(Response::new(proto::SuggestTherapistsResponse { suggestions }))
    }

    async fn list_regions(
        &self,
        request: Request<proto::ListRegionsRequest>,
    ) -> Result<Response<proto::ListRegionsResponse>, Status> {
        let caller = Caller::of(&request);
        let regions = region::list(request.into_inner().parent_code.as_deref())?;
        let regions = regions.into_iter().map(|it| it.to_proto(caller.locale)).collect();
        Ok(Response::new(proto::ListRegionsResponse { regions }))
    }

    async fn list_pending_profiles(
        &self,
        request: Request<proto::ListPendingProfilesRequest>,
    ) -> Result<Response<proto::ListPendingProfilesResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (profiles, total) = admin::list_pending(self, &caller, page).await?;
        Ok(Response::new(proto::ListPendingProfilesResponse {
            profiles: profiles.into_iter().map(|it| it.into_profile(caller.locale)).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn approve_profile(
        &self,
        request: Request<proto::ApproveProfileRequest>,
    ) -> Result<Response<proto::TherapistProfile>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("therapist_id", &request.into_inner().therapist_id)?;
        Ok(Response::new(admin::approve(self, &caller, id).await?.into_profile(caller.locale)))
    }

    async fn reject_profile(
        &self,
        request: Request<proto::RejectProfileRequest>,
    ) -> Result<Response<proto::TherapistProfile>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let (id, reason) = parse::decision(&request.therapist_id, &request.reason)?;
        Ok(Response::new(admin::reject(self, &caller, id, &reason).await?.into_profile(caller.locale)))
    }

    async fn suspend_profile(
        &self,
        request: Request<proto::SuspendProfileRequest>,
    ) -> Result<Response<proto::TherapistProfile>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let (id, reason) = parse::decision(&request.therapist_id, &request.reason)?;
        Ok(Response::new(admin::suspend(self, &caller, id, &reason).await?.into_profile(caller.locale)))
    }
}
