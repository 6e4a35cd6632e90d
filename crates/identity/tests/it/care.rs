//! Which therapists see which children: as long as a package runs and its time after, and only while the parent consents.

use aipoten_events::{Context, Delivered};
use aipoten_identity::consumers;
use aipoten_proto::common::v1::ChildAccessed;
use aipoten_proto::identity::v1::{
    Child, ConsentKind, GetChildBirthRequest, ListChildAccessesRequest, ListChildrenRequest,
};
use aipoten_proto::matching::v1::{CareRelationEnded, CareRelationStarted};
use aipoten_proto::timestamp;
use chrono::{DateTime, TimeDelta, Utc};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::child::{delete, get};
use crate::world::{Person, World, assert_refused, consent, from_device, plain_child, withdrawal};

fn delivered<E>(about: Uuid, seq: i64, event: E) -> Delivered<E> {
    let context = Context { request_id: Some("r-7".to_owned()), ..Context::default() };
    Delivered { context, ..aipoten_events::test::delivered(about, seq, event) }
}

/// Matching tells that a package was paid.
async fn start(world: &World, package: Uuid, seq: i64, therapist: &Person, child: &Child) {
    let event = CareRelationStarted {
        package_id: package.to_string(),
        therapist_id: therapist.id.to_string(),
        child_id: child.id.clone(),
    };
    let mut conn = world.pool().acquire().await.expect("a connection");
    consumers::care_relation_started(&mut conn, &delivered(package, seq, event)).await.expect("taken in");
}

/// Matching tells that a package has ended.
async fn end(world: &World, package: Uuid, seq: i64, (therapist, child): (&Person, &Child), until: DateTime<Utc>) {
    let event = CareRelationEnded {
        package_id: package.to_string(),
        therapist_id: therapist.id.to_string(),
        child_id: child.id.clone(),
        until: Some(timestamp(until)),
    };
    let mut conn = world.pool().acquire().await.expect("a connection");
    consumers::care_relation_ended(&mut conn, &delivered(package, seq, event)).await.expect("taken in");
}

async fn read(world: &World, by: &Person, child: &Child) -> Result<Child, Status> {
    world.children().get_child(from_device(by.asks(get(&child.id)))).await.map(tonic::Response::into_inner)
}

async fn read_birth(world: &World, by: &Person, child: &Child) -> Result<(), Status> {
    let ask = GetChildBirthRequest { child_id: child.id.clone() };
    world.children().get_child_birth(by.asks(ask)).await.map(|_| ())
}

