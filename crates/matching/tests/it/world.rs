//! A world of its own for every test: identity, matching, people and their children.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use aipoten_kit::config::{Secret, Tokens};
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, line, listener, redis};
pub(crate) use aipoten_kit::test::{parameter, reason, violations};
use aipoten_kit::{Line, Process, ServiceTokens};
use aipoten_proto::common::v1::Gender;
use aipoten_proto::identity::v1 as identity;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::identity::v1::consent_service_client::ConsentServiceClient;
use aipoten_proto::identity::v1::recipient_service_client::RecipientServiceClient;
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::calendar_service_client::CalendarServiceClient;
use aipoten_proto::matching::v1::consultation_service_client::ConsultationServiceClient;
use aipoten_proto::matching::v1::document_service_client::DocumentServiceClient;
use aipoten_proto::matching::v1::matching_request_service_client::MatchingRequestServiceClient;
use aipoten_proto::matching::v1::package_service_client::PackageServiceClient;
use aipoten_proto::matching::v1::report_service_client::ReportServiceClient;
use aipoten_proto::matching::v1::review_service_client::ReviewServiceClient;
use aipoten_proto::matching::v1::schedule_change_service_client::ScheduleChangeServiceClient;
use aipoten_proto::matching::v1::therapist_service_client::TherapistServiceClient;
use chrono::{Months, NaiveDate, Utc};
use prost::{Message, Name};
use sqlx::PgPool;
use tonic::Request;

const PASSWORD: &str = "correct horse 7!";
/// What the service that sends mails is known by.
const SERVICE_SECRET: &str = "a secret of thirty-two characters";

/// Identity and matching at work.
pub(crate) struct World {
    matching_database: TestDatabase,
    /// Lives as long as identity does.
    _identity_database: TestDatabase,
    identity: Line,
    matching: Line,
    /// The folder of licence documents.
    pub(crate) documents: PathBuf,
    admin_password: String,
    people: AtomicUsize,
    /// The tasks of both services.
    pub(crate) process: Process,
}

/// A person who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    /// UUID of the account.
    pub(crate) id: String,
    email: String,
    token: String,
}

impl Person {
    /// A request of this person.
    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token).parse().expect("a token is plain text");
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    /// A request of this person, to be answered in English.
    pub(crate) fn asks_in_english<T>(&self, message: T) -> Request<T> {
        let mut request = self.asks(message);
        request.metadata_mut().insert("accept-language", "en".parse().expect("plain text"));
        request
    }
}

impl World {
    /// Both services with the shipped data, without a broker.
    pub(crate) async fn start() -> Self {
        Self::start_with(NO_BROKER).await
    }

