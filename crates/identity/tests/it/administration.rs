use aipoten_identity::{Fault, check_audit};
use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::{
    AuditLog, DeleteUserRequest, GetMeRequest, ListAuditLogsRequest, ListUsersRequest, Role, UpdateUserRequest, User,
    UserStatus,
};
use chrono::{Days, Months, NaiveDate, Utc};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::world::{PASSWORD, Person, World, assert_refused, violations};

fn change(user_id: Uuid) -> UpdateUserRequest {
    UpdateUserRequest { user_id: user_id.to_string(), reason: "ticket 12".to_owned(), ..UpdateUserRequest::default() }
}

fn status(user_id: Uuid, status: UserStatus) -> UpdateUserRequest {
    UpdateUserRequest { status: Some(status.into()), ..change(user_id) }
}

async fn update(world: &World, admin: &Person, request: UpdateUserRequest) -> Result<Response<User>, Status> {
    world.users().update_user(admin.asks(request)).await
}

async fn erase(world: &World, admin: &Person, user_id: Uuid) -> Result<Response<()>, Status> {
    let request = DeleteUserRequest { user_id: user_id.to_string(), reason: "asked for by letter".to_owned() };
    world.users().delete_user(admin.asks(request)).await
}

async fn logs(world: &World, admin: &Person, request: ListAuditLogsRequest) -> Vec<AuditLog> {
    world.audit().list_audit_logs(admin.asks(request)).await.expect("listed").into_inner().logs
}

async fn listed(world: &World, admin: &Person, request: ListUsersRequest) -> Vec<String> {
    let answer = world.users().list_users(admin.asks(request)).await.expect("listed").into_inner();
    assert_eq!(answer.page_info.map(|it| it.total), i64::try_from(answer.users.len()).ok());
    answer.users.into_iter().map(|it| it.email).collect()
}

