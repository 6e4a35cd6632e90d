//! A world of its own for every test: identity, matching, billing, a provider, a parent with a child, a therapist.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use aipoten_events::{Context, Delivered};
use aipoten_kit::config::{Secret, Tokens};
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, eventually, line, listener, redis};
pub(crate) use aipoten_kit::test::{parameter, reason, violations};
use aipoten_kit::{Line, Process};
use aipoten_proto::billing::v1 as proto;
use aipoten_proto::billing::v1::case_service_client::CaseServiceClient;
use aipoten_proto::billing::v1::payment_service_client::PaymentServiceClient;
use aipoten_proto::billing::v1::refund_service_client::RefundServiceClient;
use aipoten_proto::billing::v1::settlement_service_client::SettlementServiceClient;
use aipoten_proto::common::v1::Gender;
use aipoten_proto::identity::v1 as identity;
use aipoten_proto::identity::v1::child_service_client::ChildServiceClient;
use aipoten_proto::identity::v1::consent_service_client::ConsentServiceClient;
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use aipoten_proto::matching::v1 as matching;
use aipoten_proto::matching::v1::calendar_service_client::CalendarServiceClient;
use aipoten_proto::matching::v1::document_service_client::DocumentServiceClient;
use aipoten_proto::matching::v1::matching_request_service_client::MatchingRequestServiceClient;
use aipoten_proto::matching::v1::package_service_client::PackageServiceClient;
use aipoten_proto::matching::v1::therapist_service_client::TherapistServiceClient;
use aipoten_proto::timestamp;
use chrono::{DateTime, Months, SubsecRound as _, TimeDelta, Utc};
use prost::{Message, Name};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::sandbox::{Sandbox, forward_webhooks};

const PASSWORD: &str = "correct horse 7!";

/// Everything at work.
pub(crate) struct World {
    /// Billing itself.
    pub(crate) app: aipoten_billing::App,
    billing_database: TestDatabase,
    matching_database: TestDatabase,
    /// Lives as long as identity does.
    pub(crate) identity_database: TestDatabase,
    identity: Line,
    matching: Line,
    billing: Line,
    pub(crate) sandbox: Sandbox,
    documents: PathBuf,
    admin_password: String,
    people: AtomicUsize,
    packages: AtomicI64,
    /// A parent with a child.
    pub(crate) parent: Person,
    child_id: String,
    /// Works around the clock.
    pub(crate) therapist: Person,
    process: Process,
}

/// A person who is signed in.
#[derive(Clone, Default)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Person {
    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token).parse().expect("a token is plain text");
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    /// With an Idempotency-Key that nobody has used.
    pub(crate) fn asks_once<T>(&self, message: T) -> Request<T> {
        keyed(self.asks(message), &Uuid::now_v7().to_string())
    }

    pub(crate) fn asks_in_english<T>(&self, message: T) -> Request<T> {
        let mut request = self.asks(message);
        request.metadata_mut().insert("accept-language", "en".parse().expect("plain text"));
        request
    }
}

impl World {
    /// Without a broker.
    pub(crate) async fn start() -> Self {
        Self::start_with(NO_BROKER).await
    }

