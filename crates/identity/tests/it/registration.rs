use aipoten_kit::metadata;
use aipoten_proto::common::v1::Locale;
use aipoten_proto::identity::v1::{Consent, ConsentKind, GivenConsent, ListConsentsRequest, RegisterUserRequest, Role};
use tonic::{Code, Request};

use crate::world::{PASSWORD, World, assert_refused, from_device, new_address, registration, violations};

#[tokio::test]
async fn a_registered_parent_has_an_account_with_the_consents_given() {
    let world = World::start().await;
    let email = format!("Mina.{}", new_address());
    let request = RegisterUserRequest { locale: Locale::En.into(), ..registration(&email) };
    let user = world.users().register_user(from_device(Request::new(request))).await.expect("registered");
    let user = user.into_inner();
    assert_eq!((user.email.as_str(), user.email_verified), (email.as_str(), false));
    assert_eq!((user.name.as_str(), user.phone.as_deref()), ("김미나", Some("+82 10-1234-5678")));
    assert_eq!((user.role(), user.locale(), user.version), (Role::Parent, Locale::En, 1));
    assert_eq!(user.last_login_at, None);

    let person = world.sign_in(&email).await;
    assert_eq!(person.id.to_string(), user.id);
    let consents = world.consents().list_consents(person.asks(ListConsentsRequest {})).await.expect("listed");
    let kinds: Vec<ConsentKind> = consents.into_inner().consents.iter().map(Consent::kind).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&ConsentKind::Terms) && kinds.contains(&ConsentKind::Privacy));
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'user.registered'
                 AND ip = '203.0.113.7' AND user_agent = 'Mina''s phone' AND request_id = 'r-1'";
    assert_eq!(world.count(noted, person.id).await, 1);

    let stored: (String, Vec<u8>) = sqlx::query_as("SELECT password_hash, phone FROM users WHERE id = $1")
        .bind(person.id)
        .fetch_one(world.pool())
        .await
        .expect("a row");
    assert!(stored.0.starts_with("$argon2id$") && !stored.0.contains(PASSWORD));
    assert!(!contains(&stored.1, b"1234"), "the phone number lies open in the table");
    world.end().await;
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn a_therapist_can_register_and_an_administrator_cannot() {
    let world = World::start().await;
    let therapist = RegisterUserRequest { role: Role::Therapist.into(), ..registration(&new_address()) };
    let user = world.users().register_user(therapist).await.expect("registered").into_inner();
    assert_eq!(user.role(), Role::Therapist);
    for role in [i32::from(Role::Admin), i32::from(Role::Unspecified), 99] {
        let request = RegisterUserRequest { role, ..registration(&new_address()) };
        let answer = world.users().register_user(request).await;
        assert_eq!(violations(answer), ["role: one_of values=parent,therapist"]);
    }
    world.end().await;
}

#[tokio::test]
async fn an_address_is_taken_in_any_letter_case_and_once_only_when_two_ask_at_once() {
    let world = World::start().await;
    let email = new_address();
    let requests = (0..4).map(|_| {
        let (mut users, request) = (world.users(), registration(&email));
        async move { users.register_user(request).await }
    });
    let answers = futures::future::join_all(requests).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for answer in refused {
        assert_refused(answer, Code::AlreadyExists, "EMAIL_TAKEN");
    }
    let shouted = registration(&format!("  {} ", email.to_uppercase()));
    assert_refused(world.users().register_user(shouted).await, Code::AlreadyExists, "EMAIL_TAKEN");
    assert_eq!(world.sign_in(&email.to_uppercase()).await.id, world.sign_in(&email).await.id);
    world.end().await;
}

