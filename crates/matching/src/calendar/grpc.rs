//! Calendars over gRPC.

mod parse;

use aipoten_kit::{Caller, Fields, Page};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::calendar_service_server::CalendarService;
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::blocked_date::{self, BlockedDate, BlockedDateKind};
use super::hours::{self, Availability};
use super::slot::{Hours, Slot};
use super::{feed, free};
use crate::App;

#[tonic::async_trait]
impl CalendarService for App {
    async fn get_availability(
        &self,
        request: Request<proto::GetAvailabilityRequest>,
    ) -> Result<Response<proto::Availability>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(hours::get(self, &caller).await?.into()))
    }

    async fn put_availability(
        &self,
        request: Request<proto::PutAvailabilityRequest>,
    ) -> Result<Response<proto::Availability>, Status> {
        let caller = Caller::of(&request);
        let new = parse::availability(&request.into_inner())?;
        Ok(Response::new(hours::put(self, &caller, new).await?.into()))
    }

    async fn list_blocked_dates(
        &self,
        request: Request<proto::ListBlockedDatesRequest>,
    ) -> Result<Response<proto::ListBlockedDatesResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (dates, total) = blocked_date::list(self, &caller, page).await?;
        Ok(Response::new(proto::ListBlockedDatesResponse {
            blocked_dates: dates.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn create_blocked_date(
        &self,
        request: Request<proto::CreateBlockedDateRequest>,
    ) -> Result<Response<proto::BlockedDate>, Status> {
        let caller = Caller::of(&request);
        let new = parse::blocked_date(request.into_inner())?;
        Ok(Response::new(blocked_date::create(self, &caller, new).await?.into()))
    }

    async fn delete_blocked_date(
        &self,
        request: Request<proto::DeleteBlockedDateRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("blocked_date_id", &request.into_inner().blocked_date_id)?;
        Ok(Response::new(blocked_date::delete(self, &caller, id).await?))
    }

    async fn list_slots(
        &self,
        request: Request<proto::ListSlotsRequest>,
    ) -> Result<Response<proto::ListSlotsResponse>, Status> {
        let ask = parse::slots(&request.into_inner())?;
        let slots = free::list(self, ask.therapist_id, ask.kind, ask.from, ask.to).await?;
        Ok(Response::new(proto::ListSlotsResponse { slots: slots.into_iter().map(Into::into).collect() }))
    }

    async fn create_calendar_feed(
        &self,
        request: Request<proto::CreateCalendarFeedRequest>,
    ) -> Result<Response<proto::CalendarFeed>, Status> {
        let caller = Caller::of(&request);
        let (path, created_at) = feed::create(self, &caller).await?;
        Ok(Response::new(proto::CalendarFeed { path, created_at: Some(timestamp(created_at)) }))
    }

    async fn delete_calendar_feed(
        &self,
        request: Request<proto::DeleteCalendarFeedRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(feed::delete(self, &caller).await?))
    }

    async fn get_calendar(
        &self,
        request: Request<proto::GetCalendarRequest>,
    ) -> Result<Response<proto::Calendar>, Status> {
        let ics = feed::show(self, &request.into_inner().secret).await?;
        Ok(Response::new(proto::Calendar { ics }))
    }
}

fn clock(minute: i16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl From<Availability> for proto::Availability {
    fn from(availability: Availability) -> Self {
        let hours = |(day, hours): (i16, Hours)| proto::WorkingHours {
            day_of_week: day.into(),
            start_time: clock(hours.start_minute),
            end_time: clock(hours.end_minute),
        };
        Self {
            weekly_hours: availability.weekly.into_iter().map(hours).collect(),
            works_on_holidays: availability.works_on_holidays,
            version: availability.version,
        }
    }
}

impl From<BlockedDateKind> for proto::BlockedDateKind {
    fn from(kind: BlockedDateKind) -> Self {
        match kind {
            BlockedDateKind::Blocked => Self::Blocked,
            BlockedDateKind::Extra => Self::Extra,
        }
    }
}

impl From<BlockedDate> for proto::BlockedDate {
    fn from(date: BlockedDate) -> Self {
        Self {
            id: date.id.to_string(),
            date: date.date.to_string(),
            start_time: date.hours.map(|hours| clock(hours.start_minute)),
            end_time: date.hours.map(|hours| clock(hours.end_minute)),
            kind: proto::BlockedDateKind::from(date.kind).into(),
            reason: date.reason,
        }
    }
}

impl From<Slot> for proto::Slot {
    fn from(slot: Slot) -> Self {
        Self { starts_at: Some(timestamp(slot.starts_at)), ends_at: Some(timestamp(slot.ends_at)) }
    }
}
