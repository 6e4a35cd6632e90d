use aipoten_events::test::delivered;
use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_identity::consumers;
use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::{
    ChildDeleted, DeleteMeRequest, Erasure, ListChildAccessesRequest, ListErasuresRequest, MailPurpose, UserDeleted,
};
use aipoten_proto::{billing, matching};
use sqlx::PgConnection;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use crate::child::{delete, get, list};
use crate::world::{Person, World, assert_refused, full_child, registration};

/// Another service that hears of erasures, and notes each in a table.
struct Witness {
    running: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Witness {
    async fn start(world: &World, service: &'static str) -> Self {
        let told = "CREATE TABLE told (event text, id uuid, owner uuid, seq bigint)";
        sqlx::raw_sql(told).execute(world.pool()).await.expect("created");
        let consumers = Consumers::new(service).on::<ChildDeleted>(note_child).on::<UserDeleted>(note_user);
        let (mut health, stop) = (consumers.health(), CancellationToken::new());
        let running = tokio::spawn(consumers.run(world.pool().clone(), world.common.broker.clone(), stop.clone()));
        health.wait_connected().await;
        Self { running, stop }
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.expect("no panic").expect("no error");
    }
}

async fn note_child(conn: &mut PgConnection, event: &Delivered<ChildDeleted>) -> Result<(), Failure> {
    let ChildDeleted { child_id, user_id } = &event.event;
    note(conn, "child", child_id, user_id, event.aggregate_seq).await
}

async fn note_user(conn: &mut PgConnection, event: &Delivered<UserDeleted>) -> Result<(), Failure> {
    note(conn, "user", &event.event.user_id, &event.event.user_id, event.aggregate_seq).await
}

async fn note(conn: &mut PgConnection, event: &str, id: &str, owner: &str, seq: i64) -> Result<(), Failure> {
    sqlx::query("INSERT INTO told VALUES ($1, $2::text::uuid, $3::text::uuid, $4)")
        .bind(event)
        .bind(id)
        .bind(owner)
        .bind(seq)
        .execute(conn)
        .await?;
    Ok(())
}

const CHILDREN_TOLD: &str = "SELECT count(*) FROM told WHERE event = 'child' AND owner = $1";
const USERS_TOLD: &str = "SELECT count(*) FROM told WHERE event = 'user' AND id = $1";

#[tokio::test]
async fn an_erased_child_is_gone_here_and_told_to_everybody() {
    let world = World::start().await;
    let witness = Witness::start(&world, "witness_of_child").await;
    let parent = world.guardian().await;
    let (child, sibling) = (world.child_of(&parent).await, world.child_of(&parent).await);
    world.children().get_child(parent.asks(get(&child.id))).await.expect("read");
    world.children().delete_child(parent.asks(delete(&child.id))).await.expect("erased");

    let again = world.children().delete_child(parent.asks(delete(&child.id))).await;
    assert_refused(again, Code::NotFound, "NOT_FOUND");
    assert_refused(world.children().get_child(parent.asks(get(&child.id))).await, Code::NotFound, "NOT_FOUND");
    let accesses = ListChildAccessesRequest { child_id: child.id.clone(), ..ListChildAccessesRequest::default() };
    let accesses = world.children().list_child_accesses(parent.asks(accesses)).await;
    assert_refused(accesses, Code::NotFound, "NOT_FOUND");
    assert_eq!(list(&world, &parent).await.into_iter().map(|it| it.id).collect::<Vec<_>>(), [sibling.id]);
    let id: Uuid = child.id.parse().expect("a UUID");
    let left = "SELECT (SELECT count(*) FROM children WHERE id = $1) + (SELECT count(*) FROM child_caregivers WHERE child_id = $1)";
    assert_eq!(world.count(left, id).await, 0);
    assert_eq!(world.count("SELECT count(*) FROM child_access_logs WHERE child_id = $1", id).await, 1);
    let noted = "SELECT count(*) FROM audit_logs WHERE resource_id = $1 AND action = 'child.deleted'";
    assert_eq!(world.count(noted, id).await, 1);

    eventually("the witness has heard", async || world.count(CHILDREN_TOLD, parent.id).await == 1).await;
    assert_eq!(world.count("SELECT count(*) FROM told WHERE id = $1 AND seq = 2", id).await, 1);
    eventually("the event is marked sent", async || {
        world.count("SELECT count(*) FROM outbox WHERE aggregate_id = $1 AND sent_at IS NOT NULL", id).await == 1
    })
    .await;
    witness.end().await;
    world.end().await;
}

#[tokio::test]
async fn a_child_is_not_erased_unless_others_will_be_told() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let child = world.child_of(&parent).await;
    sqlx::raw_sql("REVOKE INSERT ON outbox FROM aipoten_app").execute(world.pool()).await.expect("revoked");
    let refused = world.children().delete_child(parent.asks(delete(&child.id))).await.expect_err("cannot be told");
    assert_eq!((refused.code(), refused.message()), (Code::Internal, "internal error"));
    let read = world.children().get_child(parent.asks(get(&child.id))).await.expect("still there").into_inner();
    assert_eq!(read, child);
    sqlx::raw_sql("GRANT INSERT ON outbox TO aipoten_app").execute(world.pool()).await.expect("granted");
    world.children().delete_child(parent.asks(delete(&child.id))).await.expect("erased");
    world.end().await;
}

