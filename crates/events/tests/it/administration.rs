use std::time::Duration;

use aipoten_events::{Consumers, Context, Delivered, FailedEvents, Failure, State, Wake};
use aipoten_kit::{Caller, Error, Page, Role, User};
use aipoten_proto::common::v1::failed_event_service_server::FailedEventService as _;
use aipoten_proto::common::v1::{
    AdminActed, Consumer, DropFailedEventRequest, ListFailedEventsRequest, ReplayFailedEventRequest,
};
use anyhow::anyhow;
use chrono::Utc;
use prost::Message as _;
use sqlx::PgConnection;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::world::{Counted, Running, World, note};

const OFTEN: [Duration; 100] = [Duration::from_millis(10); 100];
const PAGE: Page = Page { number: 1, limit: 20 };

/// Refuses every event for as long as the table shut has a row.
async fn unless_shut<const TEST: u8>(conn: &mut PgConnection, event: &Delivered<Counted<TEST>>) -> Result<(), Failure> {
    let shut: i64 = sqlx::query_scalar("SELECT count(*) FROM shut").fetch_one(&mut *conn).await?;
    if shut > 0 { Err(anyhow!("shut").into()) } else { note(conn, event).await }
}

/// A consumer that has given up on events 1 to `events`.
async fn with_dead_events<const TEST: u8>(world: &World<TEST>, events: i32) -> (FailedEvents, Vec<Running>) {
    world.table("shut (reason int)").await;
    sqlx::query("INSERT INTO shut VALUES (1)").execute(&world.pool).await.expect("shut");
    let consumers = Consumers::new(world.service).retry_after(&[]).on::<Counted<TEST>>(unless_shut::<TEST>);
    let consuming = world.start(consumers).await;
    let (wake, relaying) = world.relay();
    world.publish(1..=events).await;
    wake.wake();
    world.until_count("failed_events WHERE state = 'dead'", events.into()).await;
    (FailedEvents::new(world.service, world.pool.clone(), wake), vec![consuming, relaying])
}

async fn open<const TEST: u8>(world: &World<TEST>) {
    sqlx::query("DELETE FROM shut").execute(&world.pool).await.expect("open");
}

async fn id<const TEST: u8>(world: &World<TEST>, number: i32) -> Uuid {
    let of_number = "SELECT event_id FROM failed_events WHERE json->>'number' = $1::text";
    sqlx::query_scalar(of_number).bind(number.to_string()).fetch_one(&world.pool).await.expect("the event")
}

#[tokio::test]
async fn a_dead_event_that_is_replayed_is_tried_again_and_has_its_effect() {
    let world = World::<60>::new().await;
    let (failed, running) = with_dead_events(&world, 2).await;
    let first = id(&world, 1).await;
    failed.replay(first, &Context::default()).await.expect("still shut");
    world.until_count("failed_events WHERE state = 'dead' AND attempts = 1", 1).await;

    open(&world).await;
    failed.replay(first, &Context::default()).await.expect("open");
    world.until_count("failed_events WHERE state = 'replayed'", 1).await;
    let again = failed.replay(first, &Context::default()).await.expect_err("it is applied");
    assert!(matches!(again, Error::FailedPrecondition(_)), "{again}");
    world.stop(running).await;
    assert_eq!(world.effects().await, [1]);
    world.end().await;
}

#[tokio::test]
async fn an_event_that_is_dropped_has_no_effect_until_it_is_replayed() {
    let world = World::<61>::new().await;
    let (failed, running) = with_dead_events(&world, 1).await;
    let event = id(&world, 1).await;
    let drop = async || failed.drop(event, "a test".to_owned(), &Context::default()).await;
    drop().await.expect("dropped");
    let again = drop().await.expect_err("it is dropped");
    assert!(matches!(again, Error::FailedPrecondition(_)), "{again}");
    assert_eq!(world.count("failed_events WHERE state = 'dropped' AND reason = 'a test'").await, 1);

    open(&world).await;
    failed.replay(event, &Context::default()).await.expect("it comes back");
    world.until_count("effect", 1).await;
    world.until_count("failed_events WHERE state = 'replayed' AND reason IS NULL", 1).await;
    let unknown = failed.replay(Uuid::now_v7(), &Context::default()).await.expect_err("it never failed");
    assert!(matches!(unknown, Error::NotFound("failed_event")), "{unknown}");
    world.stop(running).await;
    world.end().await;
}

#[tokio::test]
async fn failed_events_are_listed_by_state_and_page_the_latest_first() {
    let world = World::<62>::new().await;
    let (failed, running) = with_dead_events(&world, 5).await;
    let dropped = id(&world, 3).await;
    failed.drop(dropped, "a test".to_owned(), &Context::default()).await.expect("dropped");

    let (all, total) = failed.list(None, PAGE).await.expect("a list");
    assert_eq!((all.len(), total), (5, 5));
    let shown: Vec<_> = all.into_iter().map(|event| failed.show(event)).collect();
    let times: Vec<_> = shown.iter().map(|event| event.last_failed_at.expect("a time").to_string()).collect();
    assert!(times.is_sorted_by(|earlier, later| earlier >= later), "{times:?}");
    assert_eq!((shown[0].error.as_str(), shown[0].source.as_str()), ("shut", world.service));
    let (gone, total) = failed.list(Some(State::Dropped), PAGE).await.expect("a list");
    assert_eq!((gone.len(), total), (1, 1));
    let (rest, total) = failed.list(Some(State::Dead), Page { number: 2, limit: 3 }).await.expect("a list");
    assert_eq!((rest.len(), total), (1, 4));
    world.stop(running).await;
    world.end().await;
}

