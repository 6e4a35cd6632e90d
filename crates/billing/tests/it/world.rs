//! A world of its own for every test: identity, matching, billing, a provider, a parent with a child, a therapist.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use aipoten_events::{Delivered, Event};
use aipoten_identity::test::Identity;
pub(crate) use aipoten_identity::test::Person;
use aipoten_kit::config::Tokens;
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, eventually, line, listener};
pub(crate) use aipoten_kit::test::{keyed, parameter, reason, refused, violations};
use aipoten_kit::{Line, Process};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::case_service_client::CaseServiceClient;
use aipoten_proto::billing::v1::payment_service_client::PaymentServiceClient;
use aipoten_proto::billing::v1::refund_service_client::RefundServiceClient;
use aipoten_proto::billing::v1::settlement_service_client::SettlementServiceClient;
use aipoten_proto::identity::v1::Role;
use aipoten_proto::matching::v1 as matching;
use aipoten_proto::matching::v1::calendar_service_client::CalendarServiceClient;
use aipoten_proto::matching::v1::document_service_client::DocumentServiceClient;
use aipoten_proto::matching::v1::matching_request_service_client::MatchingRequestServiceClient;
use aipoten_proto::matching::v1::package_service_client::PackageServiceClient;
use aipoten_proto::matching::v1::therapist_service_client::TherapistServiceClient;
use aipoten_proto::timestamp;
use chrono::{DateTime, Months, SubsecRound as _, TimeDelta, Utc};
use prost::{Message as _, Name as _};
use sqlx::PgPool;
use tonic::{Response, Status};
use uuid::Uuid;

use crate::sandbox::{Sandbox, forward_webhooks};

/// Everything at work.
pub(crate) struct World {
    /// Billing itself.
    pub(crate) app: aipoten_billing::App,
    billing_database: TestDatabase,
    matching_database: TestDatabase,
    pub(crate) identity: Identity,
    matching: Line,
    billing: Line,
    pub(crate) sandbox: Sandbox,
    documents: PathBuf,
    packages: AtomicI64,
    /// A parent with a child.
    pub(crate) parent: Person,
    child_id: String,
    /// Works around the clock.
    pub(crate) therapist: Person,
    process: Process,
}

impl World {
    /// Without a broker.
    pub(crate) async fn start() -> Self {
        Self::start_with(NO_BROKER).await
    }