async fn ask_for_erasure(world: &World, person: &Person) {
    world.users().delete_me(person.asks(DeleteMeRequest {})).await.expect("asked for");
}

#[tokio::test]
async fn erasure_wants_a_fresh_proof_of_the_password() {
    let world = World::start().await;
    let mut parent = world.parent().await;
    world.alter("UPDATE sessions SET auth_time = now() - interval '6 min' WHERE id = $1", parent.session_id()).await;
    parent.tokens = world.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    let refused = world.users().delete_me(parent.asks(DeleteMeRequest {})).await;
    assert_refused(refused, Code::PermissionDenied, "STEP_UP_REQUIRED");
    let asked = "SELECT count(*) FROM users WHERE id = $1 AND erasure_due_at IS NOT NULL";
    assert_eq!(world.count(asked, parent.id).await, 0);
    assert!(world.believes(&parent.tokens.access_token).await);
    ask_for_erasure(&world, &world.sign_in(&parent.email).await).await;
    assert_eq!(world.count(asked, parent.id).await, 1);
    world.end().await;
}

#[tokio::test]
async fn whoever_asked_for_erasure_is_signed_out_and_takes_it_back_by_signing_in() {
    let world = World::start().await;
    let replica = world.replica().await;
    let phone = world.guardian().await;
    let child = world.child_of(&phone).await;
    let tablet = world.sign_in(&phone.email).await;
    ask_for_erasure(&world, &phone).await;
    for device in [&phone, &tablet] {
        assert!(!world.believes(&device.tokens.access_token).await);
        assert_refused(world.refresh(&device.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
        eventually("the other replica knows", async || !replica.believes(&device.tokens.access_token).await).await;
    }
    let in_a_week = "SELECT count(*) FROM users WHERE id = $1
        AND erasure_due_at BETWEEN now() + interval '6 days 23 hours' AND now() + interval '7 days'";
    assert_eq!(world.count(in_a_week, phone.id).await, 1);
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'user.erasure_requested'";
    assert_eq!(world.count(noted, phone.id).await, 1);

    let back = world.sign_in(&phone.email).await;
    assert_eq!(world.count("SELECT count(*) FROM users WHERE id = $1 AND erasure_due_at IS NULL", phone.id).await, 1);
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'user.erasure_taken_back'";
    assert_eq!(world.count(noted, phone.id).await, 1);
    assert_eq!(list(&world, &back).await.into_iter().map(|it| it.id).collect::<Vec<_>>(), [child.id]);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn an_erased_account_leaves_nothing_that_names_the_person_and_everybody_hears_of_it_once() {
    let world = World::start_with(|config, _| config.erasure_grace_s = 0).await;
    let replica = world.replica().await;
    let witness = Witness::start(&world, "witness_of_account").await;
    let (parent, neighbour) = (world.guardian().await, world.guardian().await);
    let kept = world.child_of(&neighbour).await;
    for _ in 0..3 {
        world.child_of(&parent).await;
    }
    world.link(parent.id, MailPurpose::ResetPassword).await;
    let left = "INSERT INTO former_emails (id, user_id, email) VALUES (gen_random_uuid(), $1, 'once@example.com')";
    world.alter(left, parent.id).await;
    let before = world.count("SELECT count(*) FROM audit_logs WHERE actor_id = $1", parent.id).await;
    ask_for_erasure(&world, &parent).await;
    world.nothing_is_open(parent.id).await;
    eventually("the account is erased", async || {
        world.count("SELECT count(*) FROM users WHERE id = $1 AND status = 'deleted'", parent.id).await == 1
    })
    .await;

    let nameless = "SELECT count(*) FROM users WHERE id = $1 AND email IS NULL AND name = '' AND phone IS NULL
                    AND password_hash IS NULL AND deleted_at IS NOT NULL";
    assert_eq!(world.count(nameless, parent.id).await, 1);
    for left in [
        "SELECT count(*) FROM child_caregivers WHERE user_id = $1",
        "SELECT count(*) FROM consents WHERE user_id = $1",
        "SELECT count(*) FROM mail_tokens WHERE user_id = $1",
        "SELECT count(*) FROM former_emails WHERE user_id = $1",
        "SELECT count(*) FROM sessions WHERE user_id = $1 AND (revoked_at IS NULL OR ip <> '' OR user_agent <> ''
             OR fingerprint_hash IS NOT NULL)",
    ] {
        assert_eq!(world.count(left, parent.id).await, 0, "{left}");
    }
    assert_eq!(list(&world, &neighbour).await.into_iter().map(|it| it.id).collect::<Vec<_>>(), [kept.id]);
    // The request, three children and the account itself came on top.
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE actor_id = $1", parent.id).await, before + 5);

    eventually("the witness has heard all", async || {
        world.count(CHILDREN_TOLD, parent.id).await == 3 && world.count(USERS_TOLD, parent.id).await == 1
    })
    .await;
    let published = "SELECT count(*) FROM outbox WHERE type LIKE '%Deleted' AND $1 IS NOT NULL";
    assert_eq!(world.count(published, parent.id).await, 4, "two replicas erase an account once");

    assert!(!world.believes(&parent.tokens.access_token).await);
    let signing_in = world.try_sign_in(&parent.email, crate::world::PASSWORD).await.map(|it| it.id);
    assert_refused(signing_in, Code::Unauthenticated, "INVALID_CREDENTIALS");
    world.users().register_user(registration(&parent.email)).await.expect("the address is free again");
    assert_ne!(world.sign_in(&parent.email).await.id, parent.id);
    witness.end().await;
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn an_account_is_erased_when_its_time_has_come_and_one_that_fails_holds_up_no_other() {
    let world = World::start().await;
    let (first, second) = (world.guardian().await, world.guardian().await);
    for person in [&first, &second] {
        world.children().create_child(person.asks(full_child())).await.expect("created");
        ask_for_erasure(&world, person).await;
        world.nothing_is_open(person.id).await;
    }
    let failing = "ALTER TABLE users ADD CONSTRAINT kept CHECK (status <> 'deleted' OR id <> '00000000-0000-0000-0000-000000000000')";
    let failing = failing.replace("00000000-0000-0000-0000-000000000000", &first.id.to_string());
    sqlx::raw_sql(sqlx::AssertSqlSafe(failing)).execute(world.pool()).await.expect("altered");
    world.alter("UPDATE users SET erasure_due_at = now() - interval '2 s' WHERE id = $1", first.id).await;
    world.alter("UPDATE users SET erasure_due_at = now() - interval '1 s' WHERE id = $1", second.id).await;
    let erased = "SELECT count(*) FROM users WHERE id = $1 AND status = 'deleted'";
    eventually("the second is erased", async || world.count(erased, second.id).await == 1).await;
    assert_eq!(world.count(erased, first.id).await, 0);
    assert_eq!(
        world.count("SELECT count(*) FROM child_caregivers WHERE user_id = $1", first.id).await,
        1,
        "all or nothing"
    );
    sqlx::raw_sql("ALTER TABLE users DROP CONSTRAINT kept").execute(world.pool()).await.expect("altered");
    world.end().await;
}

#[tokio::test]
async fn an_erasure_waits_for_matching_and_billing_and_is_seen_and_not_taken_back_meanwhile() {
    let world = World::start_with(|config, _| config.erasure_grace_s = 0).await;
    let (admin, parent) = (world.administrator().await, world.guardian().await);
    let waiting = async || -> Vec<Erasure> {
        let list = world.users().list_erasures(admin.asks(ListErasuresRequest::default())).await;
        list.expect("a list").into_inner().erasures
    };
    ask_for_erasure(&world, &parent).await;
    eventually("it has begun", async || waiting().await.len() == 1).await;
    let told = "SELECT count(*) FROM outbox WHERE aggregate_id = $1 AND type LIKE '%.ErasureBegun'";
    assert_eq!(world.count(told, parent.id).await, 1);
    let [begun] = waiting().await.try_into().expect("one");
    assert_eq!((begun.user_id, begun.cleared_by.len()), (parent.id.to_string(), 0));

    let back = world.sign_in(&parent.email).await;
    assert_eq!(waiting().await.len(), 1, "it is not taken back any more");
    let user_id = parent.id.to_string();
    let mut conn = world.pool().acquire().await.expect("a connection");
    let cleared = delivered(parent.id, 1, matching::v1::ErasureCleared { user_id: user_id.clone() });
    for _ in 0..2 {
        consumers::matching_cleared(&mut conn, &cleared).await.expect("taken in");
    }
    assert_eq!(waiting().await[0].cleared_by, ["matching"]);
    let erased = "SELECT count(*) FROM users WHERE id = $1 AND status = 'deleted'";
    assert_eq!(world.count(erased, parent.id).await, 0);
    let cleared = delivered(parent.id, 1, billing::v1::ErasureCleared { user_id });
    consumers::billing_cleared(&mut conn, &cleared).await.expect("taken in");
    eventually("it is erased", async || world.count(erased, parent.id).await == 1).await;
    assert_eq!(waiting().await, []);
    assert!(!world.believes(&back.tokens.access_token).await, "who signed in meanwhile is signed out");
    assert_eq!(world.count(told, parent.id).await, 1);
    let refused = world.users().list_erasures(world.parent().await.asks(ListErasuresRequest::default())).await;
    assert_refused(refused, Code::PermissionDenied, "PERMISSION_DENIED");
    drop(conn);
    world.end().await;
}
