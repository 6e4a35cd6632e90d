//! The encryption of Web Push (RFC 8291 in one record of RFC 8188): only the browser reads what passes through its push service.

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Nonce};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use p256::PublicKey;
use p256::ecdh::diffie_hellman;
use sha2::Sha256;

use super::WebPushKey;
use crate::device::Keys;

/// Bytes of a record, as it is said in the header. Push services take bodies of 4096 bytes, so there is one.
const RECORD: u32 = 4096;
/// Ends the last record.
const LAST: u8 = 2;

/// Fails when the browser's keys are none.
pub(super) fn seal(text: &[u8], browser: &Keys) -> anyhow::Result<Vec<u8>> {
    seal_with(text, browser, &WebPushKey::generate(), rand::random())
}

/// `ours` is used once.
fn seal_with(text: &[u8], browser: &Keys, ours: &WebPushKey, salt: [u8; 16]) -> anyhow::Result<Vec<u8>> {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).context("a key is no base64url");
    let (theirs, auth) = (decode(&browser.p256dh)?, decode(&browser.auth)?);
    let public = PublicKey::from_sec1_bytes(&theirs).ok().context("a key is no point of the curve")?;
    let shared = diffie_hellman(ours.secret().to_nonzero_scalar(), public.as_affine());
    let point = ours.point();

    let info = [b"WebPush: info\0".as_slice(), &theirs, &point].concat();
    let secret = derive(&mac(&auth, shared.raw_secret_bytes()), &info);
    let record = mac(&salt, &secret);
    let key = derive(&record, b"Content-Encoding: aes128gcm\0");
    let nonce = derive(&record, b"Content-Encoding: nonce\0");

    let cipher = Aes128Gcm::new_from_slice(&key[..16]).ok().context("a key has 16 bytes")?;
    let nonce = Nonce::try_from(&nonce[..12]).ok().context("a nonce has 12 bytes")?;
    let sealed = cipher.encrypt(&nonce, [text, &[LAST]].concat().as_slice()).ok().context("it is short enough")?;
    let length = u8::try_from(point.len())?;
    Ok([salt.as_slice(), &RECORD.to_be_bytes(), &[length], &point, &sealed].concat())
}

/// HKDF-Expand of at most one block.
fn derive(key: &[u8], info: &[u8]) -> [u8; 32] {
    mac(key, &[info, &[1]].concat())
}

/// HMAC-SHA-256, which is HKDF-Extract as well.
fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("a key of any length will do");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WebPush;

    #[test]
    fn the_example_of_rfc_8291_comes_out() {
        let browser = Keys {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        };
        let private_key = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw".to_owned().into();
        let ours = WebPushKey::read(&WebPush { private_key, ..WebPush::default() }).expect("a key").expect("a key");
        let salt = URL_SAFE_NO_PAD.decode("DGv6ra1nlYgDCS1FRnbzlw").expect("base64url").try_into().expect("16 bytes");
        let sealed = seal_with(b"When I grow up, I want to be a watermelon", &browser, &ours, salt).expect("sealed");
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let keys = |p256dh: &str| Keys { p256dh: p256dh.to_owned(), auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned() };
        assert!(seal(b"x", &keys("!")).is_err());
        assert!(seal(b"x", &keys(&URL_SAFE_NO_PAD.encode([4; 65]))).is_err(), "not on the curve");
    }
}
