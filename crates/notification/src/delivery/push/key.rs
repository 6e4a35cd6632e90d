//! The key that we are known by to push services (VAPID, RFC 8292).

use aipoten_kit::config::required;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::EncodePrivateKey as _;

use crate::config::WebPush;

const KEY: &str = "notification.web_push.private_key";

/// A pair of keys of P-256.
#[derive(Clone)]
pub(crate) struct WebPushKey(SecretKey);

impl WebPushKey {
    /// `None` where none is configured.
    pub(crate) fn read(config: &WebPush) -> anyhow::Result<Option<Self>> {
        if config.private_key.is_empty() {
            return Ok(None);
        }
        let context = || format!("configuration key `{KEY}` is no private key of P-256 as base64url");
        let bytes = URL_SAFE_NO_PAD.decode(required(KEY, &config.private_key)?).ok().with_context(context)?;
        Ok(Some(Self(SecretKey::from_slice(&bytes).ok().with_context(context)?)))
    }

    pub(crate) fn generate() -> Self {
        // Nearly every number of this size is a key; the next one is.
        let mut keys = std::iter::repeat_with(|| SecretKey::from_slice(&rand::random::<[u8; 32]>()));
        Self(keys.find_map(Result::ok).expect("random numbers do not end"))
    }

    pub(crate) fn private(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.to_bytes())
    }

    /// An uncompressed point, as browsers want it.
    pub(crate) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.point())
    }

    pub(super) fn point(&self) -> Box<[u8]> {
        self.0.public_key().to_encoded_point(false).to_bytes()
    }

    pub(super) fn secret(&self) -> &SecretKey {
        &self.0
    }

    pub(super) fn signing(&self) -> anyhow::Result<EncodingKey> {
        let document = self.0.to_pkcs8_der().ok().context("a key can be written")?;
        Ok(EncodingKey::from_ec_der(document.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_read_as_it_was_written_and_nonsense_is_refused() {
        let key = WebPushKey::generate();
        let read =
            |text: &str| WebPushKey::read(&WebPush { private_key: text.to_owned().into(), ..WebPush::default() });
        assert_eq!(read(&key.private()).expect("ours").expect("a key").public(), key.public());
        assert_eq!(URL_SAFE_NO_PAD.decode(key.public()).expect("base64url").len(), 65);
        assert!(read("").expect("none").is_none());
        assert!(read("AAAA").is_err() && read("!").is_err());
    }
}