    pub(crate) async fn start_with(broker: &str) -> Self {
        let identity_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_identity::MIGRATOR]).await;
        let matching_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_matching::MIGRATOR]).await;
        let billing_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_billing::MIGRATOR]).await;
        aipoten_matching::seed(&matching_database.pool).await.expect("the shipped data");
        let process = Process::new();
        let tokens = Tokens::default();
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };

        let admin_password = format!("{PASSWORD}{}", Uuid::now_v7());
        let mut config = aipoten_identity::Config {
            database: identity_database.config(),
            encryption: encryption(),
            require_verified_email: false,
            ..aipoten_identity::Config::default()
        };
        config.admin.email.push_str("admin@example.com");
        config.admin.password = Secret::from(admin_password.clone());
        aipoten_identity::seed_administrator(&identity_database.pool, &config).await.expect("an administrator");
        let common = aipoten_identity::Common { redis: redis(), broker: broker.clone(), tokens: tokens.clone() };
        let app = aipoten_identity::build(config, &common, &process).await.expect("identity starts");
        let address = aipoten_identity::serve(&app, false, listener().await, &process).expect("identity serves");
        let identity_url = format!("http://{address}");

        let documents = std::env::temp_dir().join(format!("aipoten-{}", Uuid::now_v7()));
        let config = aipoten_matching::Config {
            documents: documents.clone(),
            identity_url: identity_url.clone(),
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
            identity_url: identity_url.clone(),
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
        let mut world = Self {
            app,
            identity: line(&identity_url),
            matching: line(&matching_url),
            billing,
            sandbox,
            billing_database,
            matching_database,
            identity_database,
            documents,
            admin_password,
            people: AtomicUsize::new(0),
            packages: AtomicI64::new(0),
            parent: Person::default(),
            child_id: String::new(),
            therapist: Person::default(),
            process,
        };
        world.parent = world.new_parent().await;
        world.child_id = world.child(&world.parent).await;
        world.therapist = world.listed_therapist().await;
        world
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

    /// A parent who may add children and share them.
    pub(crate) async fn new_parent(&self) -> Person {
        let person = self.register(identity::Role::Parent).await;
        for kind in [identity::ConsentKind::Guardian, identity::ConsentKind::ChildSensitiveData] {
            let consent = identity::RecordConsentRequest {
                kind: kind.into(),
                granted: Some(true),
                text_version: "1".to_owned(),
                method: identity::ConsentMethod::WebSms.into(),
                evidence: None,
            };
            let mut consents = ConsentServiceClient::new(self.identity.clone());
            consents.record_consent(person.asks(consent)).await.expect("a consent");
        }
        person
    }

    async fn child(&self, parent: &Person) -> String {
        let request = identity::CreateChildRequest {
            name: "하준".to_owned(),
            birth_date: (Utc::now().date_naive() - Months::new(24)).to_string(),
            gender: Gender::Female.into(),
            ..identity::CreateChildRequest::default()
        };
        let mut children = ChildServiceClient::new(self.identity.clone());
        children.create_child(parent.asks(request)).await.expect("a child").into_inner().id
    }

    /// Sessions of 50 minutes at 80,000 won at any hour.
    async fn listed_therapist(&self) -> Person {
        let (therapist, admin) = (self.register(identity::Role::Therapist).await, self.admin().await);
        let mut therapists = TherapistServiceClient::new(self.matching.clone());
        therapists.put_profile(therapist.asks(profile())).await.expect("an application");
        let licence = matching::CreateDocumentRequest {
            kind: matching::DocumentKind::Licence.into(),
            number: "2019-4711".to_owned(),
            issuer: "보건복지부".to_owned(),
            expires_on: None,
            file: b"%PDF-1.7 a licence".to_vec(),
        };
        let mut documents = DocumentServiceClient::new(self.matching.clone());
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
        let mut calendars = CalendarServiceClient::new(self.matching.clone());
        calendars.put_availability(therapist.asks(hours)).await.expect("hours");
        therapist
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

    /// Everything that must be true of billing's database is.
    pub(crate) async fn is_sound(&self) {
        let mut conn = self.database().acquire().await.expect("a connection");
        let checked = aipoten_billing::check_invariants(&mut conn).await.expect("checked");
        let broken: Vec<_> = checked.into_iter().filter(|it| !it.broken.is_empty()).collect();
        assert!(broken.is_empty(), "{broken:?}");
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
    pub(crate) async fn holds(&self) {
        let mut conn = self.database().acquire().await.expect("a connection");
        for checked in aipoten_billing::check_invariants(&mut conn).await.expect("checked") {
            assert!(checked.broken.is_empty(), "{checked}");
        }
    }

    /// What billing has published of this type.
    pub(crate) async fn published<E: Message + Name + Default>(&self) -> Vec<E> {
        let payloads: Vec<Vec<u8>> = sqlx::query_scalar("SELECT payload FROM outbox WHERE type = $1 ORDER BY id")
            .bind(E::full_name())
            .fetch_all(self.database())
            .await
            .expect("the outbox");
        payloads.iter().map(|payload| E::decode(payload.as_slice()).expect("the event")).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.process.stop().cancel();
        std::fs::remove_dir_all(&self.documents).expect("the folder of documents can be removed");
    }
}

pub(crate) fn delivered<E>(event: E) -> Delivered<E> {
    Delivered {
        id: Uuid::now_v7(),
        time: Utc::now(),
        aggregate_id: Uuid::now_v7(),
        aggregate_seq: 1,
        context: Context::default(),
        event,
    }
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

/// A request with an Idempotency-Key.
pub(crate) fn keyed<T>(mut request: Request<T>, key: &str) -> Request<T> {
    request.metadata_mut().insert("idempotency-key", key.parse().expect("visible ASCII"));
    request
}

/// The refusal that is expected.
pub(crate) async fn refused<T: std::fmt::Debug>(call: impl Future<Output = Result<Response<T>, Status>>) -> Status {
    call.await.expect_err("a refusal")
}

/// A full hour, so many hours ahead or a little more.
fn hours_ahead(hours: i64) -> DateTime<Utc> {
    let now = Utc::now().trunc_subsecs(0);
    let seconds = 3600 - now.timestamp().rem_euclid(3600);
    now + TimeDelta::seconds(seconds) + TimeDelta::hours(hours)
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