    /// Both services with the shipped data and a broker.
    pub(crate) async fn start_with(broker: &str) -> Self {
        let migrations = [&aipoten_events::MIGRATOR, &aipoten_identity::MIGRATOR];
        let identity_database = TestDatabase::create(&migrations).await;
        let matching_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_matching::MIGRATOR]).await;
        aipoten_matching::seed(&matching_database.pool).await.expect("the shipped data");
        let process = Process::new();
        let tokens = Tokens::default();
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };

        let admin_password = format!("{PASSWORD}{}", uuid::Uuid::now_v7());
        let mut config = aipoten_identity::Config {
            database: identity_database.config(),
            encryption: encryption(),
            service_secrets: format!("notification:{SERVICE_SECRET}").into(),
            require_verified_email: true,
            ..aipoten_identity::Config::default()
        };
        config.admin.email.push_str("admin@example.com");
        config.admin.password = Secret::from(admin_password.clone());
        aipoten_identity::seed_administrator(&identity_database.pool, &config).await.expect("an administrator");
        let common = aipoten_identity::Common { redis: redis(), broker: broker.clone(), tokens: tokens.clone() };
        let app = aipoten_identity::build(config, &common, &process).await.expect("identity starts");
        let address = aipoten_identity::serve(&app, false, listener().await, &process).expect("identity serves");
        let identity_url = format!("http://{address}");

        let documents = std::env::temp_dir().join(format!("aipoten-{}", uuid::Uuid::now_v7()));
        let config = aipoten_matching::Config {
            documents: documents.clone(),
            identity_url: identity_url.clone(),
            database: matching_database.config(),
            encryption: encryption(),
            ..aipoten_matching::Config::default()
        };
        let common = aipoten_matching::Common { broker, tokens };
        let app = aipoten_matching::build(&config, &common, &process).await.expect("matching starts");
        let address = aipoten_matching::serve(&app, true, listener().await, &process).expect("matching serves");
        Self {
            identity: line(&identity_url),
            matching: line(&format!("http://{address}")),
            matching_database,
            _identity_database: identity_database,
            documents,
            admin_password,
            people: AtomicUsize::new(0),
            process,
        }
    }

    /// Matching's database, behind its back.
    pub(crate) fn database(&self) -> &PgPool {
        &self.matching_database.pool
    }

    pub(crate) fn therapists(&self) -> TherapistServiceClient<Line> {
        TherapistServiceClient::new(self.matching.clone())
    }

    pub(crate) fn documents(&self) -> DocumentServiceClient<Line> {
        DocumentServiceClient::new(self.matching.clone())
    }

    pub(crate) fn calendars(&self) -> CalendarServiceClient<Line> {
        CalendarServiceClient::new(self.matching.clone())
    }

    pub(crate) fn requests(&self) -> MatchingRequestServiceClient<Line> {
        MatchingRequestServiceClient::new(self.matching.clone())
    }

    pub(crate) fn packages(&self) -> PackageServiceClient<Line> {
        PackageServiceClient::new(self.matching.clone())
    }

    pub(crate) fn consultations(&self) -> ConsultationServiceClient<Line> {
        ConsultationServiceClient::new(self.matching.clone())
    }

    pub(crate) fn schedule_changes(&self) -> ScheduleChangeServiceClient<Line> {
        ScheduleChangeServiceClient::new(self.matching.clone())
    }

    pub(crate) fn reports(&self) -> ReportServiceClient<Line> {
        ReportServiceClient::new(self.matching.clone())
    }

    pub(crate) fn reviews(&self) -> ReviewServiceClient<Line> {
        ReviewServiceClient::new(self.matching.clone())
    }

    pub(crate) fn children(&self) -> ChildServiceClient<Line> {
        ChildServiceClient::new(self.identity.clone())
    }

    /// A parent who may add children and share them.
    pub(crate) async fn parent(&self) -> Person {
        let person = self.register(identity::Role::Parent).await;
        self.consent(&person, identity::ConsentKind::Guardian, true).await;
        self.consent(&person, identity::ConsentKind::ChildSensitiveData, true).await;
        person
    }

    /// Gives or withdraws a consent.
    pub(crate) async fn consent(&self, person: &Person, kind: identity::ConsentKind, granted: bool) {
        let consent = identity::RecordConsentRequest {
            kind: kind.into(),
            granted: Some(granted),
            text_version: "1".to_owned(),
            method: identity::ConsentMethod::WebSms.into(),
            evidence: None,
        };
        let mut consents = ConsentServiceClient::new(self.identity.clone());
        consents.record_consent(person.asks(consent)).await.expect("a decision on a consent");
    }

    pub(crate) async fn therapist(&self) -> Person {
        self.register(identity::Role::Therapist).await
    }

    /// A therapist who can be found and booked: sessions of 50 minutes at 80,000 won in every way, at once, for 60 days ahead.
    pub(crate) async fn listed_therapist(&self) -> Person {
        self.listed(profile()).await
    }

    /// A therapist with this profile who can be found and booked.
    pub(crate) async fn listed(&self, profile: proto::PutProfileRequest) -> Person {
        let (therapist, admin) = (self.therapist().await, self.admin().await);
        self.therapists().put_profile(therapist.asks(profile)).await.expect("an application");
        self.documents().create_document(therapist.asks(licence())).await.expect("a licence");
        let approve = proto::ApproveProfileRequest { therapist_id: therapist.id.clone() };
        self.therapists().approve_profile(admin.asks(approve)).await.expect("approved");
        therapist
    }

    /// The events of a kind that were written so far, the oldest first.
    pub(crate) async fn published<E: Message + Name + Default>(&self) -> Vec<E> {
        let payloads: Vec<Vec<u8>> = sqlx::query_scalar("SELECT payload FROM outbox WHERE type = $1 ORDER BY id")
            .bind(E::full_name())
            .fetch_all(self.database())
            .await
            .expect("the outbox");
        payloads.iter().map(|payload| E::decode(payload.as_slice()).expect("the event")).collect()
    }

    pub(crate) async fn admin(&self) -> Person {
        self.sign_in("admin@example.com", &self.admin_password).await
    }

    /// Somebody whose address is verified.
    async fn register(&self, role: identity::Role) -> Person {
        let person = self.unverified(role).await;
        self.verify_email(&person).await;
        self.sign_in(&person.email, PASSWORD).await
    }

    /// Follows the link that is mailed.
    pub(crate) async fn verify_email(&self, person: &Person) {
        let secret = SERVICE_SECRET.to_owned().into();
        let service = ServiceTokens::new("notification", secret, "identity", self.identity.clone());
        let ask = identity::IssueMailTokenRequest {
            user_id: person.id.clone(),
            purpose: identity::MailPurpose::VerifyEmail.into(),
        };
        let ask = service.request(ask).await.expect("a token");
        let mut recipients = RecipientServiceClient::new(self.identity.clone());
        let token = recipients.issue_mail_token(ask).await.expect("a link").into_inner().token;
        let mut users = UserServiceClient::new(self.identity.clone());
        users.verify_email(identity::VerifyEmailRequest { token }).await.expect("verified");
    }

    /// Somebody who has just registered.
    pub(crate) async fn unverified(&self, role: identity::Role) -> Person {
        let email = format!("person{}@example.com", self.people.fetch_add(1, Ordering::Relaxed));
        let consent =
            |kind: identity::ConsentKind| identity::GivenConsent { kind: kind.into(), text_version: "1".to_owned() };
        let request = identity::RegisterUserRequest {
            email: email.clone(),
            password: PASSWORD.to_owned(),
            name: "김미나".to_owned(),
            role: role.into(),
            consents: vec![consent(identity::ConsentKind::Terms), consent(identity::ConsentKind::Privacy)],
            ..identity::RegisterUserRequest::default()
        };
        let mut users = UserServiceClient::new(self.identity.clone());
        users.register_user(request).await.expect("an account");
        self.sign_in(&email, PASSWORD).await
    }

    /// The same person with tokens of today.
    pub(crate) async fn sign_in_again(&self, person: &Person) -> Person {
        self.sign_in(&person.email, PASSWORD).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Person {
        let request = identity::CreateSessionRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            ..identity::CreateSessionRequest::default()
        };
        let mut sessions = SessionServiceClient::new(self.identity.clone());
        let answer = sessions.create_session(request).await.expect("signed in").into_inner();
        let (user, tokens) = (answer.user.expect("a user"), answer.tokens.expect("tokens"));
        Person { id: user.id, email: email.to_owned(), token: tokens.access_token }
    }

    /// A child, two years old.
    pub(crate) async fn child(&self, parent: &Person) -> String {
        let request = identity::CreateChildRequest {
            name: "하준".to_owned(),
            birth_date: (today() - Months::new(24)).to_string(),
            gender: Gender::Female.into(),
            ..identity::CreateChildRequest::default()
        };
        self.children().create_child(parent.asks(request)).await.expect("a child").into_inner().id
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.documents).expect("the folder of documents can be removed");
    }
}

