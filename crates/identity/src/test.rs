//! For tests of services that ask identity: one with a database of its own, and the people who use it.

use std::sync::atomic::{AtomicUsize, Ordering};

use aipoten_kit::config::Tokens;
use aipoten_kit::test::{Forge, TestDatabase, encryption, keyed, line, listener, redis};
use aipoten_kit::{Line, Process, ServiceTokens, metadata};
use aipoten_proto::common::v1::Gender;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::identity::v1::consent_service_client::ConsentServiceClient;
use aipoten_proto::identity::v1::recipient_service_client::RecipientServiceClient;
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use aipoten_proto::identity::v1::{
    ConsentKind, ConsentMethod, CreateChildRequest, CreateSessionRequest, GivenConsent, IssueMailTokenRequest,
    MailPurpose, RecordConsentRequest, RegisterUserRequest, Role, VerifyEmailRequest,
};
use chrono::{NaiveDate, Utc};
use serde_json::json;
use sqlx::PgPool;
use tonic::Request;
use uuid::Uuid;

use crate::config::Admin;
use crate::{Common, Config, MIGRATOR, build, seed_administrator, serve};

/// What everybody signs in with.
pub const PASSWORD: &str = "correct horse 7!";

/// What notification is known by.
pub const SERVICE_SECRET: &str = "a secret of thirty-two characters";

const ADMIN: &str = "admin@example.com";

/// Identity at work, with an administrator.
pub struct Identity {
    database: TestDatabase,
    url: String,
    line: Line,
    people: AtomicUsize,
}

