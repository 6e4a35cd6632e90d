//! A running identity with a database of its own, and the people who call it.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aipoten_identity::{App, Common, Config, MIGRATOR, build, seed_administrator, serve};
use aipoten_kit::config::Tokens;
use aipoten_kit::test::{TestDatabase, broker_url, encryption, line, listener, redis};
use aipoten_kit::token::Verifier;
use aipoten_kit::{Line, Process, ServiceTokens, metadata};
use aipoten_proto::common::v1::failed_event_service_client::FailedEventServiceClient;
use aipoten_proto::identity::v1::audit_service_client::AuditServiceClient;
use aipoten_proto::identity::v1::captcha_service_client::CaptchaServiceClient;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::identity::v1::consent_service_client::ConsentServiceClient;
use aipoten_proto::identity::v1::key_service_client::KeyServiceClient;
use aipoten_proto::identity::v1::recipient_service_client::RecipientServiceClient;
use aipoten_proto::identity::v1::service_token_service_client::ServiceTokenServiceClient;
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use aipoten_proto::identity::v1::{
    Child, ConsentKind, ConsentMethod, CreateChildRequest, CreateSessionRequest, GetMeRequest, GivenConsent,
    IssueMailTokenRequest, MailPurpose, MailToken, RecordConsentRequest, RefreshSessionRequest, RegisterUserRequest,
    Role, SecurityAlerted, Tokens as SessionTokens,
};
use http::uri::PathAndQuery;
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection, PgPool};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// What everybody here signs in with.
pub(crate) const PASSWORD: &str = "correct horse 7!";

/// What the service that sends messages is known by.
pub(crate) const SERVICE_SECRET: &str = "a secret of thirty-two characters";

/// A running identity.
pub(crate) struct Identity {
    app: App,
    line: Line,
    process: Process,
}

impl Identity {
    async fn start(config: &Config, common: &Common) -> Self {
        let process = Process::new();
        let app = build(config.clone(), common, &process).await.expect("identity starts");
        let address = serve(&app, false, listener().await, &process).expect("identity serves");
        Self { app, line: line(&format!("http://{address}")), process }
    }

    /// Stops it; a task that failed fails the test.
    pub(crate) async fn end(self) {
        self.process.shut_down().await.expect("identity stops without an error");
    }

    /// As another service would check tokens.
    pub(crate) fn verifier(&self, refetch: Duration) -> Verifier {
        Verifier::asking_every(refetch, &Tokens::default().issuer, self.line.clone())
    }

    /// Password hashes that were computed for sign-ins.
    pub(crate) fn passwords_checked(&self) -> u64 {
        self.app.passwords_checked()
    }

