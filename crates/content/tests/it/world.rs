//! A world of its own for every test: identity, content, people and their children.

use aipoten_events::test::delivered;
use aipoten_identity::test::Identity;
pub(crate) use aipoten_identity::test::Person;
use aipoten_kit::config::Tokens;
use aipoten_kit::test::{NO_BROKER, TestDatabase, line, listener};
pub(crate) use aipoten_kit::test::{parameter, reason, violations};
use aipoten_kit::{Line, Process};
use aipoten_proto::content::v1 as content;
use aipoten_proto::content::v1::assessment_service_client::AssessmentServiceClient;
use aipoten_proto::content::v1::category_service_client::CategoryServiceClient;
use aipoten_proto::content::v1::growth_service_client::GrowthServiceClient;
use aipoten_proto::content::v1::question_service_client::QuestionServiceClient;
use aipoten_proto::content::v1::video_service_client::VideoServiceClient;
use aipoten_proto::identity::v1::{ConsentKind, Role};
use aipoten_proto::matching::v1::CareRelationStarted;
use chrono::{Days, Months, NaiveDate, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// Identity and content at work.
pub(crate) struct World {
    content_database: TestDatabase,
    content_config: aipoten_content::Config,
    pub(crate) identity: Identity,
    content: Line,
    /// The tasks of both services.
    pub(crate) process: Process,
}

impl World {
    /// Both services with the shipped data, without a broker.
    pub(crate) async fn start() -> Self {
        Self::start_with(NO_BROKER).await
    }

    /// Both services with the shipped data and a broker.
    pub(crate) async fn start_with(broker: &str) -> Self {
        let content_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
        let process = Process::new();
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };
        let identity = Identity::start(&broker, &process).await;

        aipoten_content::seed(&content_database.pool).await.expect("the shipped data");
        let content_config = aipoten_content::Config {
            identity_url: identity.url().to_owned(),
            database: content_database.config(),
            ..aipoten_content::Config::default()
        };
        let config = content_config.clone();
        let common = aipoten_content::Common { broker, tokens: Tokens::default() };
        let app = aipoten_content::build(&config, &common, &process).await.expect("content starts");
        let address = aipoten_content::serve(&app, true, listener().await, &process).expect("content serves");
        Self { identity, content: line(&format!("http://{address}")), content_database, content_config, process }
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

    /// A parent who may add children.
    pub(crate) async fn parent(&self) -> Person {
        let parent = self.identity.register(Role::Parent).await;
        self.identity.consent(&parent, ConsentKind::Guardian, true).await;
        parent
    }

    /// Matching tells identity that a package was paid: the therapist has the child in care.
    pub(crate) async fn care(&self, therapist: &Person, child_id: &str) {
        let package_id = Uuid::now_v7();
        let event = CareRelationStarted {
            package_id: package_id.to_string(),
            therapist_id: therapist.id.clone(),
            child_id: child_id.to_owned(),
        };
        let mut conn = self.identity.database().acquire().await.expect("a connection");
        aipoten_identity::consumers::care_relation_started(&mut conn, &delivered(package_id, 2, event))
            .await
            .expect("taken in");
    }

    pub(crate) async fn therapist(&self) -> Person {
        self.identity.register(Role::Therapist).await
    }

    pub(crate) async fn admin(&self) -> Person {
        self.identity.admin().await
    }

    /// A girl, born this many months ago today.
    pub(crate) async fn child(&self, parent: &Person, months: u32) -> String {
        self.identity.child(parent, months_ago(months)).await
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