#[tokio::test]
async fn a_suspension_ends_the_sessions_at_once_and_a_restored_account_signs_in_again() {
    let world = World::start().await;
    let replica = world.replica().await;
    let (admin, parent) = (world.administrator().await, world.parent().await);
    let suspended = update(&world, &admin, status(parent.id, UserStatus::Suspended)).await.expect("suspended");
    assert_eq!(suspended.into_inner().status(), UserStatus::Suspended);
    assert!(!world.believes(&parent.tokens.access_token).await);
    eventually("the other replica knows", async || !replica.believes(&parent.tokens.access_token).await).await;
    let again = world.try_sign_in(&parent.email, PASSWORD).await.map(|it| it.id);
    assert_refused(again, Code::Unauthenticated, "INVALID_CREDENTIALS");
    update(&world, &admin, status(parent.id, UserStatus::Active)).await.expect("restored");
    world.sign_in(&parent.email).await;

    let of_parent = ListAuditLogsRequest { resource_id: Some(parent.id.to_string()), ..Default::default() };
    let noted = logs(&world, &admin, ListAuditLogsRequest { actor_id: Some(admin.id.to_string()), ..of_parent }).await;
    let acts: Vec<_> = noted.iter().map(|it| (it.action.as_str(), it.metadata_json.as_str())).collect();
    let reason = r#"{"reason": "ticket 12"}"#;
    assert_eq!(acts, [("user.restored", reason), ("user.suspended", reason)]);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn another_role_ends_the_sessions_and_counts_with_the_next() {
    let world = World::start().await;
    let (admin, parent) = (world.administrator().await, world.parent().await);
    let request = UpdateUserRequest { role: Some(Role::Therapist.into()), ..change(parent.id) };
    let changed = update(&world, &admin, request.clone()).await.expect("changed").into_inner();
    assert_eq!(changed.role(), Role::Therapist);
    assert!(!world.believes(&parent.tokens.access_token).await);
    let therapist = world.sign_in(&parent.email).await;
    update(&world, &admin, request).await.expect("the same again");
    assert!(world.believes(&therapist.tokens.access_token).await, "nothing was changed");
    let stale = UpdateUserRequest { expected_version: Some(changed.version - 1), ..change(parent.id) };
    let stale = UpdateUserRequest { role: Some(Role::Parent.into()), ..stale };
    assert_refused(update(&world, &admin, stale).await, Code::Aborted, "VERSION_MISMATCH");
    world.end().await;
}

#[tokio::test]
async fn an_erasure_by_an_administrator_happens_within_seconds_where_nothing_is_open() {
    let world = World::start().await;
    let (admin, parent) = (world.administrator().await, world.parent().await);
    erase(&world, &admin, parent.id).await.expect("erased");
    world.nothing_is_open(parent.id).await;
    assert!(!world.believes(&parent.tokens.access_token).await);
    let erased = "SELECT count(*) FROM users WHERE id = $1 AND status = 'deleted' AND email IS NULL";
    eventually("the account is erased", async || world.count(erased, parent.id).await == 1).await;
    assert_refused(erase(&world, &admin, parent.id).await, Code::NotFound, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn only_administrators_decide_and_never_on_themselves() {
    let world = World::start().await;
    let (admin, parent, therapist) = (world.administrator().await, world.parent().await, world.therapist().await);
    for person in [&parent, &therapist] {
        let suspended = update(&world, person, status(admin.id, UserStatus::Suspended)).await;
        assert_refused(suspended, Code::PermissionDenied, "PERMISSION_DENIED");
        assert_refused(erase(&world, person, admin.id).await, Code::PermissionDenied, "PERMISSION_DENIED");
        let users = world.users().list_users(person.asks(ListUsersRequest::default())).await;
        assert_refused(users, Code::PermissionDenied, "PERMISSION_DENIED");
        let logs = world.audit().list_audit_logs(person.asks(ListAuditLogsRequest::default())).await;
        assert_refused(logs, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    let own = update(&world, &admin, status(admin.id, UserStatus::Suspended)).await;
    assert_refused(own, Code::FailedPrecondition, "NOT_OWN_ACCOUNT");
    let demoted = UpdateUserRequest { role: Some(Role::Parent.into()), ..change(admin.id) };
    assert_refused(update(&world, &admin, demoted).await, Code::FailedPrecondition, "NOT_OWN_ACCOUNT");
    assert_refused(erase(&world, &admin, admin.id).await, Code::FailedPrecondition, "NOT_OWN_ACCOUNT");
    let nothing = UpdateUserRequest { reason: String::new(), ..change(parent.id) };
    assert_eq!(violations(update(&world, &admin, nothing).await), ["reason: required", "status: nothing_to_change"]);
    let unknown = update(&world, &admin, status(Uuid::nil(), UserStatus::Suspended)).await;
    assert_refused(unknown, Code::NotFound, "NOT_FOUND");
    assert!(world.believes(&admin.tokens.access_token).await);
    world.end().await;
}

#[tokio::test]
async fn of_administrators_who_decide_about_each_other_at_once_one_remains() {
    let world = World::start().await;
    let demoted = |id: Uuid| UpdateUserRequest { role: Some(Role::Parent.into()), ..change(id) };
    for _ in 0..4 {
        let (one, two) = (world.administrator().await, world.administrator().await);
        let (first, second) = tokio::join!(update(&world, &one, demoted(two.id)), erase(&world, &two, one.id),);
        let lost = [first.map(drop), second.map(drop)].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        let [lost] = &lost[..] else { panic!("one of the two decides: {lost:?}") };
        assert!(matches!(lost.code(), Code::PermissionDenied | Code::Unauthenticated), "{lost:?}");
        let left = "SELECT count(*) FROM users WHERE id = ANY($1) AND role = 'admin' AND status = 'active'";
        let left: i64 = sqlx::query_scalar(left).bind([one.id, two.id]).fetch_one(world.pool()).await.expect("counted");
        assert_eq!(left, 1);
    }
    world.end().await;
}

#[tokio::test]
async fn accounts_are_found_by_role_state_address_and_name() {
    let world = World::start().await;
    let (admin, parent, therapist) = (world.administrator().await, world.parent().await, world.therapist().await);
    update(&world, &admin, status(therapist.id, UserStatus::Suspended)).await.expect("suspended");
    let all = ListUsersRequest::default();
    let by_role = ListUsersRequest { role: Some(Role::Parent.into()), ..all.clone() };
    assert_eq!(listed(&world, &admin, by_role).await, [parent.email.as_str()]);
    let by_status = ListUsersRequest { status: Some(UserStatus::Suspended.into()), ..all.clone() };
    assert_eq!(listed(&world, &admin, by_status).await, [therapist.email.as_str()]);
    let by_address = ListUsersRequest { q: Some(parent.email.to_uppercase()), ..all.clone() };
    assert_eq!(listed(&world, &admin, by_address).await, [parent.email.as_str()]);
    let by_name = ListUsersRequest { q: Some("미나".to_owned()), sort: Some("created_at".to_owned()), ..all.clone() };
    assert_eq!(listed(&world, &admin, by_name).await, [parent.email.clone(), therapist.email.clone()]);
    for wildcard in ["%", "_", "\\", "미_"] {
        let wildcard = ListUsersRequest { q: Some(wildcard.to_owned()), ..all.clone() };
        assert!(listed(&world, &admin, wildcard).await.is_empty());
    }
    let inside = ListUsersRequest { q: Some("example.com".to_owned()), ..all.clone() };
    assert!(listed(&world, &admin, inside).await.is_empty(), "addresses are found by their beginning");
    assert_eq!(listed(&world, &admin, all.clone()).await.first(), Some(&therapist.email), "the newest first");
    let unknown = ListUsersRequest { sort: Some("name".to_owned()), ..all };
    assert_eq!(violations(world.users().list_users(admin.asks(unknown)).await), ["sort: unknown_sort"]);
    world.end().await;
}

#[tokio::test]
async fn the_log_is_filtered_by_act_and_day() {
    let world = World::start().await;
    let admin = world.administrator().await;
    world.parent().await;
    let of = |action: &str| ListAuditLogsRequest { action: Some(action.to_owned()), ..Default::default() };
    assert_eq!(logs(&world, &admin, of("user.registered")).await.len(), 1);
    let old = ListAuditLogsRequest { to: Some("2020-01-01".to_owned()), ..of("user.registered") };
    assert!(logs(&world, &admin, old).await.is_empty());
    let recent = ListAuditLogsRequest { from: Some("2020-01-01".to_owned()), ..of("user.registered") };
    assert_eq!(logs(&world, &admin, recent).await.len(), 1);
    let wrong =
        ListAuditLogsRequest { from: Some("x".to_owned()), actor_id: Some("y".to_owned()), ..Default::default() };
    let told = violations(world.audit().list_audit_logs(admin.asks(wrong)).await);
    assert_eq!(told, ["actor_id: not_a_uuid", "from: not_a_date"]);
    world.end().await;
}

/// Until all that was written is in the chain.
async fn sealed(world: &World) {
    eventually("the audit log is sealed", async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM audit_unsealed").fetch_one(world.pool()).await.expect("counted");
        waiting == 0
    })
    .await;
}

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

async fn faults(world: &World) -> Vec<Fault> {
    check_audit(world.pool(), &world.config, today()).await.expect("checked").faults
}

#[tokio::test]
async fn the_chain_of_the_audit_log_shows_what_was_changed_removed_or_put_in() {
    let world = World::start().await;
    let replica = world.replica().await;
    let people = futures::future::join_all((0..4).map(|_| world.parent())).await;
    sealed(&world).await;
    replica.users().get_me(people[0].asks(GetMeRequest {})).await.expect("both serve");
    world.parent().await;
    sealed(&world).await;
    let checked = check_audit(world.pool(), &world.config, today()).await.expect("checked");
    let written: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit_logs").fetch_one(world.pool()).await.expect("counted");
    assert_eq!((checked.faults, i64::try_from(checked.good)), (Vec::new(), Ok(written)));

    let id = people[0].id;
    let place: (NaiveDate, i64) = sqlx::query_as(
        "SELECT day, seq FROM audit_chain c JOIN audit_logs a ON a.id = c.audit_id
         WHERE actor_id = $1 AND action = 'session.created'",
    )
    .bind(id)
    .fetch_one(world.pool())
    .await
    .expect("a place");
    world
        .alter("UPDATE audit_logs SET ip = '198.51.100.1' WHERE actor_id = $1 AND action = 'session.created'", id)
        .await;
    assert_eq!(faults(&world).await, [Fault::Broken(place.0, place.1)]);
    world.alter("UPDATE audit_logs SET ip = '' WHERE actor_id = $1 AND action = 'session.created'", id).await;
    assert_eq!(faults(&world).await, []);

    world.alter("DELETE FROM audit_logs WHERE actor_id = $1 AND action = 'session.created'", id).await;
    assert_eq!(faults(&world).await, [Fault::Broken(place.0, place.1)]);
    world
        .alter("DELETE FROM audit_chain WHERE audit_id NOT IN (SELECT id FROM audit_logs) AND $1 IS NOT NULL", id)
        .await;
    assert_eq!(faults(&world).await, [Fault::Gap(place.0, place.1 + 1)]);

    let put_in = "BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER USER;
        INSERT INTO audit_logs (id, action, resource, outcome, ip, user_agent, request_id)
        VALUES (gen_random_uuid(), 'user.registered', 'user', 'success', '', '', '');
        ALTER TABLE audit_logs ENABLE TRIGGER USER; COMMIT";
    sqlx::raw_sql(put_in).execute(world.pool()).await.expect("put in");
    assert_eq!(faults(&world).await, [Fault::Gap(place.0, place.1 + 1), Fault::Unsealed(1)]);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn logs_are_forgotten_after_two_years_and_the_chain_holds_from_there_on() {
    let world = World::start().await;
    world.parent().await;
    for created_at in ["2020-01-01", "now"] {
        let read = "INSERT INTO child_access_logs (id, child_id, actor_id, actor_role, fields, purpose, request_id, created_at)
                    VALUES (gen_random_uuid(), $1, $1, 'parent', '{}', 'view', '', $2::timestamptz)";
        let read = sqlx::query(read).bind(Uuid::now_v7()).bind(created_at).execute(world.pool()).await;
        assert_eq!(read.expect("written").rows_affected(), 1);
    }
    sealed(&world).await;
    let app = PgPool::connect(world.config.database.url.expose_secret()).await.expect("the application's own role");
    for forbidden in
        ["SELECT forget_logs_before(current_date + 1)", "DELETE FROM audit_logs", "DELETE FROM audit_chain"]
    {
        let refused = sqlx::query(forbidden).execute(&app).await.expect_err("it may not");
        assert!(refused.to_string().contains("permission denied"), "{forbidden}: {refused}");
    }
    let forgotten: i64 = sqlx::query_scalar("SELECT forget_old_logs()").fetch_one(&app).await.expect("it may");
    assert_eq!(forgotten, 1, "who read a child in 2020");
    assert_eq!(faults(&world).await, []);

    let written = check_audit(world.pool(), &world.config, today()).await.expect("checked").good;
    let forgotten: i64 = sqlx::query_scalar("SELECT forget_logs_before(current_date + 1)")
        .fetch_one(world.pool())
        .await
        .expect("forgotten");
    let (acts, accesses) = (written - 1, 1);
    assert_eq!(u64::try_from(forgotten), Ok(acts + accesses), "all but the last act");
    assert!(matches!(faults(&world).await[..], [Fault::Broken(..)]), "too early: somebody has cut the log");
    world.parent().await;
    sealed(&world).await;
    let in_two_years = today() + Months::new(24) + Days::new(1);
    let checked = check_audit(world.pool(), &world.config, in_two_years).await.expect("checked");
    assert!(checked.faults.is_empty() && checked.good > 1, "{checked:?}");
    world.end().await;
}