    pub(crate) fn users(&self) -> UserServiceClient<Line> {
        UserServiceClient::new(self.line.clone())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Line> {
        SessionServiceClient::new(self.line.clone())
    }

    pub(crate) fn recipients(&self) -> RecipientServiceClient<Line> {
        RecipientServiceClient::new(self.line.clone())
    }

    pub(crate) fn service_tokens(&self) -> ServiceTokenServiceClient<Line> {
        ServiceTokenServiceClient::new(self.line.clone())
    }

    /// The tokens of the service that sends messages.
    pub(crate) fn notification(&self) -> ServiceTokens {
        ServiceTokens::new("notification", SERVICE_SECRET.to_owned().into(), "identity", self.line.clone())
    }

    /// Makes a link as the service that mails it does.
    pub(crate) async fn try_link(&self, user_id: Uuid, purpose: MailPurpose) -> Result<MailToken, Status> {
        let ask = IssueMailTokenRequest { user_id: user_id.to_string(), purpose: purpose.into() };
        let ask = self.notification().request(ask).await.expect("a token");
        Ok(self.recipients().issue_mail_token(ask).await?.into_inner())
    }

    /// The secret of a link that was mailed.
    pub(crate) async fn link(&self, user_id: Uuid, purpose: MailPurpose) -> String {
        self.try_link(user_id, purpose).await.expect("a link").token
    }

    pub(crate) fn captchas(&self) -> CaptchaServiceClient<Line> {
        CaptchaServiceClient::new(self.line.clone())
    }

    pub(crate) fn keys(&self) -> KeyServiceClient<Line> {
        KeyServiceClient::new(self.line.clone())
    }

    pub(crate) fn consents(&self) -> ConsentServiceClient<Line> {
        ConsentServiceClient::new(self.line.clone())
    }

    pub(crate) fn children(&self) -> ChildServiceClient<Line> {
        ChildServiceClient::new(self.line.clone())
    }

    pub(crate) fn failed_events(&self) -> FailedEventServiceClient<Line> {
        FailedEventServiceClient::new(self.line.clone())
    }

    pub(crate) fn audit(&self) -> AuditServiceClient<Line> {
        AuditServiceClient::new(self.line.clone())
    }

    /// A call with an empty message, whatever it answers.
    pub(crate) async fn call(&self, path: &'static str, request: Request<()>) -> Result<(), Status> {
        let mut client = tonic::client::Grpc::new(self.line.clone());
        client.ready().await.expect("identity answers");
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        client.unary(request, PathAndQuery::from_static(path), codec).await.map(drop)
    }

    /// Signs in with [`PASSWORD`].
    pub(crate) async fn sign_in(&self, email: &str) -> Person {
        self.try_sign_in(email, PASSWORD).await.expect("signed in")
    }

    pub(crate) async fn try_sign_in(&self, email: &str, password: &str) -> Result<Person, Status> {
        let answer = self.sessions().create_session(attempt(email, password)).await?.into_inner();
        let id = answer.user.expect("the account").id;
        Ok(Person { id: id.parse().expect("a UUID"), email: email.to_owned(), tokens: answer.tokens.expect("tokens") })
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<SessionTokens, Status> {
        let request = RefreshSessionRequest { refresh_token: token.to_owned() };
        Ok(self.sessions().refresh_session(request).await?.into_inner())
    }

    /// Whether an access token is believed.
    pub(crate) async fn believes(&self, access_token: &str) -> bool {
        self.try_get_me(access_token).await.is_ok()
    }

    pub(crate) async fn try_get_me(&self, access_token: &str) -> Result<(), Status> {
        self.users().get_me(with_token(GetMeRequest {}, access_token)).await.map(drop)
    }
}

impl Drop for Identity {
    /// Nothing goes on after a test that failed half-way.
    fn drop(&mut self) {
        self.process.stop().cancel();
    }
}

/// A database and one identity on it; more replicas on request.
pub(crate) struct World {
    identity: Identity,
    pub(crate) config: Config,
    pub(crate) common: Common,
    database: TestDatabase,
}

impl Deref for World {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// Starts with a configuration that is changed first.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config, &mut Common)) -> Self {
        let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &MIGRATOR]).await;
        let mut config = Config {
            require_verified_email: true,
            database: database.config(),
            encryption: encryption(),
            service_secrets: format!("notification:{SERVICE_SECRET}").into(),
            ..Config::default()
        };
        let mut common = Common {
            redis: redis(),
            broker: aipoten_events::Config { url: broker_url().into(), ..aipoten_events::Config::default() },
            tokens: Tokens::default(),
        };
        change(&mut config, &mut common);
        Self { identity: Identity::start(&config, &common).await, config, common, database }
    }

    /// One more process on the same database.
    pub(crate) async fn replica(&self) -> Identity {
        Identity::start(&self.config, &self.common).await
    }

    pub(crate) async fn end(self) {
        self.identity.end().await;
    }

    /// A pool of the owner, to look behind the service's back.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// As when the database server restarts.
    pub(crate) async fn end_connections_of_the_service(&self) {
        let url = self.config.database.url.expose_secret();
        let mut service = PgConnection::connect(url).await.expect("the database answers");
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                   WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()";
        sqlx::query(end).execute(&mut service).await.expect("ended");
    }

    /// The events of a kind about an account, the oldest first.
    pub(crate) async fn published<E: prost::Message + prost::Name + Default>(&self, id: Uuid) -> Vec<E> {
        let sql = "SELECT payload FROM outbox WHERE type = $1 AND aggregate_id = $2 ORDER BY id";
        let read = sqlx::query_scalar(sql).bind(E::full_name()).bind(id).fetch_all(self.pool()).await;
        let payloads: Vec<Vec<u8>> = read.expect("the outbox");
        payloads.iter().map(|payload| E::decode(payload.as_slice()).expect("the event")).collect()
    }

    /// What an account was alerted of.
    pub(crate) async fn alerts(&self, id: Uuid) -> Vec<String> {
        self.published::<SecurityAlerted>(id).await.into_iter().map(|it| it.kind).collect()
    }

    /// Changes rows that have to do with `id`.
    pub(crate) async fn alter(&self, sql: &'static str, id: Uuid) {
        let altered = sqlx::query(sql).bind(id).execute(self.pool()).await.expect("altered");
        assert!(altered.rows_affected() > 0, "nothing altered: {sql}");
    }

    /// Matching and billing have nothing open of the account.
    pub(crate) async fn nothing_is_open(&self, id: Uuid) {
        let clear = "INSERT INTO erasure_clearances (user_id, service) VALUES ($1, 'matching'), ($1, 'billing')";
        self.alter(clear, id).await;
    }

    /// Counts rows that have to do with `id`.
    pub(crate) async fn count(&self, sql: &'static str, id: Uuid) -> i64 {
        sqlx::query_scalar(sql).bind(id).fetch_one(self.pool()).await.expect("counted")
    }

    /// A parent, signed in.
    pub(crate) async fn parent(&self) -> Person {
        self.person(Role::Parent).await
    }

    /// A therapist, signed in.
    pub(crate) async fn therapist(&self) -> Person {
        self.person(Role::Therapist).await
    }

    async fn person(&self, role: Role) -> Person {
        let email = new_address();
        let request = RegisterUserRequest { role: role.into(), ..registration(&email) };
        self.users().register_user(request).await.expect("registered");
        self.sign_in(&email).await
    }

    /// An administrator, signed in.
    pub(crate) async fn administrator(&self) -> Person {
        let mut config = self.config.clone();
        config.admin.email = new_address();
        config.admin.password = PASSWORD.to_owned().into();
        seed_administrator(self.pool(), &config).await.expect("seeded");
        self.sign_in(&config.admin.email).await
    }

    /// A parent who consented to all that a child needs.
    pub(crate) async fn guardian(&self) -> Person {
        let parent = self.parent().await;
        for kind in [ConsentKind::Guardian, ConsentKind::ChildSensitiveData] {
            self.consents().record_consent(parent.asks(consent(kind))).await.expect("recorded");
        }
        parent
    }

    /// Adds a child with all that can be said of one.
    pub(crate) async fn child_of(&self, parent: &Person) -> Child {
        self.children().create_child(parent.asks(full_child())).await.expect("created").into_inner()
    }
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) tokens: SessionTokens,
}

