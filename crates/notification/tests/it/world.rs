//! A world of its own for every test: identity, notification, people.

use aipoten_events::{Context, Delivered, Event, Failure, Handler};
pub(crate) use aipoten_identity::test::Person;
use aipoten_identity::test::{Identity, SERVICE_SECRET};
use aipoten_kit::config::{Secret, Tokens};
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, eventually, line, listener};
use aipoten_kit::{Line, Process};
use aipoten_notification::Config;
use aipoten_notification::delivery::Senders;
use aipoten_proto::identity::v1::{ConsentKind, Role};
use aipoten_proto::notification::v1::device_service_client::DeviceServiceClient;
use aipoten_proto::notification::v1::notification_service_client::NotificationServiceClient;
use aipoten_proto::notification::v1::preference_service_client::PreferenceServiceClient;
use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// What the links in mails that turn a type off are made with.
pub(crate) const UNSUBSCRIBE_KEY: &str = "a key for links that turn a type off";
/// No reminders of a day.
const NEVER: u32 = 24;

/// Identity and notification at work.
pub(crate) struct World {
    database: TestDatabase,
    pub(crate) identity: Identity,
    notification: Line,
    process: Process,
}

impl World {
    /// Identity, and notification that makes no reminders of a day.
    pub(crate) async fn start() -> Self {
        let world = Self::without_notification().await;
        world.serve(NEVER, Senders::default()).await
    }

