//! A gateway on a port of its own, with an identity of its own behind it. Content and billing are closed ports.

use std::net::SocketAddr;
use std::path::PathBuf;

use aipoten_gateway::{Common, Config, Limits};
use aipoten_kit::config::{Redis, Tokens};
use aipoten_kit::test::{TestDatabase, broker_url, encryption, line, redis};
use aipoten_kit::{Line, Process, ServiceTokens};
use aipoten_proto::identity::v1::recipient_service_client::RecipientServiceClient;
use aipoten_proto::identity::v1::{IssueMailTokenRequest, MailPurpose};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "Haru-2024-play";
/// What the service that sends mails is known by.
const SERVICE_SECRET: &str = "a secret of thirty-two characters";

pub(crate) struct Platform {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    pub(crate) process: Process,
    /// What stands behind the gateway.
    pub(crate) services: Process,
    config: Config,
    common: Common,
    /// The folder of licence documents.
    documents: Option<PathBuf>,
    /// Identity's.
    pub(crate) database: TestDatabase,
}

impl Drop for Platform {
    fn drop(&mut self) {
        if let Some(documents) = &self.documents {
            std::fs::remove_dir_all(documents).expect("the folder of documents can be removed");
        }
    }
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Limits that no test reaches by accident.
pub(crate) fn generous() -> Config {
    let many = 100_000;
    let limits = Limits {
        user: many,
        anonymous: many,
        address: many,
        login: many,
        register: many,
        refresh: many,
        webhooks: many,
        mail: many,
        uploads: many,
    };
    Config { limits, ..Config::default() }
}

impl Platform {
    pub(crate) async fn start() -> Self {
        Self::with(generous(), redis()).await
    }

    /// The addresses of the services are put in.
    pub(crate) async fn with(config: Config, redis: Redis) -> Self {
        let services = Process::new();
        let content_url = format!("http://{}", closed_port().await);
        let billing_url = format!("http://{}", closed_port().await);
        let common = common(redis);
        let (database, identity_url) = identity(&common, None, &services).await;
        let config = Config { identity_url, content_url, billing_url, ..config };
        Self::in_front_of(config, common, database, services).await
    }

    /// With content, its broker and an administrator.
    pub(crate) async fn with_content(
        redis: Redis,
        broker: aipoten_events::Config,
        content: &TestDatabase,
        admin: (&str, &str),
    ) -> Self {
        let services = Process::new();
        let common = Common { broker: broker.clone(), ..common(redis) };
        let (database, identity_url) = identity(&common, Some(admin), &services).await;
        let content_url = serve_content(&identity_url, broker, content, &services).await;
        let config = Config { identity_url, content_url, ..generous() };
        Self::in_front_of(config, common, database, services).await
    }

    /// With every service and an administrator.
    pub(crate) async fn whole(
        broker: aipoten_events::Config,
        content: &TestDatabase,
        matching: &TestDatabase,
        billing: &TestDatabase,
        admin: (&str, &str),
    ) -> Self {
        let services = Process::new();
        let common = Common { broker: broker.clone(), ..common(redis()) };
        let (database, identity_url) = identity(&common, Some(admin), &services).await;
        let content_url = serve_content(&identity_url, broker.clone(), content, &services).await;
        let (matching_url, documents) = serve_matching(&identity_url, broker.clone(), matching, &services).await;
        let billing_url = serve_billing(&identity_url, &matching_url, broker, billing, &services).await;
        let config = Config { identity_url, content_url, matching_url, billing_url, ..generous() };
        let mut platform = Self::in_front_of(config, common, database, services).await;
        platform.documents = Some(documents);
        platform
    }

    /// With matching, its broker and an administrator.
    pub(crate) async fn with_matching(
        config: Config,
        broker: aipoten_events::Config,
        matching: &TestDatabase,
        admin: (&str, &str),
    ) -> Self {
        let services = Process::new();
        let common = Common { broker: broker.clone(), ..common(redis()) };
        let (database, identity_url) = identity(&common, Some(admin), &services).await;
        let (matching_url, documents) = serve_matching(&identity_url, broker, matching, &services).await;
        let config = Config { identity_url, matching_url, ..config };
        let mut platform = Self::in_front_of(config, common, database, services).await;
        platform.documents = Some(documents);
        platform
    }

