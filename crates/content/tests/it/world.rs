//! A world of its own for every test: identity, content, people and their children.

use std::sync::atomic::{AtomicUsize, Ordering};

use aipoten_kit::config::{Secret, Tokens};
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, line, listener, redis};
pub(crate) use aipoten_kit::test::{parameter, reason, violations};
use aipoten_kit::{Line, Process};
use aipoten_proto::common::v1::Gender;
use aipoten_proto::content::v1 as content;
use aipoten_proto::content::v1::assessment_service_client::AssessmentServiceClient;
use aipoten_proto::content::v1::category_service_client::CategoryServiceClient;
use aipoten_proto::content::v1::growth_service_client::GrowthServiceClient;
use aipoten_proto::content::v1::question_service_client::QuestionServiceClient;
use aipoten_proto::content::v1::video_service_client::VideoServiceClient;
use aipoten_proto::identity::v1 as identity;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::identity::v1::consent_service_client::ConsentServiceClient;
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use aipoten_proto::matching::v1::CareRelationStarted;
use chrono::{Days, Months, NaiveDate, Utc};
use sqlx::PgPool;
use tonic::Request;

const PASSWORD: &str = "correct horse 7!";

/// Identity and content at work.
pub(crate) struct World {
    content_database: TestDatabase,
    content_config: aipoten_content::Config,
    identity_database: TestDatabase,
    identity: Line,
    content: Line,
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
        let content_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
        let process = Process::new();
        let tokens = Tokens::default();
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };

        let admin_password = format!("{PASSWORD}{}", uuid::Uuid::now_v7());
        let mut config = aipoten_identity::Config {
            database: identity_database.config(),
            encryption: encryption(),
            ..aipoten_identity::Config::default()
        };
        config.admin.email.push_str("admin@example.com");
        config.admin.password = Secret::from(admin_password.clone());
        aipoten_identity::seed_administrator(&identity_database.pool, &config).await.expect("an administrator");
        let common = aipoten_identity::Common { redis: redis(), broker: broker.clone(), tokens: tokens.clone() };
        let app = aipoten_identity::build(config, &common, &process).await.expect("identity starts");
        let address = aipoten_identity::serve(&app, false, listener().await, &process).expect("identity serves");
        let identity_url = format!("http://{address}");

        aipoten_content::seed(&content_database.pool).await.expect("the shipped data");
        let content_config = aipoten_content::Config {
            identity_url: identity_url.clone(),
            database: content_database.config(),
            ..aipoten_content::Config::default()
        };
        let config = content_config.clone();
        let common = aipoten_content::Common { broker, tokens };
        let app = aipoten_content::build(&config, &common, &process).await.expect("content starts");
        let address = aipoten_content::serve(&app, true, listener().await, &process).expect("content serves");
        Self {
            identity: line(&identity_url),
            content: line(&format!("http://{address}")),
            content_database,
            content_config,
            identity_database,
            admin_password,
            people: AtomicUsize::new(0),
            process,
        }
    }

    /// One more replica of content, which serves nobody and checks links.
    pub(crate) async fn replica(&self, link_check: aipoten_content::LinkCheck) {
        let config = aipoten_content::Config { link_check, ..self.content_config.clone() };
        let broker = aipoten_events::Config { url: NO_BROKER.to_owned().into(), ..aipoten_events::Config::default() };
        let common = aipoten_content::Common { broker, tokens: Tokens::default() };
        aipoten_content::build(&config, &common, &self.process).await.expect("content starts");
    }

    /// Content's database, behind its back.
    pub(crate) fn database(&self) -> &PgPool {
        &self.content_database.pool
    }

    pub(crate) fn assessments(&self) -> AssessmentServiceClient<Line> {
        AssessmentServiceClient::new(self.content.clone())
    }

    pub(crate) fn questions(&self) -> QuestionServiceClient<Line> {
        QuestionServiceClient::new(self.content.clone())
    }

    pub(crate) fn growth(&self) -> GrowthServiceClient<Line> {
        GrowthServiceClient::new(self.content.clone())
    }

    pub(crate) fn videos(&self) -> VideoServiceClient<Line> {
        VideoServiceClient::new(self.content.clone())
    }

    pub(crate) fn categories(&self) -> CategoryServiceClient<Line> {
        CategoryServiceClient::new(self.content.clone())
    }

    pub(crate) fn children(&self) -> ChildServiceClient<Line> {
        ChildServiceClient::new(self.identity.clone())
    }

    /// A parent who may add children.
    pub(crate) async fn parent(&self) -> Person {
        let person = self.register(identity::Role::Parent).await;
        self.consent(&person, identity::ConsentKind::Guardian, true).await;
        person
    }

    /// A parent's decision on one of the consents that a child may be shared with.
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

    /// Matching tells identity that a package was paid: the therapist has the child in care.
    pub(crate) async fn care(&self, therapist: &Person, child_id: &str) {
        let package_id = uuid::Uuid::now_v7();
        let event = aipoten_events::Delivered {
            id: uuid::Uuid::now_v7(),
            time: Utc::now(),
            aggregate_id: package_id,
            aggregate_seq: 2,
            context: aipoten_events::Context::default(),
            event: CareRelationStarted {
                package_id: package_id.to_string(),
                therapist_id: therapist.id.clone(),
                child_id: child_id.to_owned(),
            },
        };
        let mut conn = self.identity_database.pool.acquire().await.expect("a connection");
        aipoten_identity::consumers::care_relation_started(&mut conn, &event).await.expect("taken in");
    }

    pub(crate) async fn therapist(&self) -> Person {
        self.register(identity::Role::Therapist).await
    }

    pub(crate) async fn admin(&self) -> Person {
        self.sign_in("admin@example.com", &self.admin_password).await
    }

    async fn register(&self, role: identity::Role) -> Person {
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

    async fn sign_in(&self, email: &str, password: &str) -> Person {
        let request = identity::CreateSessionRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            ..identity::CreateSessionRequest::default()
        };
        let mut sessions = SessionServiceClient::new(self.identity.clone());
        let answer = sessions.create_session(request).await.expect("signed in").into_inner();
        let (user, tokens) = (answer.user.expect("a user"), answer.tokens.expect("tokens"));
        Person { id: user.id, token: tokens.access_token }
    }

    /// A girl born at term, this many months ago today.
    pub(crate) async fn child(&self, parent: &Person, months: u32) -> String {
        self.child_born(parent, months_ago(months), Gender::Female, None).await
    }

    pub(crate) async fn child_born(
        &self,
        parent: &Person,
        birth: NaiveDate,
        gender: Gender,
        gestational_weeks: Option<i32>,
    ) -> String {
        let request = identity::CreateChildRequest {
            name: "하준".to_owned(),
            birth_date: birth.to_string(),
            gender: gender.into(),
            gestational_weeks,
            ..identity::CreateChildRequest::default()
        };
        self.children().create_child(parent.asks(request)).await.expect("a child").into_inner().id
    }

    /// A check that was just started.
    pub(crate) async fn check(&self, parent: &Person, child_id: &str) -> content::Assessment {
        let request = content::CreateAssessmentRequest { child_id: child_id.to_owned() };
        self.assessments().create_assessment(parent.asks(request)).await.expect("a check").into_inner()
    }

    /// Answers every question: `answer` says what to a question, `None` the best there is.
    pub(crate) async fn answer_all(
        &self,
        parent: &Person,
        check: &content::Assessment,
        answer: impl Fn(&content::AskedQuestion) -> Option<&'static str>,
    ) {
        let response = |item: &content::AssessmentQuestion| {
            let question = item.question.as_ref().expect("a question");
            let best = if question.is_red_flag { "no" } else { "yes" };
            content::NewResponse {
                question_id: question.id.clone(),
                answer: answer(question).unwrap_or(best).to_owned(),
            }
        };
        let request = content::SaveResponsesRequest {
            assessment_id: check.id.clone(),
            responses: check.questions.iter().map(response).collect(),
        };
        self.assessments().save_responses(parent.asks(request)).await.expect("saved answers");
    }

    /// Starts, answers and completes a check.
    pub(crate) async fn completed(
        &self,
        parent: &Person,
        child_id: &str,
        answer: impl Fn(&content::AskedQuestion) -> Option<&'static str>,
    ) -> content::AssessmentResults {
        let check = self.check(parent, child_id).await;
        self.answer_all(parent, &check, answer).await;
        let request = content::CompleteAssessmentRequest { assessment_id: check.id };
        self.assessments().complete_assessment(parent.asks(request)).await.expect("results").into_inner()
    }
}

/// Today in Korea.
pub(crate) fn today() -> NaiveDate {
    Utc::now().with_timezone(&chrono_tz::Asia::Seoul).date_naive()
}

pub(crate) fn months_ago(months: u32) -> NaiveDate {
    today() - Months::new(months)
}

pub(crate) fn days_ago(days: u64) -> NaiveDate {
    today() - Days::new(days)
}
