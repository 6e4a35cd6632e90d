use aipoten_proto::identity::v1::{ListSecurityEventsRequest, ListSecurityEventsResponse};
use secrecy::ExposeSecret as _;
use sqlx::ConnectOptions as _;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use tonic::{Response, Status};

use crate::child::get;
use crate::world::{Person, World, violations};

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