/// A profile with which sessions of 50 minutes can be booked at once at 80,000 won in every way.
pub(crate) fn profile() -> proto::PutProfileRequest {
    proto::PutProfileRequest {
        display_name: "박서준".to_owned(),
        specialties: vec![proto::Specialty::Speech.into()],
        years_of_experience: 7,
        bio: "천천히 함께합니다.".to_owned(),
        consultation_fee: 80_000,
        min_notice_hours: Some(0),
        consultation_kinds: vec![
            proto::ConsultationKind::Online.into(),
            proto::ConsultationKind::InPerson.into(),
            proto::ConsultationKind::HomeVisit.into(),
        ],
        region_codes: vec!["11".to_owned()],
        ..proto::PutProfileRequest::default()
    }
}

/// A licence that does not expire.
pub(crate) fn licence() -> proto::CreateDocumentRequest {
    proto::CreateDocumentRequest {
        kind: proto::DocumentKind::Licence.into(),
        number: "2019-4711".to_owned(),
        issuer: "보건복지부".to_owned(),
        expires_on: None,
        file: b"%PDF-1.7 a licence".to_vec(),
    }
}

/// Today in Korea.
pub(crate) fn today() -> NaiveDate {
    Utc::now().with_timezone(&chrono_tz::Asia::Seoul).date_naive()
}