/// The child looks as if it were not there.
#[track_caller]
fn hidden<T: std::fmt::Debug>(answer: Result<T, Status>) {
    assert_refused(answer, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_therapist_sees_a_child_from_the_payment_until_its_time_is_over() {
    let world = World::start().await;
    let (parent, therapist, other) = (world.guardian().await, world.therapist().await, world.therapist().await);
    let (child, sister) = (world.child_of(&parent).await, world.child_of(&parent).await);
    hidden(read(&world, &therapist, &child).await);
    hidden(read_birth(&world, &therapist, &child).await);

    let package = Uuid::now_v7();
    start(&world, package, 2, &therapist, &child).await;
    assert_eq!(read(&world, &therapist, &child).await.expect("in care"), child);
    read_birth(&world, &therapist, &child).await.expect("in care");
    for (by, child) in [(&other, &child), (&therapist, &sister)] {
        hidden(read(&world, by, child).await);
        hidden(read_birth(&world, by, child).await);
    }
    let now = Utc::now();
    end(&world, package, 3, (&therapist, &child), now + TimeDelta::days(30)).await;
    read(&world, &therapist, &child).await.expect("for thirty days");
    end(&world, package, 4, (&therapist, &child), now).await;
    hidden(read(&world, &therapist, &child).await);
    hidden(read_birth(&world, &therapist, &child).await);
    assert_eq!(read(&world, &parent, &child).await.expect("the own child"), child);

    start(&world, Uuid::now_v7(), 2, &therapist, &child).await;
    read(&world, &therapist, &child).await.expect("another package");
    world.end().await;
}

#[tokio::test]
async fn the_end_of_a_package_holds_in_whatever_order_it_is_told() {
    let world = World::start().await;
    let (parent, therapist) = (world.guardian().await, world.therapist().await);
    let child = world.child_of(&parent).await;
    let package = Uuid::now_v7();
    let over = Utc::now() - TimeDelta::seconds(1);
    end(&world, package, 5, (&therapist, &child), over).await;
    for _ in 0..2 {
        start(&world, package, 2, &therapist, &child).await;
        end(&world, package, 4, (&therapist, &child), Utc::now() + TimeDelta::days(30)).await;
        hidden(read(&world, &therapist, &child).await);
    }
    world.end().await;
}

#[tokio::test]
async fn a_consent_that_is_withdrawn_ends_it_at_once() {
    let world = World::start().await;
    let (parent, therapist) = (world.guardian().await, world.therapist().await);
    let child = world.child_of(&parent).await;
    start(&world, Uuid::now_v7(), 2, &therapist, &child).await;
    for kind in [ConsentKind::ChildSensitiveData, ConsentKind::Guardian] {
        read(&world, &therapist, &child).await.expect("in care");
        world.consents().record_consent(parent.asks(withdrawal(kind))).await.expect("withdrawn");
        hidden(read(&world, &therapist, &child).await);
        hidden(read_birth(&world, &therapist, &child).await);
        world.consents().record_consent(parent.asks(consent(kind))).await.expect("given again");
    }
    read(&world, &therapist, &child).await.expect("in care again");
    world.end().await;
}

#[tokio::test]
async fn a_therapist_may_read_and_nothing_else() {
    let world = World::start().await;
    let (parent, therapist) = (world.guardian().await, world.therapist().await);
    let child = world.child_of(&parent).await;
    start(&world, Uuid::now_v7(), 2, &therapist, &child).await;
    let mut children = world.children();
    let accesses = ListChildAccessesRequest { child_id: child.id.clone(), page: None, limit: None };
    let answers = [
        children.delete_child(therapist.asks(delete(&child.id))).await.map(|_| ()),
        children.list_child_accesses(therapist.asks(accesses)).await.map(|_| ()),
        children.list_children(therapist.asks(ListChildrenRequest::default())).await.map(|_| ()),
        children.create_child(therapist.asks(plain_child())).await.map(|_| ()),
    ];
    for answer in answers {
        assert_refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    let administrator = world.administrator().await;
    assert_refused(read(&world, &administrator, &child).await, Code::PermissionDenied, "PERMISSION_DENIED");
    world.end().await;
}

#[tokio::test]
async fn the_parent_sees_what_therapists_read_here_and_elsewhere() {
    let world = World::start().await;
    let (parent, therapist) = (world.guardian().await, world.therapist().await);
    let child = world.child_of(&parent).await;
    start(&world, Uuid::now_v7(), 2, &therapist, &child).await;
    read(&world, &therapist, &child).await.expect("in care");
    let elsewhere = ChildAccessed {
        child_id: child.id.clone(),
        actor_id: therapist.id.to_string(),
        actor_role: "therapist".to_owned(),
        fields: vec!["session_content".to_owned()],
        purpose: "GetReport".to_owned(),
    };
    let mut conn = world.pool().acquire().await.expect("a connection");
    let event = delivered(child.id.parse().expect("an id"), 0, elsewhere);
    consumers::child_accessed(&mut conn, &event).await.expect("taken in");
    let nonsense = delivered(event.aggregate_id, 0, ChildAccessed::default());
    consumers::child_accessed(&mut conn, &nonsense).await.expect_err("names nobody");

    let ask = ListChildAccessesRequest { child_id: child.id.clone(), page: None, limit: None };
    let log = world.children().list_child_accesses(parent.asks(ask)).await.expect("listed").into_inner().accesses;
    let lines: Vec<_> = log.iter().map(|it| (it.purpose.as_str(), it.request_id.as_str(), it.fields.len())).collect();
    assert_eq!(lines, [("GetReport", "r-7", 1), ("GetChild", "r-1", 4)]);
    assert!(log.iter().all(|it| it.actor_id == therapist.id.to_string() && it.actor_role == "therapist"));
    assert_eq!(log[0].id, event.id.to_string());
    world.end().await;
}

#[tokio::test]
async fn nothing_is_kept_of_a_child_or_a_therapist_that_was_erased() {
    let world = World::start_with(|config, _| config.erasure_grace_s = 0).await;
    let (parent, therapist) = (world.guardian().await, world.therapist().await);
    let (gone, child) = (world.child_of(&parent).await, world.child_of(&parent).await);
    let package = Uuid::now_v7();
    start(&world, package, 2, &therapist, &gone).await;
    world.children().delete_child(parent.asks(delete(&gone.id))).await.expect("erased");
    end(&world, package, 3, (&therapist, &gone), Utc::now()).await;
    start(&world, Uuid::now_v7(), 2, &therapist, &gone).await;
    let relations = "SELECT count(*) FROM care_relations WHERE therapist_id = $1";
    assert_eq!(world.count(relations, therapist.id).await, 0);

    start(&world, Uuid::now_v7(), 2, &therapist, &child).await;
    assert_eq!(world.count(relations, therapist.id).await, 1);
    let leave = aipoten_proto::identity::v1::DeleteMeRequest {};
    world.users().delete_me(therapist.asks(leave)).await.expect("asked for");
    world.nothing_is_open(therapist.id).await;
    aipoten_kit::test::eventually("the therapist is erased", async || world.count(relations, therapist.id).await == 0)
        .await;
    world.end().await;
}
