use aipoten_identity::seed_administrator;
use aipoten_proto::FieldMask;
use aipoten_proto::common::v1::Locale;
use aipoten_proto::identity::v1::{GetMeRequest, UpdateMeRequest, User};
use tonic::{Code, Response, Status};

use crate::world::{PASSWORD, Person, World, assert_refused, violations};

fn named(paths: &[&str]) -> FieldMask {
    FieldMask { paths: paths.iter().map(|it| (*it).to_owned()).collect() }
}

async fn update(world: &World, person: &Person, request: UpdateMeRequest) -> Result<Response<User>, Status> {
    world.users().update_me(person.asks(request)).await
}

#[tokio::test]
async fn everybody_reads_and_changes_the_own_account() {
    let world = World::start().await;
    for person in [world.parent().await, world.therapist().await, world.administrator().await] {
        let before = world.users().get_me(person.asks(GetMeRequest {})).await.expect("read").into_inner();
        assert_eq!((before.id.as_str(), before.email.as_str()), (&*person.id.to_string(), person.email.as_str()));
        let request = UpdateMeRequest {
            name: Some(" Mina Kim ".to_owned()),
            phone: Some("010 9999 0000".to_owned()),
            locale: Some(Locale::En.into()),
            update_mask: Some(named(&["name", "phone", "locale"])),
            expected_version: Some(before.version),
        };
        let after = update(&world, &person, request).await.expect("changed").into_inner();
        assert_eq!((after.name.as_str(), after.phone.as_deref()), ("Mina Kim", Some("010 9999 0000")));
        assert_eq!((after.locale(), after.version), (Locale::En, before.version + 1));
        let read = world.users().get_me(person.asks(GetMeRequest {})).await.expect("read").into_inner();
        assert_eq!(read, after);
    }
    world.end().await;
}

#[tokio::test]
async fn only_what_the_mask_names_is_changed_and_null_clears_the_phone() {
    let world = World::start().await;
    let parent = world.parent().await;
    let request = UpdateMeRequest {
        name: Some("Not named".to_owned()),
        update_mask: Some(named(&["phone"])),
        ..UpdateMeRequest::default()
    };
    let user = update(&world, &parent, request).await.expect("changed").into_inner();
    assert_eq!((user.name.as_str(), user.phone), ("김미나", None));
    world.end().await;
}

#[tokio::test]
async fn a_change_without_sense_is_refused_with_all_that_is_wrong_and_changes_nothing() {
    let world = World::start().await;
    let parent = world.parent().await;
    let before = world.users().get_me(parent.asks(GetMeRequest {})).await.expect("read").into_inner();
    let nothing = update(&world, &parent, UpdateMeRequest::default()).await;
    assert_eq!(violations(nothing), ["update_mask: nothing_to_change"]);
    let wrong = UpdateMeRequest {
        phone: Some("nul\0".to_owned()),
        update_mask: Some(named(&["role", "id", "name", "phone", "locale"])),
        ..UpdateMeRequest::default()
    };
    let told = [
        "role: unknown_field",
        "id: unknown_field",
        "name: cannot_be_empty",
        "phone: control_characters",
        "phone: not_a_phone",
        "locale: cannot_be_empty",
    ];
    assert_eq!(violations(update(&world, &parent, wrong).await), told);
    let many = vec!["x".repeat(5000); 200];
    let many = UpdateMeRequest { update_mask: Some(FieldMask { paths: many }), ..UpdateMeRequest::default() };
    assert_eq!(violations(update(&world, &parent, many).await)[0], format!("{}: unknown_field", "x".repeat(64)));
    let after = world.users().get_me(parent.asks(GetMeRequest {})).await.expect("read").into_inner();
    assert_eq!(after, before);
    world.end().await;
}

#[tokio::test]
async fn of_two_changes_based_on_the_same_version_one_wins() {
    let world = World::start().await;
    let parent = world.parent().await;
    let rename = |name: &str| UpdateMeRequest {
        name: Some(name.to_owned()),
        update_mask: Some(named(&["name"])),
        expected_version: Some(1),
        ..UpdateMeRequest::default()
    };
    let (one, two) = tokio::join!(update(&world, &parent, rename("One")), update(&world, &parent, rename("Two")));
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(won.expect("one wins").into_inner().version, 2);
    assert_refused(lost, Code::Aborted, "VERSION_MISMATCH");
    world.end().await;
}

#[tokio::test]
async fn the_configured_administrator_is_made_once() {
    let world = World::start().await;
    let mut config = world.config.clone();
    let administrators = async || {
        let count = "SELECT count(*) FROM users WHERE role = 'admin'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(world.pool()).await.expect("counted")
    };
    seed_administrator(world.pool(), &config).await.expect("none is configured");
    assert_eq!(administrators().await, 0);
    config.admin.email = "admin@example.com".to_owned();
    config.admin.password = PASSWORD.to_owned().into();
    seed_administrator(world.pool(), &config).await.expect("made");
    config.admin.email = "Admin@Example.com".to_owned();
    config.admin.password = "another one 7!".to_owned().into();
    seed_administrator(world.pool(), &config).await.expect("there already");
    assert_eq!(administrators().await, 1);
    world.sign_in("admin@example.com").await;
    world.end().await;
}
