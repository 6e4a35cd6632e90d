//! The keys that access tokens are signed with.

mod grpc;
mod store;

use aipoten_kit::config::Tokens;
use aipoten_kit::token::{AUDIENCE, Claims, TYPE};
use aipoten_kit::{Cipher, Place};
use aipoten_proto::identity::v1::{Jwk, Jwks};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sqlx::PgPool;
use uuid::Uuid;

/// A key pair as stored, its private part opened.
struct KeyPair {
    id: Uuid,
    active: bool,
    signing: SigningKey,
}

/// The key that signs, and all public ones.
pub(crate) struct Keys {
    issuer: String,
    header: Header,
    signing: EncodingKey,
    public: Jwks,
}

/// Reads the keys; the very first start makes one.
pub(crate) async fn load(pool: &PgPool, cipher: &Cipher, tokens: &Tokens) -> anyhow::Result<Keys> {
    let mut tx = pool.begin().await?;
    store::lock(&mut tx).await?;
    let mut pairs = store::list(&mut tx, cipher).await?;
    if !pairs.iter().any(|pair| pair.active) {
        let pair = KeyPair { id: Uuid::now_v7(), active: true, signing: SigningKey::from_bytes(&rand::random()) };
        store::insert(&mut tx, cipher, &pair).await?;
        pairs.insert(0, pair);
    }
    tx.commit().await?;
    Keys::new(&pairs, tokens)
}

impl Keys {
    fn new(pairs: &[KeyPair], tokens: &Tokens) -> anyhow::Result<Self> {
        let active = pairs.iter().find(|pair| pair.active).context("no signing key is active")?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(active.id.to_string());
        Ok(Self {
            issuer: tokens.issuer.clone(),
            header,
            signing: EncodingKey::from_ed_der(active.signing.to_pkcs8_der()?.as_bytes()),
            public: Jwks { keys: pairs.iter().map(jwk).collect() },
        })
    }

    /// The public keys.
    pub(crate) fn public(&self) -> Jwks {
        self.public.clone()
    }

    /// Signs an access token; issuer and audience are filled in.
    pub(crate) fn sign(&self, mut claims: Claims) -> anyhow::Result<String> {
        claims.iss.clone_from(&self.issuer);
        AUDIENCE.clone_into(&mut claims.aud);
        jsonwebtoken::encode(&self.header, &claims, &self.signing).context("an access token could not be signed")
    }
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