    /// Identity alone.
    pub(crate) async fn without_notification() -> Self {
        let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_notification::MIGRATOR]).await;
        let process = Process::new();
        let identity = Identity::start(&broker(), &process).await;
        Self { database, identity, notification: line("http://127.0.0.1:1"), process }
    }

    /// Starts notification, or another replica of it, which is asked from now on.
    pub(crate) async fn serve(self, daily_hour: u32, senders: Senders) -> Self {
        let config = Config { daily_hour, ..self.config() };
        self.serve_as(&config, senders).await
    }

    /// Starts notification, or another replica, with the ways that these settings speak of.
    pub(crate) async fn serve_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config();
        change(&mut config);
        let senders = Senders::new(&config).expect("good settings");
        self.serve_as(&config, senders).await
    }

    fn config(&self) -> Config {
        Config {
            identity_url: self.identity.url().to_owned(),
            database: self.database.config(),
            encryption: encryption(),
            service_secret: Secret::from(SERVICE_SECRET.to_owned()),
            unsubscribe_key: Secret::from(UNSUBSCRIBE_KEY.to_owned()),
            daily_hour: NEVER,
            app_url: "https://app.example".to_owned(),
            api_url: "https://api.example".to_owned(),
            ..Config::default()
        }
    }

    async fn serve_as(mut self, config: &Config, senders: Senders) -> Self {
        let common = aipoten_notification::Common { broker: broker(), tokens: Tokens::default() };
        let app = aipoten_notification::build_with(config, &common, senders, &self.process);
        let app = app.await.expect("notification starts");
        let address = aipoten_notification::serve(&app, true, listener().await, &self.process).expect("it serves");
        self.notification = line(&format!("http://{address}"));
        self
    }

    /// Notification's database, behind its back.
    pub(crate) fn database(&self) -> &PgPool {
        &self.database.pool
    }

    /// Puts a delivery into line, as an event would.
    pub(crate) async fn plant(&self, user_id: Uuid, channel: &str, template: &str, variables: Value) -> Uuid {
        self.plant_for(user_id, channel, None, template, variables).await
    }

    /// The same for a device.
    pub(crate) async fn plant_for(
        &self,
        user_id: Uuid,
        channel: &str,
        device_id: Option<Uuid>,
        template: &str,
        variables: Value,
    ) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO deliveries (id, user_id, channel, template, variables, device_id, dedupe_key, next_attempt_at)
             VALUES ($1, $2, $3, $4, $5, $6, $1::text, now())",
        )
        .bind(id)
        .bind(user_id)
        .bind(channel)
        .bind(template)
        .bind(variables)
        .bind(device_id)
        .execute(self.database())
        .await
        .expect("planted");
        id
    }

    /// What became of a delivery: status, attempts, error.
    pub(crate) async fn became(&self, delivery: Uuid) -> (String, i32, Option<String>) {
        sqlx::query_as("SELECT status, attempts, error FROM deliveries WHERE id = $1")
            .bind(delivery)
            .fetch_one(self.database())
            .await
            .expect("the delivery")
    }

    /// It has this status now.
    pub(crate) async fn becomes(&self, delivery: Uuid, status: &str) {
        eventually(&format!("it is {status}"), async || self.became(delivery).await.0 == status).await;
    }

    /// The time of what waits has come.
    pub(crate) async fn time_passes(&self) {
        sqlx::query("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'waiting' AND error IS NOT NULL")
            .execute(self.database())
            .await
            .expect("due");
    }

    pub(crate) fn notifications(&self) -> NotificationServiceClient<Line> {
        NotificationServiceClient::new(self.notification.clone())
    }

    pub(crate) fn preferences(&self) -> PreferenceServiceClient<Line> {
        PreferenceServiceClient::new(self.notification.clone())
    }

    pub(crate) fn devices(&self) -> DeviceServiceClient<Line> {
        DeviceServiceClient::new(self.notification.clone())
    }

    /// Applies an event as it comes from the broker.
    pub(crate) async fn apply<E: Event>(
        &self,
        handler: &impl for<'a> Handler<'a, E>,
        event: &Delivered<E>,
    ) -> Result<(), Failure> {
        let mut tx = self.database().begin().await.expect("a transaction");
        handler.apply(&mut tx, event).await?;
        tx.commit().await.expect("committed");
        Ok(())
    }

    /// The same with an event that is fine, as it is the first time and again.
    pub(crate) async fn take<E: Event>(&self, handler: impl for<'a> Handler<'a, E>, event: &Delivered<E>) {
        self.apply(&handler, event).await.expect("applied");
        self.apply(&handler, event).await.expect("applied again");
    }

    /// What was told: account, template and variables, the oldest first.
    pub(crate) async fn told(&self) -> Vec<(Uuid, String, Value)> {
        sqlx::query_as("SELECT user_id, template, variables FROM notifications ORDER BY created_at, id")
            .fetch_all(self.database())
            .await
            .expect("notifications")
    }

    /// Names of the templates that an account was told.
    pub(crate) async fn told_to(&self, user_id: Uuid) -> Vec<String> {
        self.told().await.into_iter().filter(|it| it.0 == user_id).map(|it| it.1).collect()
    }

    /// A number that a query without parameters answers.
    pub(crate) async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.database()).await.expect("a number")
    }

    /// A parent who may add children, and whose address is not verified.
    pub(crate) async fn parent(&self) -> Person {
        let parent = self.identity.register(Role::Parent).await;
        self.identity.consent(&parent, ConsentKind::Guardian, true).await;
        self.identity.consent(&parent, ConsentKind::ChildSensitiveData, true).await;
        parent
    }

    pub(crate) async fn therapist(&self) -> Person {
        self.identity.register(Role::Therapist).await
    }

    pub(crate) async fn admin(&self) -> Person {
        self.identity.admin().await
    }

    /// A parent with this address, and perhaps a telephone number.
    pub(crate) async fn parent_at(&self, email: &str, phone: Option<&str>) -> Person {
        self.identity.register_at(email, Role::Parent, phone).await
    }
}

/// An event about a row at this version.
pub(crate) fn delivered<E>(aggregate_id: Uuid, aggregate_seq: i64, event: E) -> Delivered<E> {
    let context = Context { request_id: Some("a-request".to_owned()), ..Context::default() };
    Delivered { context, ..aipoten_events::test::delivered(aggregate_id, aggregate_seq, event) }
}

/// Now, as exact as the database keeps it.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Today in Korea.
pub(crate) fn today() -> NaiveDate {
    now().with_timezone(&chrono_tz::Asia::Seoul).date_naive()
}

fn broker() -> aipoten_events::Config {
    aipoten_events::Config { url: NO_BROKER.to_owned().into(), ..aipoten_events::Config::default() }
}
