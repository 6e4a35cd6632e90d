use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_proto::common::v1::{AdminActed, Consumer, DropFailedEventRequest, ListFailedEventsRequest};
use aipoten_proto::identity::v1::{ListSecurityEventsRequest, ListSecurityEventsResponse};
use secrecy::ExposeSecret as _;
use sqlx::ConnectOptions as _;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::child::get;
use crate::world::{Person, World, assert_refused, violations};

async fn events(
    world: &World,
    person: &Person,
    page: Option<i32>,
    limit: Option<i32>,
) -> Result<Response<ListSecurityEventsResponse>, Status> {
    world.audit().list_security_events(person.asks(ListSecurityEventsRequest { page, limit })).await
}

#[tokio::test]
async fn everybody_sees_the_own_trail_alone_the_newest_first() {
    let world = World::start().await;
    let (parent, stranger) = (world.parent().await, world.parent().await);
    world.try_sign_in(&parent.email, "wrong horse 7!").await.err().expect("refused");
    let trail = events(&world, &parent, None, None).await.expect("listed").into_inner();
    let seen: Vec<_> = trail.events.iter().map(|it| (it.action.as_str(), it.outcome.as_str())).collect();
    let expected = [
        ("session.created", "refused"),
        ("session.created", "success"),
        ("consent.granted", "success"),
        ("consent.granted", "success"),
        ("user.registered", "success"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(trail.page_info.map(|it| it.total), Some(5));
    let other = events(&world, &stranger, None, None).await.expect("listed").into_inner();
    assert_eq!(other.events.len(), 4);
    assert!(other.events.iter().all(|it| trail.events.iter().all(|own| own.id != it.id)));

    let mut paged = Vec::new();
    for page in 1..=3 {
        let answer = events(&world, &parent, Some(page), Some(2)).await.expect("listed").into_inner();
        paged.extend(answer.events);
    }
    assert_eq!(paged, trail.events, "pages have no gap and no overlap");
    world.end().await;
}

#[tokio::test]
async fn a_page_has_its_bounds() {
    let world = World::start().await;
    let parent = world.parent().await;
    let told = async |page, limit| violations(events(&world, &parent, Some(page), Some(limit)).await);
    assert_eq!(told(101, 100).await, ["page: page_too_far max=10000"]);
    assert_eq!(told(5001, 2).await, ["page: page_too_far max=10000"]);
    assert_eq!(told(0, 0).await, ["page: out_of_range min=1 max=10000", "limit: out_of_range min=1 max=100"]);
    assert_eq!(told(i32::MAX, i32::MAX).await.len(), 3);
    let last = events(&world, &parent, Some(100), Some(100)).await.expect("the last page there can be").into_inner();
    assert!(last.events.is_empty());
    world.end().await;
}

#[tokio::test]
async fn the_service_can_write_its_logs_and_never_change_them() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let child = world.child_of(&parent).await;
    world.children().get_child(parent.asks(get(&child.id))).await.expect("read");
    let url = world.config.database.url.expose_secret().to_owned();
    let mut service = url.parse::<PgConnectOptions>().expect("an address").connect().await.expect("connected");
    for table in ["audit_logs", "child_access_logs"] {
        for change in ["UPDATE {} SET request_id = 'x'", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"] {
            let change = change.replace("{}", table);
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(change.clone())).execute(&mut service).await;
            let error = refused.expect_err("refused");
            let code = error.as_database_error().and_then(DatabaseError::code);
            assert_eq!(code.as_deref(), Some("42501"), "{change}");
        }
    }
    let created = sqlx::raw_sql("CREATE TABLE mine (id int)").execute(&mut service).await;
    assert!(created.is_err(), "the service's role has no DDL");
    drop(service);
    world.end().await;
}

