use aipoten_kit::test::eventually;
use aipoten_kit::{Cipher, Place};
use aipoten_proto::identity::v1::{GetJwksRequest, Jwk};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::world::{Identity, Person, World};

/// Identity's own key, and a person to speak for.
struct Forge {
    world: World,
    person: Person,
    key: SigningKey,
    kid: String,
}

impl Forge {
    async fn start() -> Self {
        let world = World::start().await;
        let person = world.parent().await;
        let (kid, sealed) = stored_key(&world).await;
        let place = Place { table: "signing_keys", column: "private_key", row: kid };
        let cipher = Cipher::new(&world.config.encryption).expect("a key ring");
        let seed = STANDARD.decode(cipher.open(place, &sealed).expect("opened")).expect("base64");
        let key = SigningKey::try_from(seed.as_slice()).expect("a key");
        Self { world, person, key, kid: kid.to_string() }
    }

    fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": self.kid })
    }

    fn claims(&self) -> Value {
        let now = Utc::now().timestamp();
        json!({
            "iss": self.world.common.tokens.issuer, "aud": "aipoten", "sub": self.person.id, "exp": now + 60,
            "iat": now, "nbf": now, "jti": Uuid::now_v7(), "sid": self.person.session_id(), "role": "parent",
            "scope": "", "amr": ["pwd"], "auth_time": now,
        })
    }

    /// The header and the claims with some members changed; null takes a member away.
    fn token(&self, header: &Value, claims: &Value) -> String {
        sign(&self.key, &changed(self.header(), header), &changed(self.claims(), claims))
    }
}

async fn stored_key(world: &World) -> (Uuid, Vec<u8>) {
    let active = "SELECT id, private_key FROM signing_keys WHERE state = 'active'";
    sqlx::query_as(active).fetch_one(world.pool()).await.expect("one active key")
}

fn changed(mut members: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        members[name] = value.clone();
    }
    members.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    members
}

fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let signed = [header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string())).join(".");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

#[track_caller]
fn reason(answer: Result<(), Status>) -> String {
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
    status.get_details_error_info().expect("a reason").reason
}

#[tokio::test]
async fn only_a_token_that_is_right_in_every_part_is_believed() {
    let forge = Forge::start().await;
    let none = &json!({});
    forge.world.try_get_me(&forge.token(none, none)).await.expect("the forge makes good tokens");
    let now = Utc::now().timestamp();
    let mallory = SigningKey::from_bytes(&[7; 32]);
    let mallorys_jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(mallory.verifying_key().as_bytes()),
        "kid": forge.kid, "use": "sig", "alg": "EdDSA",
    });
    let wrong = [
        ("another type", forge.token(&json!({ "typ": "JWT" }), none)),
        ("no type", forge.token(&json!({ "typ": null }), none)),
        ("no algorithm", forge.token(&json!({ "alg": "none" }), none)),
        ("another algorithm", forge.token(&json!({ "alg": "HS256" }), none)),
        ("an unknown key", forge.token(&json!({ "kid": Uuid::now_v7() }), none)),
        ("no key", forge.token(&json!({ "kid": null }), none)),
        ("another issuer", forge.token(none, &json!({ "iss": "https://mallory.example" }))),
        ("no issuer", forge.token(none, &json!({ "iss": null }))),
        ("another audience", forge.token(none, &json!({ "aud": "another" }))),
        ("no audience", forge.token(none, &json!({ "aud": null }))),
        ("not good yet", forge.token(none, &json!({ "nbf": now + 60 }))),
        ("no beginning", forge.token(none, &json!({ "nbf": null }))),
        ("no end", forge.token(none, &json!({ "exp": null }))),
        ("no subject", forge.token(none, &json!({ "sub": null }))),
        ("no session", forge.token(none, &json!({ "sid": null }))),
        ("an unknown role", forge.token(none, &json!({ "role": "root" }))),
        ("a key of one's own", sign(&mallory, &forge.header(), &forge.claims())),
        (
            "a key of one's own in the header",
            sign(&mallory, &changed(forge.header(), &json!({ "jwk": mallorys_jwk })), &forge.claims()),
        ),
        (
            "a key from elsewhere",
            sign(
                &mallory,
                &changed(forge.header(), &json!({ "jku": "https://mallory.example/jwks" })),
                &forge.claims(),
            ),
        ),
    ];
    for (what, token) in wrong {
        assert_eq!(reason(forge.world.try_get_me(&token).await), "UNAUTHENTICATED", "{what}");
    }
    forge.world.end().await;
}

