//! When therapists work, what is free, and feeds for other calendars.

use aipoten_proto::matching::v1::{
    Availability, BlockedDate, CalendarFeed, CreateBlockedDateRequest, CreateCalendarFeedRequest,
    DeleteBlockedDateRequest, DeleteCalendarFeedRequest, GetAvailabilityRequest, GetCalendarRequest,
    ListBlockedDatesRequest, ListSlotsRequest, PutAvailabilityRequest, Slot,
};
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::{Call, PublicCall};
use crate::envelope::{Data, List, data, list};
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query, Slug};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(get_availability, put_availability))
        .routes(routes!(list_blocked_dates, create_blocked_date))
        .routes(routes!(delete_blocked_date))
        .routes(routes!(list_slots))
        .routes(routes!(create_calendar_feed, delete_calendar_feed))
        .routes(routes!(get_calendar))
}

/// The own weekly hours
#[utoipa::path(get, path = "/therapists/me/availability", tag = "calendars",
    responses((status = 200, description = "The hours, in Asia/Seoul", body = Data<Availability>)))]
async fn get_availability(State(gateway): State<Gateway>, call: Call) -> Answer<Data<Availability>> {
    let hours = gateway.calendars().get_availability(call.with(GetAvailabilityRequest {})).await?.into_inner();
    Ok(data(hours).version(|it| it.version))
}

/// Write the own weekly hours as a whole
///
/// Sessions that are booked stay.
#[utoipa::path(put, path = "/therapists/me/availability", tag = "calendars",
    responses((status = 200, description = "The hours as they are now", body = Data<Availability>)))]
async fn put_availability(
    State(gateway): State<Gateway>,
    call: Call,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<PutAvailabilityRequest>,
) -> Answer<Data<Availability>> {
    let hours = PutAvailabilityRequest { expected_version, ..body };
    let hours = gateway.calendars().put_availability(call.with(hours)).await?.into_inner();
    Ok(data(hours).version(|it| it.version))
}

/// The own blocked and extra times that are not over
#[utoipa::path(get, path = "/therapists/me/blocked-dates", tag = "calendars", params(ListBlockedDatesRequest),
    responses((status = 200, description = "A page of times, by day and begin", body = List<BlockedDate>)))]
async fn list_blocked_dates(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListBlockedDatesRequest>,
) -> Answer<List<BlockedDate>> {
    let answer = gateway.calendars().list_blocked_dates(call.with(query)).await?.into_inner();
    Ok(list(answer.blocked_dates, answer.page_info))
}

/// Block a time, or add one to the weekly hours
#[utoipa::path(post, path = "/therapists/me/blocked-dates", tag = "calendars",
    responses((status = 201, description = "The new time", body = Data<BlockedDate>)))]
async fn create_blocked_date(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<CreateBlockedDateRequest>,
) -> Answer<Data<BlockedDate>> {
    let date = gateway.calendars().create_blocked_date(call.with(body)).await?.into_inner();
    Ok(data(date).created(|it| format!("/therapists/me/blocked-dates/{}", it.id)))
}

/// Take a blocked or extra time away
#[utoipa::path(delete, path = "/therapists/me/blocked-dates/{blocked_date_id}", tag = "calendars",
    params(("blocked_date_id" = Uuid, Path, description = "The time")),
    responses((status = 204, description = "It is gone; sessions that are booked stay")))]
async fn delete_blocked_date(State(gateway): State<Gateway>, call: Call, Id(id): Id) -> Answer<StatusCode> {
    let request = DeleteBlockedDateRequest { blocked_date_id: id };
    gateway.calendars().delete_blocked_date(call.with(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Times at which a session with a therapist can begin
#[utoipa::path(get, path = "/therapists/{therapist_id}/slots", tag = "calendars", security(()),
    params(("therapist_id" = Uuid, Path, description = "The therapist"), ListSlotsRequest),
    responses((status = 200, description = "Free times, the earliest first", body = Data<Vec<Slot>>)))]
async fn list_slots(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Id(therapist_id): Id,
    Query(query): Query<ListSlotsRequest>,
) -> Answer<Data<Vec<Slot>>> {
    let ask = ListSlotsRequest { therapist_id, ..query };
    Ok(data(gateway.calendars().list_slots(call.with(ask)).await?.into_inner().slots))
}

/// Make a feed of the own sessions for another calendar
///
/// Whoever has its address sees when sessions are, and nobody's name. The address is shown once; a feed made before ends.
#[utoipa::path(post, path = "/calendar-feed", tag = "calendars",
    responses((status = 201, description = "The feed's address", body = Data<CalendarFeed>)))]
async fn create_calendar_feed(State(gateway): State<Gateway>, call: Call) -> Answer<Data<CalendarFeed>> {
    let feed = gateway.calendars().create_calendar_feed(call.with(CreateCalendarFeedRequest {})).await?.into_inner();
    // The place where it can be ended: headers are logged in more places than bodies.
    Ok(data(feed).created(|_| "/calendar-feed".to_owned()))
}

/// End the own feed
#[utoipa::path(delete, path = "/calendar-feed", tag = "calendars",
    responses((status = 204, description = "Its address shows nothing any more")))]
async fn delete_calendar_feed(State(gateway): State<Gateway>, call: Call) -> Answer<StatusCode> {
    gateway.calendars().delete_calendar_feed(call.with(DeleteCalendarFeedRequest {})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A feed, for other calendars
#[utoipa::path(get, path = "/calendars/{file}", tag = "calendars", security(()),
    params(("file" = String, Path, description = "The feed's secret and `.ics`")),
    responses((status = 200, description = "iCalendar (RFC 5545)", body = String, content_type = "text/calendar")))]
async fn get_calendar(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Slug(file): Slug,
) -> Answer<impl IntoResponse> {
    let secret = file.strip_suffix(".ics").ok_or_else(|| Failure::new("NOT_FOUND"))?.to_owned();
    let calendar = gateway.calendars().get_calendar(call.with(GetCalendarRequest { secret })).await?.into_inner();
    Ok(([(CONTENT_TYPE, "text/calendar; charset=utf-8")], calendar.ics))
}