#[tokio::test]
async fn everything_wrong_with_a_registration_is_told_at_once() {
    let world = World::start().await;
    let nothing = RegisterUserRequest::default();
    let told = [
        "email: required",
        "password: required",
        "role: one_of values=parent,therapist",
        "name: required",
        "consents: consent_missing kind=terms",
        "consents: consent_missing kind=privacy",
    ];
    assert_eq!(violations(world.users().register_user(nothing).await), told);

    let given = |kind: ConsentKind, version: &str| GivenConsent { kind: kind.into(), text_version: version.to_owned() };
    let wrong = RegisterUserRequest {
        email: "mina@localhost".to_owned(),
        password: "short1!".to_owned(),
        name: "n".repeat(81),
        phone: Some("call me".to_owned()),
        consents: vec![
            given(ConsentKind::Terms, "1"),
            given(ConsentKind::Terms, "1"),
            given(ConsentKind::Guardian, "1"),
            given(ConsentKind::Privacy, ""),
        ],
        ..registration("")
    };
    let told = [
        "email: not_an_email",
        "password: too_short min=8",
        "name: too_long max=80",
        "phone: not_a_phone",
        "consents[1].kind: duplicate",
        "consents[2].kind: one_of values=terms,privacy,marketing",
        "consents[3].text_version: required",
    ];
    assert_eq!(violations(world.users().register_user(wrong).await), told);
    world.end().await;
}

#[tokio::test]
async fn a_weak_password_is_refused_with_its_weakness() {
    let world = World::start().await;
    let told = |password: &str| {
        let request = RegisterUserRequest { password: password.to_owned(), ..registration("mina@example.com") };
        let mut users = world.users();
        async move { violations(users.register_user(request).await) }
    };
    assert_eq!(told("a1!").await, ["password: too_short min=8"]);
    assert_eq!(told("onlyletters").await, ["password: password_too_simple"]);
    assert_eq!(told("MINA@example.com").await, ["password: password_too_simple", "password: password_guessable"]);
    assert_eq!(told("my-Aipoten-2026").await, ["password: password_guessable"]);
    for breached in ["Password-1!", "p@ssw0rd-1", "Qwerty-123"] {
        assert_eq!(told(breached).await, ["password: password_breached"], "{breached}");
    }
    assert_eq!(told(&"a1!".repeat(43)).await, ["password: too_long max=128"]);
    world.end().await;
}

#[tokio::test]
async fn nul_and_control_characters_are_refused_and_never_an_internal_error() {
    let world = World::start().await;
    for nasty in ["\0", "\u{1}", "\u{7f}", "\u{9f}"] {
        let with = |text: &str| format!("{text}{nasty}{text}");
        let request = RegisterUserRequest {
            email: with("mina@example.com"),
            password: with("correct 7!"),
            name: with("Mina"),
            phone: Some(with("0101234")),
            consents: vec![
                GivenConsent { kind: ConsentKind::Terms.into(), text_version: with("1") },
                GivenConsent { kind: ConsentKind::Privacy.into(), text_version: with("1") },
            ],
            ..registration("")
        };
        let told = violations(world.users().register_user(request).await);
        for field in ["email", "password", "name", "phone", "consents[0].text_version", "consents[1].text_version"] {
            assert!(told.contains(&format!("{field}: control_characters")), "{field} is missing in {told:?}");
        }
    }
    world.end().await;
}

#[tokio::test]
async fn a_registration_with_thousands_of_faults_still_gets_an_answer() {
    let world = World::start().await;
    let request = RegisterUserRequest { consents: vec![GivenConsent::default(); 5000], ..registration("") };
    let told = violations(world.users().register_user(request).await);
    assert_eq!(told, ["email: required", "consents: too_many max=10"]);
    world.end().await;
}

#[tokio::test]
async fn a_new_account_speaks_the_language_of_the_request_unless_it_says_another() {
    let world = World::start().await;
    let locale = async |header: Option<&'static str>, said: Locale| {
        let mut request = Request::new(RegisterUserRequest { locale: said.into(), ..registration(&new_address()) });
        if let Some(header) = header {
            request.metadata_mut().insert(metadata::LANGUAGE, header.parse().expect("ASCII"));
        }
        world.users().register_user(request).await.expect("registered").into_inner().locale()
    };
    assert_eq!(locale(None, Locale::Unspecified).await, Locale::Ko);
    assert_eq!(locale(Some("en"), Locale::Unspecified).await, Locale::En);
    assert_eq!(locale(Some("en"), Locale::Ko).await, Locale::Ko);
    world.end().await;
}