    pub(crate) async fn start_with(broker: &str) -> Self {
        let matching_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_matching::MIGRATOR]).await;
        let billing_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_billing::MIGRATOR]).await;
        aipoten_matching::seed(&matching_database.pool).await.expect("the shipped data");
        let process = Process::new();
        let tokens = Tokens::default();
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };
        let identity = Identity::start(&broker, &process).await;

        let documents = std::env::temp_dir().join(format!("aipoten-{}", Uuid::now_v7()));
        let config = aipoten_matching::Config {
            documents: documents.clone(),
            identity_url: identity.url().to_owned(),
            database: matching_database.config(),
            encryption: encryption(),
            ..aipoten_matching::Config::default()
        };
        let common = aipoten_matching::Common { broker: broker.clone(), tokens: tokens.clone() };
        let app = aipoten_matching::build(&config, &common, &process).await.expect("matching starts");
        let address = aipoten_matching::serve(&app, true, listener().await, &process).expect("matching serves");
        let matching_url = format!("http://{address}");

        let billing_listener = listener().await;
        let billing = line(&format!("http://{}", billing_listener.local_addr().expect("bound")));
        let webhook_url = forward_webhooks(listener().await, billing.clone(), &process);
        let sandbox = Sandbox::start(listener().await, &webhook_url, &process);
        let config = aipoten_billing::Config {
            identity_url: identity.url().to_owned(),
            matching_url: matching_url.clone(),
            database: billing_database.config(),
            encryption: encryption(),
            provider: Some(aipoten_billing::provider::Name::Sandbox),
            providers: sandbox.settings(),
            return_addresses: vec!["https://app.example.org".to_owned()],
            ..aipoten_billing::Config::default()
        };
        let common = aipoten_billing::Common { broker, tokens };
        let app = aipoten_billing::build(&config, &common, &process).await.expect("billing starts");
        aipoten_billing::serve(&app, true, billing_listener, &process).expect("billing serves");
        let matching = line(&matching_url);
        let parent = identity.parent().await;
        Self {
            app,
            child_id: identity.child(&parent, Utc::now().date_naive() - Months::new(24)).await,
            therapist: listed_therapist(&identity, &matching).await,
            parent,
            identity,
            matching,
            billing,
            sandbox,
            billing_database,
            matching_database,
            documents,
            packages: AtomicI64::new(0),
            process,
        }
    }

    /// Billing's database, behind its back.
    pub(crate) fn database(&self) -> &PgPool {
        &self.billing_database.pool
    }

    pub(crate) fn payments(&self) -> PaymentServiceClient<Line> {
        PaymentServiceClient::new(self.billing.clone())
    }

    pub(crate) fn refunds(&self) -> RefundServiceClient<Line> {
        RefundServiceClient::new(self.billing.clone())
    }

    pub(crate) fn settlements(&self) -> SettlementServiceClient<Line> {
        SettlementServiceClient::new(self.billing.clone())
    }

    pub(crate) fn case_list(&self) -> CaseServiceClient<Line> {
        CaseServiceClient::new(self.billing.clone())
    }

    pub(crate) fn packages(&self) -> PackageServiceClient<Line> {
        PackageServiceClient::new(self.matching.clone())
    }

    pub(crate) async fn admin(&self) -> Person {
        self.identity.admin().await
    }

    /// A package that waits for payment; the first session is so many hours ahead.
    pub(crate) async fn package(&self, total_sessions: i32, hours: i64) -> matching::Package {
        let wish = matching::CreateMatchingRequestRequest {
            therapist_id: self.therapist.id.clone(),
            child_id: self.child_id.clone(),
            share_child: true,
            kind: matching::ConsultationKind::Online.into(),
            total_sessions,
            preferred_dates: vec![timestamp(hours_ahead(hours))],
            notes: None,
            visit_address: None,
        };
        let mut requests = MatchingRequestServiceClient::new(self.matching.clone());
        let asked = requests.create_matching_request(self.parent.asks(wish)).await.expect("a request").into_inner();
        let answer = matching::UpdateMatchingRequestRequest {
            request_id: asked.id,
            decision: matching::MatchingDecision::Approve.into(),
            session_times: vec![timestamp(hours_ahead(hours))],
            ..matching::UpdateMatchingRequestRequest::default()
        };
        let answered = requests.update_matching_request(self.therapist.asks(answer)).await.expect("approved");
        self.package_now(&answered.into_inner().package_id.expect("a package")).await
    }

    pub(crate) async fn package_now(&self, package_id: &str) -> matching::Package {
        let ask = matching::GetPackageRequest { package_id: package_id.to_owned() };
        self.packages().get_package(self.parent.asks(ask)).await.expect("a package").into_inner()
    }

    /// A pending payment for a new package of four sessions: 288,000 won.
    pub(crate) async fn begun(&self) -> proto::Payment {
        // Each at a time of its own.
        let hours = 48 + 2 * self.packages.fetch_add(1, Ordering::Relaxed);
        let package = self.package(4, hours).await;
        self.begin(&package.id).await.expect("a payment")
    }

    pub(crate) async fn begin(&self, package_id: &str) -> Result<proto::Payment, Status> {
        let ask = proto::CreatePaymentRequest { package_id: package_id.to_owned(), ..Default::default() };
        self.payments().create_payment(self.parent.asks_once(ask)).await.map(Response::into_inner)
    }

    /// A payment that was made.
    pub(crate) async fn paid(&self) -> proto::Payment {
        let payment = self.begun().await;
        self.pay(&payment).await.expect("paid")
    }

    /// Authorises with a card, and confirms.
    pub(crate) async fn pay(&self, payment: &proto::Payment) -> Result<proto::Payment, Status> {
        let key = self.sandbox.authorize(&order_id(payment)).await;
        self.confirm(payment, &key).await
    }

    pub(crate) async fn confirm(&self, payment: &proto::Payment, key: &str) -> Result<proto::Payment, Status> {
        let ask = self.parent.asks_once(confirmation(payment, key));
        self.payments().confirm_payment(ask).await.map(Response::into_inner)
    }

    pub(crate) async fn payment(&self, id: &str) -> proto::Payment {
        let ask = proto::GetPaymentRequest { payment_id: id.to_owned() };
        self.payments().get_payment(self.parent.asks(ask)).await.expect("a payment").into_inner()
    }

    /// Waits until it stands there. What is to be read within seconds is read at once.
    pub(crate) async fn becomes(&self, id: &str, status: proto::PaymentStatus) -> proto::Payment {
        let hurry = "UPDATE payments SET synced_at = least(synced_at, now() - interval '10 s'),
             sync_at = CASE WHEN sync_at < now() + interval '6 s' THEN now() ELSE sync_at END WHERE id = $1";
        self.change(hurry, id).await;
        eventually(status.as_str_name(), async || self.payment(id).await.payment_status() == status).await;
        self.payment(id).await
    }

    /// Runs a statement on billing's database with the payment's id: time that nobody waits for in a test.
    pub(crate) async fn change(&self, statement: &'static str, payment_id: &str) {
        let id = Uuid::parse_str(payment_id).expect("an id");
        sqlx::query(statement).bind(id).execute(self.database()).await.expect("changed");
    }

    /// A number out of billing's database.
    pub(crate) async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.database()).await.expect("a number")
    }

    /// The types of the events that billing has published, without their package.
    pub(crate) async fn events(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT regexp_replace(type, '^.*[.]', '') FROM outbox ORDER BY id")
            .fetch_all(self.database())
            .await
            .expect("the outbox")
    }

    /// Kinds of the open cases.
    pub(crate) async fn cases(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT kind FROM reconciliation_cases WHERE closed_at IS NULL ORDER BY opened_at")
            .fetch_all(self.database())
            .await
            .expect("the cases")
    }

    /// Debits less credits of an account; that it all sums to nothing is looked at too.
    pub(crate) async fn balance(&self, kind: &str) -> i64 {
        assert_eq!(self.number("SELECT coalesce(sum(amount), 0)::bigint FROM journal_entries").await, 0);
        sqlx::query_scalar(
            "SELECT coalesce(sum(amount), 0)::bigint FROM journal_entries JOIN accounts ON accounts.id = account_id WHERE kind = $1",
        )
        .bind(kind)
        .fetch_one(self.database())
        .await
        .expect("a balance")
    }

    /// Has matching take in the payments that billing told of, as the broker would.
    pub(crate) async fn tell_matching(&self) {
        for event in self.published::<proto::PaymentCompleted>().await {
            let mut tx = self.matching_database.pool.begin().await.expect("a transaction");
            let told = delivered(event);
            aipoten_matching::consumers::payment_completed(&mut tx, &told).await.expect("taken in");
            tx.commit().await.expect("committed");
        }
    }

    /// Has billing take in the cancellations that matching told of, as the broker would; each once.
    pub(crate) async fn tell_billing(&self) {
        let told: Vec<(Uuid, Vec<u8>)> = sqlx::query_as("DELETE FROM outbox WHERE type = $1 RETURNING id, payload")
            .bind(matching::ConsultationCancelled::full_name())
            .fetch_all(&self.matching_database.pool)
            .await
            .expect("matching's outbox");
        for (id, payload) in told {
            let event = matching::ConsultationCancelled::decode(payload.as_slice()).expect("the event");
            let mut tx = self.database().begin().await.expect("a transaction");
            let told = Delivered { id, ..delivered(event) };
            aipoten_billing::consumers::consultation_cancelled(&mut tx, &told).await.expect("taken in");
            tx.commit().await.expect("committed");
        }
    }

    /// Fails unless all that must always be true of billing is.
    pub(crate) async fn is_sound(&self) {
        let mut conn = self.database().acquire().await.expect("a connection");
        for checked in aipoten_billing::check_invariants(&mut conn).await.expect("checked") {
            assert!(checked.broken.is_empty(), "{checked}");
        }
    }

    /// What billing has published of this type.
    pub(crate) async fn published<E: Event>(&self) -> Vec<E> {
        aipoten_events::test::published(self.database()).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.process.stop().cancel();
        std::fs::remove_dir_all(&self.documents).expect("the folder of documents can be removed");
    }
}

