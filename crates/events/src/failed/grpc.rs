//! Failed events over gRPC.

use aipoten_kit::{Caller, Fields, Page, Result, Role};
use aipoten_proto::common::v1::failed_event_service_server::FailedEventService;
use aipoten_proto::common::v1::{self as proto, Consumer, FailedEventState};
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::{FailedEvent, FailedEvents, State};
use crate::event::Context;

#[tonic::async_trait]
impl FailedEventService for FailedEvents {
    async fn list_failed_events(
        &self,
        request: Request<proto::ListFailedEventsRequest>,
    ) -> Result<Response<proto::ListFailedEventsResponse>, Status> {
        Caller::of(&request).with_role(Role::Admin)?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        self.check_consumer(&mut fields, request.consumer);
        let state = request.state.and_then(|state| parse_state(&mut fields, state));
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (events, total) = self.list(state, page).await?;
        let events = events.into_iter().map(|event| self.show(event)).collect();
        Ok(Response::new(proto::ListFailedEventsResponse { events, page_info: Some(page.info(total)) }))
    }

    async fn replay_failed_event(
        &self,
        request: Request<proto::ReplayFailedEventRequest>,
    ) -> Result<Response<proto::FailedEvent>, Status> {
        let caller = Caller::of(&request);
        caller.with_role(Role::Admin)?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let event_id = fields.uuid("event_id", &request.event_id);
        self.check_consumer(&mut fields, request.consumer);
        fields.finish()?;
        let event = self.replay(event_id, &Context::from(&caller)).await?;
        Ok(Response::new(self.show(event)))
    }

    async fn drop_failed_event(
        &self,
        request: Request<proto::DropFailedEventRequest>,
    ) -> Result<Response<proto::FailedEvent>, Status> {
        let caller = Caller::of(&request);
        caller.with_role(Role::Admin)?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let event_id = fields.uuid("event_id", &request.event_id);
        self.check_consumer(&mut fields, request.consumer);
        let reason = fields.text("reason", &request.reason, 500);
        fields.finish()?;
        let event = self.drop(event_id, reason, &Context::from(&caller)).await?;
        Ok(Response::new(self.show(event)))
    }
}

impl FailedEvents {
    fn proto_consumer(&self) -> Consumer {
        Consumer::from_str_name(&format!("CONSUMER_{}", self.consumer.to_uppercase())).unwrap_or_default()
    }

    /// Whoever asks for another service's events has come to the wrong address.
    fn check_consumer(&self, fields: &mut Fields, consumer: i32) {
        if consumer == Consumer::Unspecified as i32 {
            fields.violate("consumer", "required");
        } else {
            fields.check(consumer == self.proto_consumer() as i32, "consumer", "invalid");
        }
    }

    /// As people see it.
    pub fn show(&self, event: FailedEvent) -> proto::FailedEvent {
        let envelope = event.envelope.0;
        let waiting = event.state == State::Waiting;
        proto::FailedEvent {
            event_id: event.event_id.to_string(),
            consumer: self.proto_consumer().into(),
            r#type: event.event_type,
            source: envelope.source,
            subject: envelope.subject,
            published_at: Some(timestamp(envelope.time)),
            request_id: envelope.context.request_id,
            payload_json: event.json.map(|json| json.to_string()),
            state: FailedEventState::from(event.state).into(),
            error: event.error,
            attempts: event.attempts,
            first_failed_at: Some(timestamp(event.first_failed_at)),
            last_failed_at: Some(timestamp(event.last_failed_at)),
            next_at: waiting.then(|| timestamp(event.next_at)),
            reason: event.reason,
        }
    }
}

fn parse_state(fields: &mut Fields, state: i32) -> Option<State> {
    match FailedEventState::try_from(state) {
        Ok(FailedEventState::Waiting) => Some(State::Waiting),
        Ok(FailedEventState::Dead) => Some(State::Dead),
        Ok(FailedEventState::Replayed) => Some(State::Replayed),
        Ok(FailedEventState::Dropped) => Some(State::Dropped),
        Ok(FailedEventState::Unspecified) | Err(_) => {
            fields.violate("state", "invalid");
            None
        }
    }
}

impl From<State> for FailedEventState {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Dead => Self::Dead,
            State::Replayed => Self::Replayed,
            State::Dropped => Self::Dropped,
        }
    }
}
