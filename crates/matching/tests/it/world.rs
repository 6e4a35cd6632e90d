//! A world of its own for every test: identity, matching, people and their children.

use std::path::PathBuf;

use aipoten_events::Event;
use aipoten_identity::test::Identity;
pub(crate) use aipoten_identity::test::Person;
use aipoten_kit::config::Tokens;
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, line, listener};
pub(crate) use aipoten_kit::test::{keyed, parameter, reason, refused, violations};
use aipoten_kit::{Line, Process};
use aipoten_proto::identity::v1::Role;
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
use sqlx::PgPool;

/// Identity and matching at work.
pub(crate) struct World {
    matching_database: TestDatabase,
    pub(crate) identity: Identity,
    matching: Line,
    /// The folder of licence documents.
    pub(crate) documents: PathBuf,
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
        let matching_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_matching::MIGRATOR]).await;
        aipoten_matching::seed(&matching_database.pool).await.expect("the shipped data");
        let process = Process::new();
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };
        let identity = Identity::start(&broker, &process).await;

        let documents = std::env::temp_dir().join(format!("aipoten-{}", uuid::Uuid::now_v7()));
        let config = aipoten_matching::Config {
            documents: documents.clone(),
            identity_url: identity.url().to_owned(),
            database: matching_database.config(),
            encryption: encryption(),
            ..aipoten_matching::Config::default()
        };
        let common = aipoten_matching::Common { broker, tokens: Tokens::default() };
        let app = aipoten_matching::build(&config, &common, &process).await.expect("matching starts");
        let address = aipoten_matching::serve(&app, true, listener().await, &process).expect("matching serves");
        Self { identity, matching: line(&format!("http://{address}")), matching_database, documents, process }
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

    /// A parent who may add children and share them.
    pub(crate) async fn parent(&self) -> Person {
        self.identity.parent().await
    }

    pub(crate) async fn therapist(&self) -> Person {
        self.identity.verified(Role::Therapist).await
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
    pub(crate) async fn published<E: Event>(&self) -> Vec<E> {
        aipoten_events::test::published(self.database()).await
    }

    pub(crate) async fn admin(&self) -> Person {
        self.identity.admin().await
    }

    /// A child, two years old.
    pub(crate) async fn child(&self, parent: &Person) -> String {
        self.identity.child(parent, today() - Months::new(24)).await
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