/// An event about a row that nobody knows.
pub(crate) fn delivered<E>(event: E) -> Delivered<E> {
    aipoten_events::test::delivered(Uuid::now_v7(), 1, event)
}

pub(crate) fn confirmation(payment: &proto::Payment, key: &str) -> proto::ConfirmPaymentRequest {
    proto::ConfirmPaymentRequest {
        payment_id: payment.id.clone(),
        provider_key: key.to_owned(),
        amount: payment.total_amount,
    }
}

/// Of a pending payment.
pub(crate) fn order_id(payment: &proto::Payment) -> String {
    payment.checkout.clone().expect("it is pending").order_id
}

/// A full hour, so many hours ahead or a little more.
fn hours_ahead(hours: i64) -> DateTime<Utc> {
    let now = Utc::now().trunc_subsecs(0);
    let seconds = 3600 - now.timestamp().rem_euclid(3600);
    now + TimeDelta::seconds(seconds) + TimeDelta::hours(hours)
}

/// Somebody who offers sessions of 50 minutes at 80,000 won at any hour.
async fn listed_therapist(identity: &Identity, matching: &Line) -> Person {
    let (therapist, admin) = (identity.verified(Role::Therapist).await, identity.admin().await);
    let mut therapists = TherapistServiceClient::new(matching.clone());
    therapists.put_profile(therapist.asks(profile())).await.expect("an application");
    let licence = matching::CreateDocumentRequest {
        kind: matching::DocumentKind::Licence.into(),
        number: "2019-4711".to_owned(),
        issuer: "보건복지부".to_owned(),
        expires_on: None,
        file: b"%PDF-1.7 a licence".to_vec(),
    };
    let mut documents = DocumentServiceClient::new(matching.clone());
    documents.create_document(therapist.asks(licence)).await.expect("a licence");
    let approve = matching::ApproveProfileRequest { therapist_id: therapist.id.clone() };
    therapists.approve_profile(admin.asks(approve)).await.expect("approved");
    let all_day = |day| matching::WeeklyHours {
        day_of_week: Some(day),
        start_time: "00:00".to_owned(),
        end_time: "24:00".to_owned(),
    };
    let hours = matching::PutAvailabilityRequest {
        weekly_hours: (0..7).map(all_day).collect(),
        works_on_holidays: Some(true),
        expected_version: None,
    };
    let mut calendars = CalendarServiceClient::new(matching.clone());
    calendars.put_availability(therapist.asks(hours)).await.expect("hours");
    therapist
}

fn profile() -> matching::PutProfileRequest {
    matching::PutProfileRequest {
        display_name: "박서준".to_owned(),
        specialties: vec![matching::Specialty::Speech.into()],
        years_of_experience: 7,
        bio: "천천히 함께합니다.".to_owned(),
        consultation_fee: 80_000,
        min_notice_hours: Some(0),
        consultation_kinds: vec![matching::ConsultationKind::Online.into()],
        region_codes: vec!["11".to_owned()],
        ..matching::PutProfileRequest::default()
    }
}