impl Identity {
    /// Serves until the process stops.
    pub async fn start(broker: &aipoten_events::Config, process: &Process) -> Self {
        let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &MIGRATOR]).await;
        let config = Config {
            admin: Admin { email: ADMIN.to_owned(), password: PASSWORD.to_owned().into() },
            database: database.config(),
            encryption: encryption(),
            service_secrets: format!("notification:{SERVICE_SECRET}").into(),
            ..Config::default()
        };
        seed_administrator(&database.pool, &config).await.expect("an administrator");
        let common = Common { redis: redis(), broker: broker.clone(), tokens: Tokens::default() };
        let app = build(config, &common, process).await.expect("identity starts");
        let address = serve(&app, false, listener().await, process).expect("identity serves");
        let url = format!("http://{address}");
        Self { line: line(&url), url, database, people: AtomicUsize::new(0) }
    }

    /// Where it serves gRPC.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its database, behind its back.
    pub fn database(&self) -> &PgPool {
        &self.database.pool
    }

    /// Its accounts.
    pub fn users(&self) -> UserServiceClient<Line> {
        UserServiceClient::new(self.line.clone())
    }

    /// Its children.
    pub fn children(&self) -> ChildServiceClient<Line> {
        ChildServiceClient::new(self.line.clone())
    }

    /// The administrator.
    pub async fn admin(&self) -> Person {
        self.sign_in(ADMIN).await
    }

    /// Somebody who has just registered: nothing is verified.
    pub async fn register(&self, role: Role) -> Person {
        self.register_at(&self.new_address(), role, None).await
    }

    /// The same with this address, and perhaps a telephone number.
    pub async fn register_at(&self, email: &str, role: Role, phone: Option<&str>) -> Person {
        self.create(email, role, phone).await;
        self.sign_in(email).await
    }

    /// Somebody whose address is verified.
    pub async fn verified(&self, role: Role) -> Person {
        let email = self.new_address();
        let user_id = self.create(&email, role, None).await;
        self.verify_email(&user_id).await;
        self.sign_in(&email).await
    }

    /// A parent whose address is verified and who may add children and share them.
    pub async fn parent(&self) -> Person {
        let parent = self.verified(Role::Parent).await;
        self.consent(&parent, ConsentKind::Guardian, true).await;
        self.consent(&parent, ConsentKind::ChildSensitiveData, true).await;
        parent
    }

    fn new_address(&self) -> String {
        format!("person{}@example.com", self.people.fetch_add(1, Ordering::Relaxed))
    }

    async fn create(&self, email: &str, role: Role, phone: Option<&str>) -> String {
        let consent = |kind: ConsentKind| GivenConsent { kind: kind.into(), text_version: "1".to_owned() };
        let request = RegisterUserRequest {
            email: email.to_owned(),
            phone: phone.map(str::to_owned),
            password: PASSWORD.to_owned(),
            name: "김미나".to_owned(),
            role: role.into(),
            consents: vec![consent(ConsentKind::Terms), consent(ConsentKind::Privacy)],
            ..RegisterUserRequest::default()
        };
        self.users().register_user(request).await.expect("an account").into_inner().id
    }

    /// Follows the link that is mailed. The account's tokens say so from the next sign-in.
    pub async fn verify_email(&self, user_id: &str) {
        let secret = SERVICE_SECRET.to_owned().into();
        let notification = ServiceTokens::new("notification", secret, "identity", self.line.clone());
        let ask = IssueMailTokenRequest { user_id: user_id.to_owned(), purpose: MailPurpose::VerifyEmail.into() };
        let ask = notification.request(ask).await.expect("a token");
        let mut recipients = RecipientServiceClient::new(self.line.clone());
        let token = recipients.issue_mail_token(ask).await.expect("a link").into_inner().token;
        self.users().verify_email(VerifyEmailRequest { token }).await.expect("verified");
    }

    /// Signs in with [`PASSWORD`].
    pub async fn sign_in(&self, email: &str) -> Person {
        let request = CreateSessionRequest {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            ..CreateSessionRequest::default()
        };
        let mut sessions = SessionServiceClient::new(self.line.clone());
        let answer = sessions.create_session(request).await.expect("signed in").into_inner();
        let (user, tokens) = (answer.user.expect("a user"), answer.tokens.expect("tokens"));
        Person { id: user.id, email: email.to_owned(), token: tokens.access_token }
    }

    /// The same person, whose last proof of the password is so many seconds ago.
    pub async fn later(&self, person: &Person, seconds: i64) -> Person {
        let forge = Forge::new(self.database(), &encryption(), &person.token).await;
        let token = forge.token(&json!({}), &json!({ "auth_time": Utc::now().timestamp() - seconds }));
        Person { token, ..person.clone() }
    }

    /// Gives or withdraws a consent.
    pub async fn consent(&self, person: &Person, kind: ConsentKind, granted: bool) {
        let consent = RecordConsentRequest {
            kind: kind.into(),
            granted: Some(granted),
            text_version: "1".to_owned(),
            method: ConsentMethod::WebSms.into(),
            evidence: None,
        };
        let mut consents = ConsentServiceClient::new(self.line.clone());
        consents.record_consent(person.asks(consent)).await.expect("a decision on a consent");
    }

    /// A girl who was born on this day, at term for all that is known; her id.
    pub async fn child(&self, parent: &Person, birth: NaiveDate) -> String {
        self.child_born(parent, birth, Gender::Female, None).await
    }

    /// A child, perhaps with the weeks it was carried; its id.
    pub async fn child_born(
        &self,
        parent: &Person,
        birth: NaiveDate,
        gender: Gender,
        gestational_weeks: Option<i32>,
    ) -> String {
        let request = CreateChildRequest {
            name: "하준".to_owned(),
            birth_date: birth.to_string(),
            gender: gender.into(),
            gestational_weeks,
            ..CreateChildRequest::default()
        };
        self.children().create_child(parent.asks(request)).await.expect("a child").into_inner().id
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    /// UUID of the account.
    pub id: String,
    /// Address to sign in with.
    pub email: String,
    token: String,
}

impl Person {
    /// The account's id as databases know it.
    pub fn uuid(&self) -> Uuid {
        self.id.parse().expect("an id")
    }

    /// A request of this person.
    pub fn asks<T>(&self, message: T) -> Request<T> {
        with(Request::new(message), metadata::AUTHORIZATION, &format!("Bearer {}", self.token))
    }

    /// A request of this person, to be answered in English.
    pub fn asks_in_english<T>(&self, message: T) -> Request<T> {
        with(self.asks(message), metadata::LANGUAGE, "en")
    }

    /// A request of this person with an Idempotency-Key that nobody has used.
    pub fn asks_once<T>(&self, message: T) -> Request<T> {
        keyed(self.asks(message), &Uuid::now_v7().to_string())
    }
}

fn with<T>(mut request: Request<T>, key: &'static str, value: &str) -> Request<T> {
    request.metadata_mut().insert(key, value.parse().expect("plain text"));
    request
}
