//! The keys that access tokens are signed with.

mod grpc;
mod rotate;
mod store;

use std::sync::{Arc, PoisonError, RwLock};

use aipoten_kit::config::Tokens;
use aipoten_kit::token::TYPE;
use aipoten_kit::{Cipher, Place};
use aipoten_proto::identity::v1::{Jwk, Jwks};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

use crate::App;
pub use rotate::{Withdraw, rotate_keys};
pub(crate) use rotate::{load, tend};

/// The life of a key. One that is withdrawn is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum State {
    /// Published, and signs nothing yet: everybody who checks tokens knows it when it does.
    Next,
    /// Signs.
    Active,
    /// Published until the last token it signed has expired.
    Retired,
}

/// A key pair as stored, its private part opened.
struct KeyPair {
    id: Uuid,
    state: State,
    /// When it came into this state.
    since: DateTime<Utc>,
    signing: SigningKey,
}

impl KeyPair {
    fn new(state: State) -> Self {
        Self { id: Uuid::now_v7(), state, since: Utc::now(), signing: SigningKey::from_bytes(&rand::random()) }
    }
}

/// The key that signs, and all public ones, as this process last read them.
pub(crate) struct Keys {
    issuer: String,
    ring: RwLock<Arc<Ring>>,
}

struct Ring {
    header: Header,
    signing: EncodingKey,
    public: Jwks,
}

impl Ring {
    fn new(pairs: &[KeyPair]) -> anyhow::Result<Self> {
        let active = pairs.iter().find(|pair| pair.state == State::Active).context("no signing key is active")?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(active.id.to_string());
        Ok(Self {
            header,
            signing: EncodingKey::from_ed_der(active.signing.to_pkcs8_der()?.as_bytes()),
            public: Jwks { keys: pairs.iter().map(jwk).collect() },
        })
    }
}

impl Keys {
    fn new(pairs: &[KeyPair], tokens: &Tokens) -> anyhow::Result<Self> {
        Ok(Self { issuer: tokens.issuer.clone(), ring: RwLock::new(Arc::new(Ring::new(pairs)?)) })
    }

    /// The public keys.
    pub(crate) fn public(&self) -> Jwks {
        self.ring().public.clone()
    }

    /// Who issues tokens.
    pub(crate) fn issuer(&self) -> String {
        self.issuer.clone()
    }

    /// Signs the claims of an access token.
    pub(crate) fn sign<C: Serialize>(&self, claims: &C) -> anyhow::Result<String> {
        let ring = self.ring();
        jsonwebtoken::encode(&ring.header, claims, &ring.signing).context("an access token could not be signed")
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes the keys as they are now: what signs here, and what is believed here.
fn take(app: &App, pairs: &[KeyPair]) -> anyhow::Result<()> {
    let ring = Ring::new(pairs)?;
    app.verifier.set_keys(&ring.public);
    *app.keys.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    Ok(())
}

fn jwk(pair: &KeyPair) -> Jwk {
    Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: URL_SAFE_NO_PAD.encode(pair.signing.verifying_key().as_bytes()),
        kid: pair.id.to_string(),
        r#use: "sig".to_owned(),
        alg: "EdDSA".to_owned(),
    }
}

fn place(id: Uuid) -> Place {
    Place { table: "signing_keys", column: "private_key", row: id }
}

fn seal(cipher: &Cipher, pair: &KeyPair) -> anyhow::Result<Vec<u8>> {
    cipher.seal(place(pair.id), &STANDARD.encode(pair.signing.as_bytes()))
}

fn open(cipher: &Cipher, id: Uuid, private_key: &[u8]) -> anyhow::Result<SigningKey> {
    let bytes = STANDARD.decode(cipher.open(place(id), private_key)?)?;
    SigningKey::try_from(bytes.as_slice()).context("a stored signing key is no Ed25519 key")
}
