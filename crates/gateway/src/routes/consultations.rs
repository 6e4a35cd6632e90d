//! Sessions.

use aipoten_proto::matching::v1::{
    CancelConsultationRequest, CancelQuote, CancelledConsultation, CompleteConsultationRequest, Consultation,
    ConsultationRoom, DisputeConsultationRequest, GetCancelQuoteRequest, GetConsultationRequest,
    GetConsultationRoomRequest, ListConsultationsRequest, MarkNoShowRequest, ScheduleConsultationRequest,
    StartConsultationRequest, UpdateConsultationRequest,
};
use axum::Extension;
use axum::extract::State;
use chrono::DateTime;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::{Call, Token};
use crate::envelope::{Data, List, data, list};
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json, Query};
use crate::patch::Patch;
use crate::realtime;
use crate::turn::{TurnCredentials, credentials};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_consultations))
        .routes(routes!(get_consultation, update_consultation))
        .routes(routes!(schedule_consultation))
        .routes(routes!(start_consultation))
        .routes(routes!(complete_consultation))
        .routes(routes!(mark_no_show))
        .routes(routes!(get_cancel_quote))
        .routes(routes!(cancel_consultation))
        .routes(routes!(dispute_consultation))
        .routes(routes!(get_consultation_room))
        .routes(routes!(create_turn_credentials))
}

/// The own sessions, as parent or as therapist
#[utoipa::path(get, path = "/consultations", tag = "consultations", params(ListConsultationsRequest),
    responses((status = 200, description = "A page of sessions by their begin, without texts", body = List<Consultation>)))]
async fn list_consultations(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListConsultationsRequest>,
) -> Answer<List<Consultation>> {
    let answer = gateway.consultations().list_consultations(call.with(query)).await?.into_inner();
    Ok(list(answer.consultations, answer.page_info))
}

/// One session
#[utoipa::path(get, path = "/consultations/{consultation_id}", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The session", body = Data<Consultation>)))]
async fn get_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<Consultation>> {
    let ask = GetConsultationRequest { consultation_id };
    let session = gateway.consultations().get_consultation(call.with(ask)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// Change the address of a home visit (parent) or the own notes (therapist)
#[utoipa::path(patch, path = "/consultations/{consultation_id}", tag = "consultations",
    request_body = UpdateConsultationRequest,
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The changed session", body = Data<Consultation>)))]
async fn update_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    IfMatch(expected_version): IfMatch,
    Patch { body, mask: update_mask }: Patch<UpdateConsultationRequest>,
) -> Answer<Data<Consultation>> {
    let change = UpdateConsultationRequest { consultation_id, update_mask, expected_version, ..body };
    let session = gateway.consultations().update_consultation(call.with(change)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// Set the time of a session that has none
///
/// Takes an Idempotency-Key. `SLOT_TAKEN` names times that are free.
#[utoipa::path(post, path = "/consultations/{consultation_id}/schedule", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The session with its time", body = Data<Consultation>)))]
async fn schedule_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    Json(body): Json<ScheduleConsultationRequest>,
) -> Answer<Data<Consultation>> {
    let ask = ScheduleConsultationRequest { consultation_id, ..body };
    let session = gateway.consultations().schedule_consultation(call.with(ask)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// Begin a session
///
/// For its therapist, from 15 minutes before its time.
#[utoipa::path(post, path = "/consultations/{consultation_id}/start", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The running session", body = Data<Consultation>)))]
async fn start_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<Consultation>> {
    let ask = StartConsultationRequest { consultation_id };
    let session = gateway.consultations().start_consultation(call.with(ask)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// End a running session
#[utoipa::path(post, path = "/consultations/{consultation_id}/complete", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The session, held", body = Data<Consultation>)))]
async fn complete_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<Consultation>> {
    let ask = CompleteConsultationRequest { consultation_id };
    let session = gateway.consultations().complete_consultation(call.with(ask)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// The family did not come
///
/// For the therapist, from 15 minutes after the begin.
#[utoipa::path(post, path = "/consultations/{consultation_id}/no-show", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The session, counted as used", body = Data<Consultation>)))]
async fn mark_no_show(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<Consultation>> {
    let ask = MarkNoShowRequest { consultation_id };
    let session = gateway.consultations().mark_no_show(call.with(ask)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// What cancelling now would pay back
#[utoipa::path(get, path = "/consultations/{consultation_id}/cancel-quote", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The amount and the policy", body = Data<CancelQuote>)))]
async fn get_cancel_quote(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<CancelQuote>> {
    let ask = GetCancelQuoteRequest { consultation_id };
    Ok(data(gateway.consultations().get_cancel_quote(call.with(ask)).await?.into_inner()))
}

/// Cancel a session
///
/// Takes an Idempotency-Key.
#[utoipa::path(post, path = "/consultations/{consultation_id}/cancel", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The session, and what is paid back", body = Data<CancelledConsultation>)))]
async fn cancel_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    Json(body): Json<CancelConsultationRequest>,
) -> Answer<Data<CancelledConsultation>> {
    let ask = CancelConsultationRequest { consultation_id, ..body };
    Ok(data(gateway.consultations().cancel_consultation(call.with(ask)).await?.into_inner()))
}

/// Dispute a session
///
/// Within 7 days: an administrator decides before it is settled.
#[utoipa::path(post, path = "/consultations/{consultation_id}/dispute", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The disputed session", body = Data<Consultation>)))]
async fn dispute_consultation(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
    Json(body): Json<DisputeConsultationRequest>,
) -> Answer<Data<Consultation>> {
    let ask = DisputeConsultationRequest { consultation_id, ..body };
    let session = gateway.consultations().dispute_consultation(call.with(ask)).await?.into_inner();
    Ok(data(session).version(|it| it.version))
}

/// Whether the room of an online session is open to the caller
///
/// From 15 minutes before the session until its end.
#[utoipa::path(get, path = "/consultations/{consultation_id}/room", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The room, and until when it is open", body = Data<ConsultationRoom>)))]
async fn get_consultation_room(
    State(gateway): State<Gateway>,
    call: Call,
    Id(consultation_id): Id,
) -> Answer<Data<ConsultationRoom>> {
    let ask = GetConsultationRoomRequest { consultation_id };
    Ok(data(gateway.consultations().get_consultation_room(call.with(ask)).await?.into_inner()))
}

/// Credentials for the relays of an online session
///
/// For its two sides, while its room is open to them; good until 15 minutes after the session. What the browsers say to each
/// other goes over Socket.IO: `join_consultation`, `offer`, `answer`, `ice`.
#[utoipa::path(post, path = "/consultations/{consultation_id}/turn-credentials", tag = "consultations",
    params(("consultation_id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "Addresses, name and password", body = Data<TurnCredentials>)))]
async fn create_turn_credentials(
    State(gateway): State<Gateway>,
    call: Call,
    Extension(token): Extension<Token>,
    Id(consultation_id): Id,
) -> Answer<Data<TurnCredentials>> {
    let Token::Good(_, user) = token else { return Err(Failure::new("UNAUTHENTICATED")) };
    let ask = GetConsultationRoomRequest { consultation_id };
    let room = gateway.consultations().get_consultation_room(call.with(ask)).await?.into_inner();
    let open_until = room.open_until.and_then(|it| DateTime::from_timestamp(it.seconds, 0));
    let open_until = open_until.ok_or_else(|| Failure::new("INTERNAL"))?;
    Ok(data(credentials(gateway.turn(), &user, open_until + realtime::grace())?))
}
