//! Refresh tokens: the session's counter, signed with the session's own key. The same counter is always the same token,
//! so that a successor can be given twice without storing it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use super::Session;

const MAC: usize = 32;

/// What a session signs its refresh tokens with.
pub(super) struct RefreshKey(pub(super) [u8; 32]);

/// A refresh token; parsed ones are not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefreshToken {
    pub(super) session_id: Uuid,
    pub(super) counter: i64,
    mac: [u8; MAC],
}

/// A text that is no refresh token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

impl RefreshToken {
    /// The current token of a session.
    pub(super) fn of(session: &Session, key: &RefreshKey) -> Self {
        Self::sign(session.id, session.refresh_counter, key)
    }

    fn sign(session_id: Uuid, counter: i64, key: &RefreshKey) -> Self {
        Self { session_id, counter, mac: mac(session_id, counter, key).finalize().into_bytes().into() }
    }

    /// Whether it was made with this key, now or before.
    pub(super) fn is_signed_by(&self, key: &RefreshKey) -> bool {
        mac(self.session_id, self.counter, key).verify_slice(&self.mac).is_ok()
    }
}

fn mac(session_id: Uuid, counter: i64, key: &RefreshKey) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.update(session_id.as_bytes());
    mac.update(&counter.to_be_bytes());
    mac
}

impl fmt::Display for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.session_id.as_bytes().as_slice(), &self.counter.to_be_bytes(), &self.mac].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for RefreshToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Invalid)?;
        let (session_id, rest) = bytes.split_first_chunk::<16>().ok_or(Invalid)?;
        let (counter, mac) = rest.split_first_chunk::<8>().ok_or(Invalid)?;
        Ok(Self {
            session_id: Uuid::from_bytes(*session_id),
            counter: i64::from_be_bytes(*counter),
            mac: mac.try_into().map_err(|_| Invalid)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(id: u128, counter: i64, key: [u8; 32]) {
            let token = RefreshToken::sign(Uuid::from_u128(id), counter, &RefreshKey(key));
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }

        #[test]
        fn any_change_of_a_token_breaks_its_signature(id: u128, counter: i64, key: [u8; 32], at in 0_usize..56, bit in 0_u8..8) {
            let key = RefreshKey(key);
            let token = RefreshToken::sign(Uuid::from_u128(id), counter, &key);
            let mut bytes = URL_SAFE_NO_PAD.decode(token.to_string()).expect("base64");
            bytes[at] ^= 1 << bit;
            let forged: RefreshToken = URL_SAFE_NO_PAD.encode(bytes).parse().expect("the same length");
            prop_assert!(!forged.is_signed_by(&key));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            prop_assume!(text.len() != 75);
            prop_assert_eq!(text.parse::<RefreshToken>(), Err(Invalid));
        }
    }
}
