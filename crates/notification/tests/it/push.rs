//! Push: two services that answer as they are told, a browser that reads what it was sent, and devices that are gone.

use std::sync::{Arc, Mutex};

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Nonce};
use aipoten_kit::test::{encryption, eventually};
use aipoten_kit::{Cipher, Place};
use aipoten_proto::notification::v1::{DevicePlatform, GetWebPushKeyRequest, RegisterDeviceRequest};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::world::{Person, World};

/// Nobody's: it was made for these tests.
const SERVICE_ACCOUNT: &str = include_str!("service_account.pem");
const WEB_PUSH_KEY: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";

/// Headers and body of a push.
type Asked = (HeaderMap, Vec<u8>);
/// Status, Retry-After and body of an answer.
type Told = (u16, &'static str, Value);

/// What a push service was asked, and what it answers next; else that all is well.
#[derive(Clone, Default)]
struct Outside {
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<Vec<Told>>>,
    tokens: Arc<Mutex<u32>>,
}

impl Outside {
    async fn start() -> (Self, String) {
        let outside = Self::default();
        let router = Router::new()
            .route("/token", post(grant))
            .route("/v1/projects/aipoten-test/messages:send", post(take))
            .route("/push/{browser}", post(take))
            .with_state(outside.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (outside, address)
    }

    /// What it answers next, with how long to wait.
    fn answers(&self, status: u16, retry_after: &'static str, body: Value) {
        self.answers.lock().expect("nobody panics").push((status, retry_after, body));
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

async fn grant(State(outside): State<Outside>, body: String) -> Json<Value> {
    assert!(
        body.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey"),
        "{body}"
    );
    *outside.tokens.lock().expect("nobody panics") += 1;
    Json(json!({ "access_token": "an-access-token", "expires_in": 3600, "token_type": "Bearer" }))
}

async fn take(State(outside): State<Outside>, headers: HeaderMap, body: Bytes) -> Response {
    outside.asked.lock().expect("nobody panics").push((headers, body.to_vec()));
    let mut answers = outside.answers.lock().expect("nobody panics");
    if answers.is_empty() {
        return (StatusCode::CREATED, Json(json!({ "name": "projects/aipoten-test/messages/1" }))).into_response();
    }
    let (status, retry_after, body) = answers.remove(0);
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("retry-after", retry_after)], Json(body)).into_response()
}

async fn with_push() -> (World, Outside, String) {
    let (outside, address) = Outside::start().await;
    let credentials = json!({
        "type": "service_account", "project_id": "aipoten-test", "client_email": "push@aipoten-test.example",
        "private_key": SERVICE_ACCOUNT, "token_uri": format!("{address}/token"),
    });
    let world = World::without_notification().await;
    let world = world.serve_with(|config| {
        config.fcm.credentials = credentials.to_string().into();
        config.fcm.base_url.clone_from(&address);
        config.web_push.private_key = WEB_PUSH_KEY.to_owned().into();
        config.web_push.private = true;
    });
    (world.await, outside, address)
}

async fn phone(world: &World, person: &Person) -> Uuid {
    let token = format!("token-{}", Uuid::now_v7());
    let request = RegisterDeviceRequest { platform: DevicePlatform::Fcm.into(), token, ..Default::default() };
    let device = world.devices().register_device(person.asks(request)).await.expect("a device").into_inner();
    device.id.parse().expect("an id")
}

/// A browser's key and its shared secret.
struct Browser {
    key: SecretKey,
    auth: [u8; 16],
}

impl Browser {
    fn new() -> Self {
        Self { key: SecretKey::from_slice(&[7; 32]).expect("a key"), auth: [9; 16] }
    }

    fn point(&self) -> Box<[u8]> {
        self.key.public_key().to_encoded_point(false).to_bytes()
    }

    /// Subscribed at an address that nobody could register: it is of this machine.
    async fn subscribe(&self, world: &World, person: &Person, endpoint: &str) -> Uuid {
        let id = Uuid::now_v7();
        let keys = json!({ "p256dh": URL_SAFE_NO_PAD.encode(self.point()), "auth": URL_SAFE_NO_PAD.encode(self.auth) });
        let cipher = Cipher::new(&encryption()).expect("keys");
        let seal = |column, text: &str| cipher.seal(Place { table: "devices", column, row: id }, text).expect("sealed");
        sqlx::query("INSERT INTO devices (id, user_id, platform, token_hash, token, keys) VALUES ($1, $2, 'web_push', sha256($3), $4, $5)")
            .bind(id)
            .bind(person.uuid())
            .bind(endpoint.as_bytes())
            .bind(seal("token", endpoint))
            .bind(seal("keys", &keys.to_string()))
            .execute(world.database())
            .await
            .expect("subscribed");
        id
    }

    /// RFC 8291, from the other side.
    fn read(&self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        let (server, sealed) = rest[5..].split_at(65);
        assert_eq!(&rest[..5], [0, 0, 16, 0, 65], "a record of 4096 bytes and a point");
        let public = PublicKey::from_sec1_bytes(server).expect("a point");
        let shared = p256::ecdh::diffie_hellman(self.key.to_nonzero_scalar(), public.as_affine());
        let info = [b"WebPush: info\0".as_slice(), &self.point(), server, &[1]].concat();
        let secret = mac(&mac(&self.auth, shared.raw_secret_bytes()), &info);
        let record = mac(salt, &secret);
        let key = mac(&record, b"Content-Encoding: aes128gcm\0\x01");
        let nonce = mac(&record, b"Content-Encoding: nonce\0\x01");
        let cipher = Aes128Gcm::new_from_slice(&key[..16]).expect("16 bytes");
        let text = cipher.decrypt(&Nonce::try_from(&nonce[..12]).expect("12 bytes"), sealed).expect("ours to read");
        serde_json::from_slice(text.strip_suffix(&[2]).expect("the last record")).expect("JSON")
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("a key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

async fn push(world: &World, person: &Person, device: Uuid) -> Uuid {
    let amount = json!({ "payment_id": Uuid::now_v7(), "package_id": Uuid::now_v7(), "amount": 288_000 });
    world.plant_for(person.uuid(), "push", Some(device), "payment_completed", amount).await
}

#[tokio::test]
async fn a_phone_shows_title_and_message_and_the_access_token_is_asked_for_once() {
    let (world, outside, _) = with_push().await;
    let person = world.parent().await;
    let device = phone(&world, &person).await;
    let [first, second] = [push(&world, &person, device).await, push(&world, &person, device).await];
    world.becomes(first, "sent").await;
    world.becomes(second, "sent").await;
    let asked = outside.asked();
    assert_eq!((asked.len(), *outside.tokens.lock().expect("nobody panics")), (2, 1));
    assert_eq!(asked[0].0["authorization"], "Bearer an-access-token");
    let message = serde_json::from_slice::<Value>(&asked[0].1).expect("JSON")["message"].clone();
    assert!(message["token"].as_str().is_some_and(|token| token.starts_with("token-")));
    assert_eq!(message["notification"]["title"], "결제가 완료되었어요");
    assert_eq!(message["data"]["type"], "payment_update");
    assert!(message["data"]["link"].as_str().is_some_and(|it| it.starts_with("https://app.example/payments/")));
    assert_eq!(message["android"]["notification"]["tag"], message["data"]["id"], "what comes again replaces it");
}

#[tokio::test]
async fn a_phone_that_is_gone_is_forgotten_and_a_busy_service_is_asked_again_when_it_says() {
    let (world, outside, _) = with_push().await;
    let person = world.parent().await;
    let device = phone(&world, &person).await;
    let code = |code: &str| json!({ "error": { "details": [{ "errorCode": code }] } });
    outside.answers(429, "600", code("QUOTA_EXCEEDED"));
    let delivery = push(&world, &person, device).await;
    eventually("it waits", async || world.became(delivery).await.2.is_some()).await;
    assert_eq!(world.became(delivery).await, ("waiting".to_owned(), 0, Some("Firebase answered 429".to_owned())));
    let wait = "SELECT count(*) FROM deliveries WHERE next_attempt_at BETWEEN now() + interval '9 minutes' AND now() + interval '10 minutes'";
    assert_eq!(world.number(wait).await, 1, "as long as it was asked for");
    outside.answers(500, "0", json!({}));
    world.time_passes().await;
    eventually("it was asked", async || outside.asked().len() == 2).await;
    eventually("it waits", async || world.became(delivery).await.2.as_deref() == Some("Firebase answered 500")).await;
    outside.answers(404, "0", code("UNREGISTERED"));
    world.time_passes().await;
    world.becomes(delivery, "dropped").await;
    assert_eq!(world.number("SELECT count(*) FROM devices").await, 0);
}

#[tokio::test]
async fn a_browser_reads_what_it_was_sent_and_knows_who_sent_it() {
    let (world, outside, address) = with_push().await;
    let person = world.parent().await;
    let browser = Browser::new();
    let device = browser.subscribe(&world, &person, &format!("{address}/push/one")).await;
    let delivery = push(&world, &person, device).await;
    world.becomes(delivery, "sent").await;
    let (headers, body) = outside.asked().remove(0);
    let message = browser.read(&body);
    assert_eq!((&message["id"], &message["title"]), (&json!(delivery), &json!("결제가 완료되었어요")));
    assert!(message["message"].as_str().is_some_and(|it| it.contains("288,000원")), "{message}");
    assert_eq!(
        (&headers["content-encoding"], &headers["ttl"]),
        (&"aes128gcm".parse().unwrap(), &"86400".parse().unwrap())
    );

    let proof = headers["authorization"].to_str().expect("text").strip_prefix("vapid t=").expect("VAPID");
    let (token, key) = proof.split_once(", k=").expect("a key");
    let ours = world.devices().get_web_push_key(GetWebPushKeyRequest {}).await.expect("a key").into_inner();
    assert_eq!(key, ours.public_key, "what browsers subscribe with");
    let mut checks = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    checks.set_audience(&[&address]);
    let point = URL_SAFE_NO_PAD.decode(key).expect("base64url");
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let key = jsonwebtoken::DecodingKey::from_ec_components(&x, &y).expect("a point");
    let claims = jsonwebtoken::decode::<Value>(token, &key, &checks).expect("signed by us, for this service").claims;
    assert_eq!(claims["sub"], "mailto:ops@aipoten.example");
}

#[tokio::test]
async fn a_browser_that_unsubscribed_is_forgotten_and_one_service_in_trouble_holds_up_no_other() {
    let (world, outside, address) = with_push().await;
    let person = world.parent().await;
    let browser = Browser::new();
    let device = browser.subscribe(&world, &person, &format!("{address}/push/one")).await;
    outside.answers(503, "120", json!({}));
    let delivery = push(&world, &person, device).await;
    eventually("it waits", async || world.became(delivery).await.2.is_some()).await;
    assert_eq!(world.became(delivery).await.1, 1, "a try of its own");
    outside.answers(410, "0", json!({}));
    world.time_passes().await;
    world.becomes(delivery, "dropped").await;
    assert_eq!(world.number("SELECT count(*) FROM devices").await, 0);
}

#[tokio::test]
async fn nothing_is_pushed_into_a_private_network() {
    let (outside, address) = Outside::start().await;
    let world = World::without_notification().await;
    let world = world.serve_with(|config| config.web_push.private_key = WEB_PUSH_KEY.to_owned().into()).await;
    let person = world.parent().await;
    let port = address.rsplit(':').next().expect("a port").to_owned();
    for endpoint in [
        format!("{address}/push/one"),
        format!("https://localhost:{port}/push/one"),
        "https://localhost/push/one".to_owned(),
    ] {
        let device = Browser::new().subscribe(&world, &person, &endpoint).await;
        let delivery = push(&world, &person, device).await;
        eventually("it is not sent", async || {
            let (status, _, error) = world.became(delivery).await;
            status == "dropped" || error.as_deref() == Some("the push service cannot be reached")
        })
        .await;
    }
    assert!(outside.asked().is_empty());
}

#[tokio::test]
async fn a_device_of_somebody_else_is_not_pushed_to() {
    let (world, outside, _) = with_push().await;
    let (person, other) = (world.parent().await, world.parent().await);
    let device = phone(&world, &other).await;
    let delivery = push(&world, &person, device).await;
    world.becomes(delivery, "dropped").await;
    assert!(outside.asked().is_empty());
}