/// Tells that an administrator dropped something, as any service would.
async fn tell(world: &World, actor_id: &str, dropped: &str) {
    let row = Aggregate { kind: "failed_event", id: Uuid::now_v7(), seq: 1 };
    let act = AdminActed {
        actor_id: actor_id.to_owned(),
        action: "failed_event.dropped".to_owned(),
        resource: "failed_event".to_owned(),
        resource_id: dropped.to_owned(),
    };
    let context = Context { request_id: Some("r-9".to_owned()), ..Context::default() };
    let mut conn = world.pool().acquire().await.expect("a connection");
    publish(&mut conn, row, &act, &context).await.expect("published");
}

#[tokio::test]
async fn what_an_administrator_did_in_any_service_is_written_down_once() {
    let broker = own_broker_url("audit");
    let world = World::start_with(|_, common| common.broker.url = broker.into()).await;
    let administrator = world.administrator().await;
    let [dropped, by_hand, nonsense, last] = [(); 4].map(|()| Uuid::now_v7());
    tell(&world, &administrator.id.to_string(), &dropped.to_string()).await;
    tell(&world, "", &by_hand.to_string()).await;
    tell(&world, "nobody", &nonsense.to_string()).await;
    let noted = "SELECT count(*) FROM audit_logs WHERE resource_id = $1 AND action = 'failed_event.dropped'
                 AND outcome = 'success' AND request_id = 'r-9'";
    eventually("both are noted", async || {
        world.count(noted, dropped).await == 1 && world.count(noted, by_hand).await == 1
    })
    .await;
    eventually("what cannot be noted is kept for people to see", async || {
        world.count("SELECT count(*) FROM failed_events WHERE $1 IS NOT NULL", nonsense).await == 1
    })
    .await;
    assert_eq!(world.count(noted, nonsense).await, 0);

    world.alter("UPDATE outbox SET sent_at = NULL, next_at = now() WHERE $1 IS NOT NULL", dropped).await;
    eventually("all are sent again", async || {
        world.count("SELECT count(*) FROM outbox WHERE $1 IS NOT NULL AND sent_at IS NULL", dropped).await == 0
    })
    .await;
    tell(&world, &administrator.id.to_string(), &last.to_string()).await;
    eventually("the last is noted", async || world.count(noted, last).await == 1).await;
    assert_eq!((world.count(noted, dropped).await, world.count(noted, by_hand).await), (1, 1));
    let by =
        "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND actor_role = 'admin' AND resource = 'failed_event'";
    assert_eq!(world.count(by, administrator.id).await, 2);
    let trail = events(&world, &administrator, None, None).await.expect("listed").into_inner().events;
    assert_eq!(trail[0].action, "failed_event.dropped");
    world.end().await;
}

#[tokio::test]
async fn failed_events_are_for_administrators_alone() {
    let world = World::start().await;
    let list = ListFailedEventsRequest { consumer: Consumer::Identity.into(), ..ListFailedEventsRequest::default() };
    let drop_one = DropFailedEventRequest {
        event_id: Uuid::now_v7().to_string(),
        consumer: Consumer::Identity.into(),
        reason: "no longer needed".to_owned(),
    };
    for person in [world.parent().await, world.therapist().await] {
        let listed = world.failed_events().list_failed_events(person.asks(list)).await;
        assert_refused(listed, Code::PermissionDenied, "PERMISSION_DENIED");
        let dropped = world.failed_events().drop_failed_event(person.asks(drop_one.clone())).await;
        assert_refused(dropped, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    assert_refused(world.failed_events().list_failed_events(list).await, Code::Unauthenticated, "UNAUTHENTICATED");
    let administrator = world.administrator().await;
    let listed = world.failed_events().list_failed_events(administrator.asks(list)).await.expect("listed");
    assert!(listed.into_inner().events.is_empty());
    let dropped = world.failed_events().drop_failed_event(administrator.asks(drop_one)).await;
    assert_refused(dropped, Code::NotFound, "NOT_FOUND");
    world.end().await;
}