#[tokio::test]
async fn what_is_decided_is_published_with_who_decided_in_the_same_transaction() {
    let world = World::<63>::new().await;
    let (failed, running) = with_dead_events(&world, 1).await;
    let event = id(&world, 1).await;
    let context = Context { actor: Some("somebody".to_owned()), ..Context::default() };
    failed.drop(event, "a test".to_owned(), &context).await.expect("dropped");
    failed.drop(event, "a test".to_owned(), &context).await.expect_err("it is dropped");
    let published: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT payload FROM outbox WHERE type = 'aipoten.common.v1.AdminActed'")
            .fetch_all(&world.pool)
            .await
            .expect("the outbox");
    let acts: Vec<_> = published.iter().map(|it| AdminActed::decode(it.as_slice()).expect("the event")).collect();
    let expected = AdminActed {
        actor_id: "somebody".to_owned(),
        action: "failed_event.dropped".to_owned(),
        resource: "failed_event".to_owned(),
        resource_id: event.to_string(),
    };
    assert_eq!(acts, [expected], "no act without a change");
    world.stop(running).await;
    world.end().await;
}

fn by<T>(role: Option<Role>, message: T) -> Request<T> {
    let user = role.map(|role| User {
        id: Uuid::now_v7(),
        session_id: Uuid::now_v7(),
        role,
        auth_time: Utc::now(),
        email_verified: true,
    });
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller { user, ..Caller::default() });
    request
}

fn ask(consumer: Consumer) -> ListFailedEventsRequest {
    ListFailedEventsRequest { consumer: consumer.into(), ..ListFailedEventsRequest::default() }
}

#[tokio::test]
async fn over_grpc_they_are_for_administrators_alone_and_of_this_service_alone() {
    let world = World::<64>::new().await;
    let failed = FailedEvents::new("content", world.pool.clone(), Wake::default());
    let code = |answer: Result<(), Status>| answer.map_or_else(|status| status.code(), |()| Code::Ok);
    let list = async |role, request| code(failed.list_failed_events(by(role, request)).await.map(drop));
    let replay = async |role, event_id: &str| {
        let request = ReplayFailedEventRequest { event_id: event_id.to_owned(), consumer: Consumer::Content.into() };
        code(failed.replay_failed_event(by(role, request)).await.map(drop))
    };
    let give_up = async |role, reason: &str| {
        let (event_id, reason) = (Uuid::now_v7().to_string(), reason.to_owned());
        let request = DropFailedEventRequest { event_id, consumer: Consumer::Content.into(), reason };
        code(failed.drop_failed_event(by(role, request)).await.map(drop))
    };
    for (role, refusal) in [
        (None, Code::Unauthenticated),
        (Some(Role::Parent), Code::PermissionDenied),
        (Some(Role::Therapist), Code::PermissionDenied),
    ] {
        assert_eq!(list(role, ask(Consumer::Content)).await, refusal);
        assert_eq!(replay(role, "nothing").await, refusal);
        assert_eq!(give_up(role, "").await, refusal);
    }
    let admin = Some(Role::Admin);
    assert_eq!(list(admin, ask(Consumer::Content)).await, Code::Ok);
    assert_eq!(list(admin, ask(Consumer::Identity)).await, Code::InvalidArgument);
    assert_eq!(list(admin, ask(Consumer::Unspecified)).await, Code::InvalidArgument);
    assert_eq!(
        list(admin, ListFailedEventsRequest { state: Some(9), ..ask(Consumer::Content) }).await,
        Code::InvalidArgument
    );
    assert_eq!(replay(admin, "nothing").await, Code::InvalidArgument);
    assert_eq!(replay(admin, &Uuid::now_v7().to_string()).await, Code::NotFound);
    assert_eq!(give_up(admin, " ").await, Code::InvalidArgument);
    assert_eq!(give_up(admin, "a test").await, Code::NotFound);
    world.end().await;
}

#[tokio::test]
async fn an_event_that_is_just_being_applied_cannot_be_dropped() {
    async fn slow(conn: &mut PgConnection, event: &Delivered<Counted<65>>) -> Result<(), Failure> {
        sqlx::query("SELECT pg_advisory_xact_lock(65)").execute(&mut *conn).await?;
        unless_shut(conn, event).await
    }
    let world = World::<65>::new().await;
    world.table("shut (reason int)").await;
    sqlx::query("INSERT INTO shut VALUES (1)").execute(&world.pool).await.expect("shut");
    let consuming = world.start(Consumers::new(world.service).retry_after(&OFTEN).on::<Counted<65>>(slow)).await;
    let (wake, relaying) = world.relay();
    world.publish(1..=1).await;
    wake.wake();
    world.until_count("failed_events WHERE attempts > 1", 1).await;
    let failed = FailedEvents::new(world.service, world.pool.clone(), wake);
    let mut gate = world.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT pg_advisory_xact_lock(65)").execute(&mut *gate).await.expect("locked");
    world.until_waiting(1).await;
    let event = id(&world, 1).await;
    let dropping = tokio::spawn(async move { failed.drop(event, "a test".to_owned(), &Context::default()).await });
    world.until_waiting(2).await;
    open(&world).await;
    gate.rollback().await.expect("opened");
    let late = dropping.await.expect("no panic").expect_err("the try came first");
    assert!(matches!(late, Error::FailedPrecondition(_)), "{late}");
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, [1]);
    world.end().await;
}