impl Person {
    /// A request of this person.
    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        with_token(message, &self.tokens.access_token)
    }

    pub(crate) fn session_id(&self) -> Uuid {
        self.tokens.session_id.parse().expect("a UUID")
    }
}

pub(crate) fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(metadata::AUTHORIZATION, format!("Bearer {token}").parse().expect("ASCII"));
    request
}

/// Adds what the gateway tells of a person's device.
pub(crate) fn from_device<T>(mut request: Request<T>) -> Request<T> {
    let values =
        [(metadata::CLIENT_IP, "203.0.113.7"), (metadata::CLIENT_AGENT, "Mina's phone"), (metadata::REQUEST_ID, "r-1")];
    for (key, value) in values {
        request.metadata_mut().insert(key, value.parse().expect("ASCII"));
    }
    request
}

/// An address nobody else has.
pub(crate) fn new_address() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("mina{}@example.com", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A parent's registration without a fault.
pub(crate) fn registration(email: &str) -> RegisterUserRequest {
    let given = |kind: ConsentKind| GivenConsent { kind: kind.into(), text_version: "2026-11-01".to_owned() };
    RegisterUserRequest {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: "김미나".to_owned(),
        phone: Some("+82 10-1234-5678".to_owned()),
        role: Role::Parent.into(),
        consents: vec![given(ConsentKind::Terms), given(ConsentKind::Privacy)],
        ..RegisterUserRequest::default()
    }
}

pub(crate) fn attempt(email: &str, password: &str) -> CreateSessionRequest {
    CreateSessionRequest { email: email.to_owned(), password: password.to_owned(), ..CreateSessionRequest::default() }
}

/// A consent with its proof.
pub(crate) fn consent(kind: ConsentKind) -> RecordConsentRequest {
    RecordConsentRequest {
        kind: kind.into(),
        granted: Some(true),
        text_version: "2026-11-01".to_owned(),
        method: ConsentMethod::WebSms.into(),
        evidence: Some("sms-4711".to_owned()),
    }
}

pub(crate) fn withdrawal(kind: ConsentKind) -> RecordConsentRequest {
    RecordConsentRequest { kind: kind.into(), granted: Some(false), ..RecordConsentRequest::default() }
}

/// A child without sensitive texts.
pub(crate) fn plain_child() -> CreateChildRequest {
    CreateChildRequest {
        name: "서아".to_owned(),
        birth_date: "2025-03-04".to_owned(),
        gender: aipoten_proto::common::v1::Gender::Female.into(),
        ..CreateChildRequest::default()
    }
}

/// A child with everything.
pub(crate) fn full_child() -> CreateChildRequest {
    CreateChildRequest {
        gestational_weeks: Some(32),
        gestational_days: Some(3),
        birth_weight_g: Some(1800),
        current_height_mm: Some(780),
        current_weight_g: Some(9900),
        medical_history: Some("Born early, three weeks in hospital".to_owned()),
        family_history: Some("Asthma".to_owned()),
        treatment_history: Some("Physiotherapy since May".to_owned()),
        notes: Some("Shy with strangers".to_owned()),
        ..plain_child()
    }
}

/// Asserts that a call was refused with this code and reason.
#[track_caller]
pub(crate) fn assert_refused<T: Debug>(answer: Result<T, Status>, code: Code, reason: &str) {
    let status = answer.expect_err("refused");
    let told = status.get_details_error_info().expect("an error names its reason");
    assert_eq!((status.code(), told.reason.as_str()), (code, reason));
}

/// The violations of a request that was refused, as `field: rule`.
#[track_caller]
pub(crate) fn violations<T: Debug>(answer: Result<Response<T>, Status>) -> Vec<String> {
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().expect("violations");
    details.field_violations.iter().map(|it| format!("{}: {}", it.field, it.description)).collect()
}