#[tokio::test]
async fn a_token_whose_text_was_changed_is_refused() {
    let forge = Forge::start().await;
    let good = forge.token(&json!({}), &json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let edited = URL_SAFE_NO_PAD.encode(changed(forge.claims(), &json!({ "role": "admin" })).to_string());
    let unsigned = URL_SAFE_NO_PAD.encode(json!({ "typ": "at+jwt", "alg": "none", "kid": forge.kid }).to_string());
    let with_secret = {
        // The public key taken for the secret of a symmetric algorithm.
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        (header.typ, header.kid) = (Some("at+jwt".to_owned()), Some(forge.kid.clone()));
        let secret = jsonwebtoken::EncodingKey::from_secret(forge.key.verifying_key().as_bytes());
        jsonwebtoken::encode(&header, &forge.claims(), &secret).expect("encoded")
    };
    let texts = [
        format!("{header}.{edited}.{signature}"),
        format!("{unsigned}.{claims}."),
        format!("{unsigned}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
        format!("{good}.{signature}"),
        format!("{good}A"),
        with_secret,
        "..".to_owned(),
        "x".repeat(8000),
    ];
    for text in texts {
        assert_eq!(reason(forge.world.try_get_me(&text).await), "UNAUTHENTICATED", "{text}");
    }
    forge.world.end().await;
}

#[tokio::test]
async fn an_expired_token_says_so_and_five_seconds_between_clocks_are_forgiven() {
    let forge = Forge::start().await;
    let now = Utc::now().timestamp();
    let expired = |ago: i64| forge.token(&json!({}), &json!({ "exp": now - ago }));
    assert_eq!(reason(forge.world.try_get_me(&expired(6)).await), "TOKEN_EXPIRED");
    assert_eq!(reason(forge.world.try_get_me(&expired(3600)).await), "TOKEN_EXPIRED");
    forge.world.try_get_me(&expired(1)).await.expect("clocks differ");
    forge.world.try_get_me(&forge.token(&json!({}), &json!({ "nbf": now + 4 }))).await.expect("clocks differ");
    forge.world.end().await;
}

#[tokio::test]
async fn a_token_that_was_believed_is_refused_once_it_has_expired() {
    let forge = Forge::start().await;
    let token = forge.token(&json!({}), &json!({ "exp": Utc::now().timestamp() - 3 }));
    forge.world.try_get_me(&token).await.expect("clocks differ");
    eventually("it has expired", async || forge.world.try_get_me(&token).await.is_err()).await;
    assert_eq!(reason(forge.world.try_get_me(&token).await), "TOKEN_EXPIRED");
    forge.world.end().await;
}

pub(crate) async fn jwks(identity: &Identity) -> Vec<Jwk> {
    identity.keys().get_jwks(GetJwksRequest {}).await.expect("published").into_inner().keys
}

#[tokio::test]
async fn all_replicas_sign_with_the_first_published_key() {
    let world = World::start().await;
    let replica = world.replica().await;
    let keys = jwks(&world).await;
    assert_eq!((keys.len(), &keys), (2, &jwks(&replica).await), "the one that signs, and the next");
    let key = &keys[0];
    let named = (key.kty.as_str(), key.crv.as_str(), key.r#use.as_str(), key.alg.as_str());
    assert_eq!(named, ("OKP", "Ed25519", "sig", "EdDSA"));
    assert_eq!(URL_SAFE_NO_PAD.decode(&key.x).expect("base64url").len(), 32);

    let parent = world.parent().await;
    assert!(replica.believes(&parent.tokens.access_token).await);
    let elsewhere = replica.sign_in(&parent.email).await;
    assert!(world.believes(&elsewhere.tokens.access_token).await);
    let header = jsonwebtoken::decode_header(&elsewhere.tokens.access_token).expect("a header");
    assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (Some(key.kid.as_str()), Some("at+jwt")));
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn replicas_that_start_at_once_agree_on_the_first_keys() {
    let world = World::start().await;
    sqlx::raw_sql("DELETE FROM signing_keys").execute(world.pool()).await.expect("as at the very first start");
    let replicas = futures::future::join_all((0..4).map(|_| world.replica())).await;
    let first = jwks(&replicas[0]).await;
    for replica in replicas {
        assert_eq!(jwks(&replica).await, first);
        replica.end().await;
    }
    world.end().await;
}

#[tokio::test]
async fn an_access_token_names_ids_and_no_person() {
    let world = World::start().await;
    let parent = world.parent().await;
    let claims = parent.tokens.access_token.split('.').nth(1).expect("claims");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON");
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));
    assert_eq!(
        (&claims["aud"], &claims["role"], &claims["amr"]),
        (&json!("aipoten"), &json!("parent"), &json!(["pwd"]))
    );
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!(parent.id), &json!(parent.tokens.session_id)));
    let mut names: Vec<&String> = claims.as_object().expect("an object").keys().collect();
    names.sort();
    let known = ["amr", "aud", "auth_time", "exp", "iat", "iss", "jti", "nbf", "role", "scope", "sid", "sub"];
    assert_eq!(names, known);
    world.end().await;
}

#[tokio::test]
async fn the_private_key_lies_encrypted_in_the_table() {
    let forge = Forge::start().await;
    let (_, sealed) = stored_key(&forge.world).await;
    let seed = forge.key.to_bytes();
    for plain in [seed.to_vec(), STANDARD.encode(seed).into_bytes()] {
        assert!(!sealed.windows(plain.len()).any(|window| window == plain), "the key lies open in the table");
    }
    forge.world.end().await;
}
