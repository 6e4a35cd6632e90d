//! The secrets in mails that turn a type off: who, which type, and an HMAC of both.

use aipoten_kit::config::{Secret, required};
use anyhow::ensure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::template::Kind;

const KEY: &str = "notification.unsubscribe_key";
const SHORTEST: usize = 32;
const ID: usize = 16;
const TAG: usize = 32;

/// Makes and reads the secrets.
pub(crate) struct Unsubscriber(Hmac<Sha256>);

impl Unsubscriber {
    pub(crate) fn new(key: &Secret) -> anyhow::Result<Self> {
        let key = required(KEY, key)?;
        ensure!(key.len() >= SHORTEST, "configuration key `{KEY}` needs {SHORTEST} characters at least");
        Ok(Self(Hmac::new_from_slice(key.as_bytes())?))
    }

    pub(crate) fn token(&self, user_id: Uuid, kind: &Kind) -> String {
        let tag = self.mac(user_id, kind.name.as_bytes()).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([user_id.as_bytes().as_slice(), &tag, kind.name.as_bytes()].concat())
    }

    /// `None` for what we did not make.
    pub(crate) fn read(&self, token: &str) -> Option<(Uuid, &'static Kind)> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (tag, kind) = rest.split_first_chunk::<TAG>()?;
        let user_id = Uuid::from_bytes(*id);
        self.mac(user_id, kind).verify_slice(tag).ok()?;
        Some((user_id, Kind::find(str::from_utf8(kind).ok()?)?))
    }

    fn mac(&self, user_id: Uuid, kind: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(user_id.as_bytes());
        mac.update(kind);
        mac
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::template::KINDS;

    fn of(key: &str) -> Unsubscriber {
        Unsubscriber::new(&key.repeat(32).into()).expect("a long key")
    }

    #[test]
    fn a_secret_names_who_and_what_and_a_short_key_is_refused() {
        let user = Uuid::now_v7();
        for kind in &KINDS {
            let token = of("k").token(user, kind);
            let (read, found) = of("k").read(&token).expect("ours");
            assert_eq!((read, found.name), (user, kind.name));
            assert!(of("l").read(&token).is_none(), "another key");
        }
        assert!(Unsubscriber::new(&"short".to_owned().into()).is_err());
    }

    proptest! {
        #[test]
        fn a_changed_secret_is_none(at in 0_usize..60, flip in 1_u8..=255) {
            let token = of("k").token(Uuid::from_u128(7), &KINDS[0]);
            let mut bytes = URL_SAFE_NO_PAD.decode(token).expect("ours");
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert!(of("k").read(&URL_SAFE_NO_PAD.encode(bytes)).is_none());
        }

        #[test]
        fn nonsense_is_none(token in ".*") {
            prop_assert!(of("k").read(&token).is_none());
        }
    }
}
