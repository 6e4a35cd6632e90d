//! Access tokens as attackers make them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::config::Encryption;
use crate::{Cipher, Place};

/// The key that identity signs with, and a good token to change.
pub struct Forge {
    key: SigningKey,
    header: Value,
    claims: Value,
}

impl Forge {
    /// Takes the key out of identity's database. The forge's tokens are like the good one, unless they are changed.
    pub async fn new(identity: &PgPool, encryption: &Encryption, good: &str) -> Self {
        let active = "SELECT id, private_key FROM signing_keys WHERE state = 'active'";
        let (id, sealed): (Uuid, Vec<u8>) = sqlx::query_as(active).fetch_one(identity).await.expect("one active key");
        let place = Place { table: "signing_keys", column: "private_key", row: id };
        let seed = Cipher::new(encryption).expect("a key ring").open(place, &sealed).expect("opened");
        let key = SigningKey::try_from(STANDARD.decode(seed).expect("base64").as_slice()).expect("a key");
        let mut parts = good.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok());
        let mut part = || parts.next().flatten().expect("a token");
        Self { key, header: part(), claims: part() }
    }

    /// The secret part of the key.
    pub fn seed(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// A signed token with some members of header and claims changed; null takes a member away.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        sign(&self.key, &changed(&self.header, header), &changed(&self.claims, claims))
    }

    /// A good token that expired so many seconds ago.
    pub fn expired(&self, seconds: i64) -> String {
        self.token(&json!({}), &json!({ "exp": Utc::now().timestamp() - seconds }))
    }

    /// Tokens that must not be believed, each with what is wrong with it.
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        [self.wrong_headers(), self.wrong_claims(), self.wrong_keys(), self.wrong_texts()].concat()
    }

    fn wrong_headers(&self) -> Vec<(&'static str, String)> {
        let headers = [
            ("another type", json!({ "typ": "JWT" })),
            ("no type", json!({ "typ": null })),
            ("no algorithm", json!({ "alg": "none" })),
            ("another algorithm", json!({ "alg": "HS256" })),
            ("an unknown algorithm", json!({ "alg": "EdDSA2" })),
            ("an unknown key", json!({ "kid": Uuid::now_v7() })),
            ("a path for a key", json!({ "kid": "../../../../dev/null" })),
            ("SQL for a key", json!({ "kid": "' OR state = 'active" })),
            ("an empty name of a key", json!({ "kid": "" })),
            ("a number for a key", json!({ "kid": 1 })),
            ("no key", json!({ "kid": null })),
        ];
        headers.map(|(what, header)| (what, self.token(&header, &json!({})))).into()
    }

    fn wrong_claims(&self) -> Vec<(&'static str, String)> {
        let now = Utc::now().timestamp();
        let claims = [
            ("another issuer", json!({ "iss": "https://mallory.example" })),
            ("no issuer", json!({ "iss": null })),
            ("another audience", json!({ "aud": "another" })),
            ("no audience", json!({ "aud": null })),
            ("not good yet", json!({ "nbf": now + 60 })),
            ("no beginning", json!({ "nbf": null })),
            ("no end", json!({ "exp": null })),
            ("an end that is no number", json!({ "exp": "never" })),
            ("no subject", json!({ "sub": null })),
            self.without_own_claim(),
            ("an unknown role", json!({ "role": "root" })),
        ];
        claims.map(|(what, claims)| (what, self.token(&json!({}), &claims))).into()
    }

    /// What a person's token has and a service's has not, or the other way round.
    fn without_own_claim(&self) -> (&'static str, Value) {
        let of_a_person = self.claims.get("sid").is_some();
        if of_a_person { ("no session", json!({ "sid": null })) } else { ("no callee", json!({ "callee": null })) }
    }

    fn wrong_keys(&self) -> Vec<(&'static str, String)> {
        let mallory = SigningKey::from_bytes(&[7; 32]);
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(mallory.verifying_key().as_bytes()),
            "kid": self.header["kid"], "use": "sig", "alg": "EdDSA",
        });
        let headers = [
            ("a key of one's own", json!({})),
            ("a key of one's own in the header", json!({ "jwk": jwk })),
            ("a key from elsewhere", json!({ "jku": "https://mallory.example/jwks" })),
            ("a certificate from elsewhere", json!({ "x5u": "https://mallory.example/chain" })),
        ];
        headers.map(|(what, header)| (what, sign(&mallory, &changed(&self.header, &header), &self.claims))).into()
    }

    fn wrong_texts(&self) -> Vec<(&'static str, String)> {
        let good = self.token(&json!({}), &json!({}));
        let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let edited = part(changed(&self.claims, &json!({ "role": "admin" })));
        let unsigned = part(changed(&self.header, &json!({ "alg": "none" })));
        vec![
            ("edited claims", format!("{header}.{edited}.{signature}")),
            ("no algorithm and no signature", format!("{unsigned}.{claims}.")),
            ("no algorithm and a signature", format!("{unsigned}.{claims}.{signature}")),
            ("no signature", format!("{header}.{claims}.")),
            ("two parts", format!("{header}.{claims}")),
            ("a short signature", format!("{header}.{claims}.{}", &signature[..signature.len() - 4])),
            ("four parts", format!("{good}.{signature}")),
            ("a letter too many", format!("{good}A")),
            ("the public key for the secret of a symmetric algorithm", self.confused()),
            ("nothing in its parts", "..".to_owned()),
            ("no token at all", "x".repeat(8000)),
        ]
    }

    fn confused(&self) -> String {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.typ = self.header["typ"].as_str().map(str::to_owned);
        header.kid = self.header["kid"].as_str().map(str::to_owned);
        let secret = jsonwebtoken::EncodingKey::from_secret(self.key.verifying_key().as_bytes());
        jsonwebtoken::encode(&header, &self.claims, &secret).expect("encoded")
    }
}

fn changed(members: &Value, changes: &Value) -> Value {
    let mut members = members.clone();
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
