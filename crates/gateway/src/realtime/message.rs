//! What clients say, one message after the other, each with an answer like that of a route.

use std::future::ready;
use std::sync::Arc;

use aipoten_kit::Role;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::session::Session;
use super::{Adapter, consultation, handshake, notification};
use crate::envelope;
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;
use crate::input;

/// Messages of a client that wait at most.
const WAITING: usize = 64;

struct Message {
    event: String,
    data: Value,
    ack: AckSender<Adapter>,
}

/// Hears a client until it is gone. Before it is told that it is connected, so that nothing is missed.
pub(super) fn listen(gateway: &Gateway, socket: &SocketRef<Adapter>, session: &Arc<Session>) {
    let (sender, inbox) = mpsc::channel(WAITING);
    tokio::spawn(work(gateway.clone(), Arc::clone(session), inbox));
    let speaking = Arc::clone(session);
    socket.on_fallback(move |Event(event): Event, TryData(data): TryData<Value>, ack: AckSender<Adapter>| {
        let message = Message { event, data: data.unwrap_or_default(), ack };
        // Here, and not in the future: messages keep their order.
        if !speaking.rate.admits() || sender.try_send(message).is_err() {
            speaking.end("RATE_LIMITED");
        }
        ready(())
    });
    let (gateway, leaving) = (gateway.clone(), Arc::clone(session));
    socket.on_disconnect(move || async move { leave(&gateway, &leaving).await });
}

async fn leave(gateway: &Gateway, session: &Arc<Session>) {
    gateway.connections().remove(session);
    // Also who left of their own accord holds a connection until it is closed.
    session.cut_soon();
    consultation::leave_all(session).await;
    if session.is_online() {
        gateway.presence().fade(session.user.id).await;
    }
}

async fn work(gateway: Gateway, session: Arc<Session>, mut inbox: mpsc::Receiver<Message>) {
    while let Some(Message { event, data, ack }) = inbox.recv().await {
        let reply = match answer(&gateway, &session, &event, data).await {
            Ok(data) => json!({ "success": true, "data": data }),
            Err(failure) => json!(envelope::problem(&failure, session.locale, session.request_id())),
        };
        if ack.send(&reply).is_err() {
            session.cut();
        }
    }
}

async fn answer(gateway: &Gateway, session: &Session, event: &str, data: Value) -> Answer<Value> {
    match event {
        "join_notification_room" => join_notification_room(gateway, session, data).await,
        "therapist_online" => therapist_online(gateway, session, data).await,
        "authenticate" => authenticate(gateway, session, data).await,
        "join_consultation" => consultation::join(gateway, session, parse(&data)?).await,
        "leave_consultation" => consultation::leave(session, parse(&data)?).await,
        "offer" | "answer" | "ice" => consultation::relay(session, event, parse(&data)?).await,
        _ => Err(Failure::new("NOT_FOUND")),
    }
}

fn parse<T: DeserializeOwned>(data: &Value) -> Answer<T> {
    input::parse(data.to_string().as_bytes())
}

/// Whose room, in an object or alone; nothing names the own one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    #[serde(alias = "therapist_id")]
    user_id: Option<Uuid>,
}

/// Everybody has one room, and one presence: their own.
fn require_own(session: &Session, data: Value) -> Answer<()> {
    let data = if data.is_string() { json!({ "user_id": data }) } else { data };
    let whose: Whose = if data.is_null() { Whose::default() } else { parse(&data)? };
    let own = whose.user_id.is_none_or(|id| id == session.user.id);
    if own { Ok(()) } else { Err(Failure::new("PERMISSION_DENIED")) }
}

/// From now on the client is told; at first what it missed.
async fn join_notification_room(gateway: &Gateway, session: &Session, data: Value) -> Answer<Value> {
    require_own(session, data)?;
    session.join();
    let complete = notification::catch_up(gateway, session).await?;
    Ok(json!({ "user_id": session.user.id, "complete": complete }))
}

async fn therapist_online(gateway: &Gateway, session: &Session, data: Value) -> Answer<Value> {
    require_own(session, data)?;
    if session.user.role != Role::Therapist {
        return Err(Failure::new("PERMISSION_DENIED"));
    }
    session.go_online();
    gateway.presence().keep(vec![session.user.id]).await;
    Ok(json!({ "user_id": session.user.id }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    token: String,
}

/// The next access token of the same session.
async fn authenticate(gateway: &Gateway, session: &Session, data: Value) -> Answer<Value> {
    let Next { token } = parse(&data)?;
    let (user, token) = handshake::authenticate(gateway, &token).await?;
    if user.session_id != session.user.session_id {
        return Err(Failure::new("PERMISSION_DENIED"));
    }
    session.renew(token);
    Ok(json!({ "expires_in": session.seconds_left() }))
}