    async fn in_front_of(config: Config, common: Common, database: TestDatabase, services: Process) -> Self {
        let process = Process::new();
        let app = aipoten_gateway::build(&config, &common).expect("a gateway");
        let address = aipoten_gateway::serve(app, port().await, &process).expect("it serves");
        // A client that could speak TLS wants to be told by whose means, also where it never does. Once is enough.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { address, client, process, services, config, common, documents: None, database }
    }

    /// A second gateway in front of the same services and Redis; its address.
    pub(crate) async fn another_gateway(&self, broker: &str) -> SocketAddr {
        let broker = aipoten_events::Config { url: broker.to_owned().into(), ..aipoten_events::Config::default() };
        let common = Common { redis: self.common.redis.clone(), broker, tokens: Tokens::default() };
        let app = aipoten_gateway::build(&self.config, &common).expect("a gateway");
        aipoten_gateway::serve(app, port().await, &self.process).expect("it serves")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request below the prefix of the API.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(&format!("/api/v1{path}")))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// A new parent, signed in.
    pub(crate) async fn parent(&self) -> Person {
        self.person("parent").await
    }

    /// A new therapist, signed in.
    pub(crate) async fn therapist(&self) -> Person {
        self.person("therapist").await
    }

    async fn person(&self, role: &str) -> Person {
        let email = format!("{}@example.org", Uuid::now_v7().simple());
        let mut registration = registration(&email);
        registration["role"] = role.into();
        let registered = self.post("/auth/register").json(&registration).send().await.expect("an answer");
        assert_eq!(registered.status(), 201, "{}", registered.text().await.unwrap_or_default());
        self.sign_in(&email, PASSWORD).await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Person {
        let signed_in = self.post("/auth/login").json(&json!({ "email": email, "password": password })).send().await;
        let body = json_of(signed_in.expect("an answer"), 200).await;
        let token = |name: &str| body["data"]["tokens"][name].as_str().expect("a token").to_owned();
        let (access, refresh) = (token("access_token"), token("refresh_token"));
        Person { email: email.to_owned(), password: password.to_owned(), access, refresh }
    }

    /// A request of the service that sends mails to identity.
    pub(crate) async fn service_request<T>(&self, message: T) -> tonic::Request<T> {
        let secret = SERVICE_SECRET.to_owned().into();
        let service = ServiceTokens::new("notification", secret, "identity", self.identity());
        service.request(message).await.expect("a token")
    }

    /// The secret of the link that is mailed to this person.
    pub(crate) async fn link(&self, person: &Person, purpose: MailPurpose) -> String {
        let me = self.get("/users/me").bearer_auth(&person.access).send().await.expect("an answer");
        let user_id = json_of(me, 200).await["data"]["id"].as_str().expect("an id").to_owned();
        let ask = self.service_request(IssueMailTokenRequest { user_id, purpose: purpose.into() }).await;
        RecipientServiceClient::new(self.identity()).issue_mail_token(ask).await.expect("a link").into_inner().token
    }

    fn identity(&self) -> Line {
        line(&self.config.identity_url)
    }

    /// A parent who may add children, with one.
    pub(crate) async fn parent_with_child(&self) -> (Person, Value) {
        let parent = self.parent().await;
        for kind in ["guardian", "child_sensitive_data"] {
            let consent = json!({ "kind": kind, "granted": true, "text_version": "2026-11-01", "method": "card", "evidence": "test" });
            let given = self.post("/users/me/consents").bearer_auth(&parent.access).json(&consent).send().await;
            json_of(given.expect("an answer"), 201).await;
        }
        let child = json!({ "name": "Haru", "birth_date": "2024-10-21", "gender": "female" });
        let added = self.post("/children").bearer_auth(&parent.access).json(&child).send().await.expect("an answer");
        (parent, json_of(added, 201).await["data"].clone())
    }
}

pub(crate) fn registration(email: &str) -> Value {
    json!({
        "email": email, "password": PASSWORD, "name": "Kim", "role": "parent",
        "consents": [
            { "kind": "terms", "text_version": "2026-11-01" },
            { "kind": "privacy", "text_version": "2026-11-01" },
        ],
    })
}

/// The JSON of an answer that has this status.
pub(crate) async fn json_of(answer: Response, status: u16) -> Value {
    let (found, text) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// An answer that refuses with this status and code, in the envelope and with its headers; answers its error.
pub(crate) async fn refused(request: RequestBuilder, status: u16, code: &str) -> Value {
    let answer = request.send().await.expect("an answer");
    let id = header(&answer, "x-request-id");
    assert_eq!(header(&answer, "content-type"), "application/json");
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert!(!header(&answer, "ratelimit-limit").is_empty());
    let body = json_of(answer, status).await;
    assert_eq!(body["success"], false);
    assert_eq!(body["error"]["code"], code, "{body}");
    assert_eq!(body["error"]["request_id"], id.as_str());
    assert!(!body["error"]["message"].as_str().expect("a message").is_empty());
    body["error"].clone()
}

/// The fields that an error names.
pub(crate) fn fields(error: &Value) -> Vec<&str> {
    let details = error["details"].as_array().expect("details");
    details.iter().map(|detail| detail["field"].as_str().expect("a field")).collect()
}

pub(crate) fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// What all roles are told.
pub(crate) fn common(redis: Redis) -> Common {
    Common { redis, broker: broker(), tokens: Tokens::default() }
}

pub(crate) fn broker() -> aipoten_events::Config {
    aipoten_events::Config { url: broker_url().into(), ..aipoten_events::Config::default() }
}

/// Its database and its address.
async fn identity(common: &Common, admin: Option<(&str, &str)>, process: &Process) -> (TestDatabase, String) {
    let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_identity::MIGRATOR]).await;
    let mut config = aipoten_identity::Config {
        database: database.config(),
        encryption: encryption(),
        service_secrets: format!("notification:{SERVICE_SECRET}").into(),
        require_verified_email: false,
        ..aipoten_identity::Config::default()
    };
    if let Some((email, password)) = admin {
        config.admin.email.push_str(email);
        config.admin.password = password.to_owned().into();
        aipoten_identity::seed_administrator(&database.pool, &config).await.expect("an administrator");
    }
    let common = aipoten_identity::Common {
        redis: common.redis.clone(),
        broker: common.broker.clone(),
        tokens: common.tokens.clone(),
    };
    let app = aipoten_identity::build(config, &common, process).await.expect("an identity");
    let address = aipoten_identity::serve(&app, false, port().await, process).expect("it serves");
    (database, format!("http://{address}"))
}

pub(crate) async fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

pub(crate) async fn closed_port() -> SocketAddr {
    port().await.local_addr().expect("an address")
}

/// Content's address.
async fn serve_content(
    identity_url: &str,
    broker: aipoten_events::Config,
    database: &TestDatabase,
    services: &Process,
) -> String {
    let config = aipoten_content::Config {
        identity_url: identity_url.to_owned(),
        database: database.config(),
        ..aipoten_content::Config::default()
    };
    let common = aipoten_content::Common { broker, tokens: Tokens::default() };
    let app = aipoten_content::build(&config, &common, services).await.expect("a content");
    let address = aipoten_content::serve(&app, false, port().await, services).expect("it serves");
    format!("http://{address}")
}

/// Matching's address, and the folder of its documents.
async fn serve_matching(
    identity_url: &str,
    broker: aipoten_events::Config,
    database: &TestDatabase,
    services: &Process,
) -> (String, PathBuf) {
    let documents = std::env::temp_dir().join(format!("aipoten-{}", Uuid::now_v7()));
    let config = aipoten_matching::Config {
        identity_url: identity_url.to_owned(),
        database: database.config(),
        encryption: encryption(),
        documents: documents.clone(),
        ..aipoten_matching::Config::default()
    };
    let common = aipoten_matching::Common { broker, tokens: Tokens::default() };
    let app = aipoten_matching::build(&config, &common, services).await.expect("a matching");
    let address = aipoten_matching::serve(&app, false, port().await, services).expect("it serves");
    (format!("http://{address}"), documents)
}

/// Billing's address.
async fn serve_billing(
    identity_url: &str,
    matching_url: &str,
    broker: aipoten_events::Config,
    database: &TestDatabase,
    services: &Process,
) -> String {
    let config = aipoten_billing::Config {
        identity_url: identity_url.to_owned(),
        matching_url: matching_url.to_owned(),
        database: database.config(),
        encryption: encryption(),
        ..aipoten_billing::Config::default()
    };
    let common = aipoten_billing::Common { broker, tokens: Tokens::default() };
    let app = aipoten_billing::build(&config, &common, services).await.expect("a billing");
    let address = aipoten_billing::serve(&app, false, port().await, services).expect("it serves");
    format!("http://{address}")
}
