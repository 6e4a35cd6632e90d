//! How the two sides of an online session find each other: what a browser has to say to the other is passed on, to that
//! side alone. The therapist makes the offer on hearing `peer_joined`; a parent who hears it joins once more, so that it is heard
//! whoever came first.

use aipoten_kit::Role;
use aipoten_proto::matching::v1::GetConsultationRoomRequest;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::session::Session;
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;

/// Rooms that a connection is in at most.
const ROOMS: usize = 4;

/// Sessions run over: so long after its end those who are in the room can still reach each other.
pub(crate) fn grace() -> TimeDelta {
    TimeDelta::minutes(15)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Room {
    consultation_id: Uuid,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    consultation_id: Uuid,
    /// A description or a candidate, as the browser made it.
    signal: Value,
}

/// Until when the room of a session is open for the caller, as matching says: only its two sides have one.
pub(super) async fn join(gateway: &Gateway, session: &Session, room: Room) -> Answer<Value> {
    let id = room.consultation_id;
    let ask = GetConsultationRoomRequest { consultation_id: id.to_string() };
    let answer = gateway.consultations().get_consultation_room(session.call().with(ask)).await?.into_inner();
    let open_until = answer.open_until.as_ref().and_then(|it| DateTime::from_timestamp(it.seconds, 0));
    let open_until: DateTime<Utc> = open_until.ok_or_else(|| Failure::new("INTERNAL"))?;
    let socket = session.socket().ok_or_else(|| Failure::new("UNAVAILABLE"))?;
    {
        let mut rooms = session.consultations();
        if rooms.len() >= ROOMS && !rooms.contains_key(&id) {
            let mut full = Failure::new("INVALID_STATE").reason("LIMIT_REACHED");
            full.parameters = vec![("max".to_owned(), ROOMS.to_string())];
            return Err(full);
        }
        rooms.insert(id, open_until + grace());
    }
    socket.join(own(session, id));
    tell_other(session, id, "peer_joined", &json!({ "consultation_id": id })).await?;
    Ok(json!({ "consultation_id": id, "open_until": open_until }))
}

pub(super) async fn leave(session: &Session, room: Room) -> Answer<Value> {
    let id = room.consultation_id;
    session.consultations().remove(&id).ok_or_else(|| Failure::new("NOT_FOUND"))?;
    if let Some(socket) = session.socket() {
        socket.leave(own(session, id));
    }
    tell_other(session, id, "peer_left", &json!({ "consultation_id": id })).await?;
    Ok(json!({ "consultation_id": id }))
}

/// Of a connection that ends.
pub(super) async fn leave_all(session: &Session) {
    let rooms: Vec<Uuid> = session.consultations().drain().map(|(id, _)| id).collect();
    for id in rooms {
        if let Err(failure) = tell_other(session, id, "peer_left", &json!({ "consultation_id": id })).await {
            tracing::debug!(code = failure.code, "the other side is not told");
        }
    }
}

/// Passes a signal on to the other side.
pub(super) async fn relay(session: &Session, event: &str, signal: Signal) -> Answer<Value> {
    let open_until = session.consultations().get(&signal.consultation_id).copied();
    let open_until = open_until.ok_or_else(|| Failure::new("NOT_FOUND"))?;
    if Utc::now() >= open_until {
        return Err(Failure::new("INVALID_STATE").reason("TOO_LATE"));
    }
    tell_other(session, signal.consultation_id, event, &signal).await?;
    Ok(Value::Null)
}

async fn tell_other<T: Serialize>(session: &Session, id: Uuid, event: &str, data: &T) -> Answer<()> {
    let Some(namespace) = session.io().and_then(|io| io.of("/")) else { return Ok(()) };
    namespace.to(side(id, !is_therapist(session))).emit(event, data).await.map_err(|error| {
        tracing::warn!(%error, "a signal was not passed on");
        Failure::new("UNAVAILABLE")
    })
}

/// Where the caller's side of a session hears.
fn own(session: &Session, id: Uuid) -> String {
    side(id, is_therapist(session))
}

fn is_therapist(session: &Session) -> bool {
    session.user.role == Role::Therapist
}

fn side(id: Uuid, therapist: bool) -> String {
    format!("consultation:{id}:{}", if therapist { "therapist" } else { "parent" })
}
