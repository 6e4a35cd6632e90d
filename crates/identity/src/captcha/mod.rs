//! Proof of work: a challenge that costs a person's device a moment and a guesser of passwords an hour. It carries all
//! there is to know, signed; only the use of it is stored.

mod grpc;
mod store;

use aipoten_kit::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::service_key::ServiceKey;

const SIGNED: usize = 16 + 8 + 1;
/// A solution longer than this was not counted up to.
const LONGEST_SOLUTION: usize = 40;

/// What is to be solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Challenge {
    id: Uuid,
    expires_at: DateTime<Utc>,
    /// Leading zero bits that the digest must have.
    difficulty: u8,
}

/// A challenge and what is said to solve it.
pub(crate) struct Answer {
    pub(crate) challenge: String,
    pub(crate) solution: String,
}

impl Challenge {
    fn new(difficulty: u8, life: TimeDelta) -> Self {
        Self { id: Uuid::now_v7(), expires_at: Utc::now() + life, difficulty }
    }

    fn sign(&self, key: &ServiceKey) -> String {
        let signed = self.signed();
        let mut mac = key.mac();
        mac.update(&signed);
        URL_SAFE_NO_PAD.encode([signed.as_slice(), &mac.finalize().into_bytes()].concat())
    }

    fn signed(&self) -> Vec<u8> {
        [self.id.as_bytes().as_slice(), &self.expires_at.timestamp().to_be_bytes(), &[self.difficulty]].concat()
    }

    /// `None` unless it was signed with the key.
    fn verify(text: &str, key: &ServiceKey) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, mac) = bytes.split_at_checked(SIGNED)?;
        let mut expected = key.mac();
        expected.update(signed);
        expected.verify_slice(mac).ok()?;
        let (id, rest) = signed.split_first_chunk::<16>()?;
        let (expires_at, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            id: Uuid::from_bytes(*id),
            expires_at: DateTime::from_timestamp(i64::from_be_bytes(*expires_at), 0)?,
            difficulty: *rest.first()?,
        })
    }
}

/// Whether SHA-256 of `challenge.solution` begins with enough zero bits.
fn solves(challenge: &str, solution: &str, difficulty: u8) -> bool {
    let digest = Sha256::new().chain_update(challenge).chain_update(".").chain_update(solution).finalize();
    let mut zeros = 0;
    for byte in digest {
        zeros += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    zeros >= u32::from(difficulty)
}

/// Whether an answer was given, and is as [`redeem`] asks.
pub(crate) async fn is_solved(app: &App, answer: Option<&Answer>) -> Result<bool> {
    match answer {
        Some(answer) => redeem(app, &mut *app.pool.acquire().await?, answer).await,
        None => Ok(false),
    }
}

/// Whether an answer is right, in time and given for the first time. From then on it is used.
async fn redeem(app: &App, conn: &mut PgConnection, answer: &Answer) -> Result<bool> {
    let challenge = Challenge::verify(&answer.challenge, &app.captcha_key).filter(|it| it.expires_at > Utc::now());
    let Some(challenge) = challenge else { return Ok(false) };
    let solved =
        answer.solution.len() <= LONGEST_SOLUTION && solves(&answer.challenge, &answer.solution, challenge.difficulty);
    if !solved {
        return Ok(false);
    }
    store::use_up(conn, challenge.id, challenge.expires_at).await
}

/// Forgets used challenges that have expired.
pub(crate) async fn forget_expired(app: &App) -> Result<()> {
    store::delete_expired(&mut *app.pool.acquire().await?).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_challenge_is_read_as_it_was_signed_and_only_with_its_key() {
        let key = ServiceKey::fixed(7);
        let challenge = Challenge { expires_at: DateTime::UNIX_EPOCH, ..Challenge::new(9, TimeDelta::minutes(5)) };
        let text = challenge.sign(&key);
        assert_eq!(Challenge::verify(&text, &key), Some(challenge));
        assert_eq!(Challenge::verify(&text, &ServiceKey::fixed(8)), None);
        assert_eq!(Challenge::verify("", &key), None);
    }

    #[test]
    fn counting_up_solves_a_challenge_and_an_easier_one_is_solved_with_it() {
        let solution =
            (0..1_u64 << 32).map(|it| it.to_string()).find(|it| solves("c", it, 10)).expect("one in a thousand");
        assert!(solves("c", &solution, 0) && solves("c", &solution, 9));
        assert!(!solves("c", &solution, 64));
    }

    proptest! {
        #[test]
        fn any_change_of_a_challenge_breaks_its_signature(at in 0_usize..57, bit in 0_u8..8) {
            let key = ServiceKey::fixed(7);
            let mut bytes = URL_SAFE_NO_PAD.decode(Challenge::new(9, TimeDelta::minutes(5)).sign(&key)).expect("base64");
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(Challenge::verify(&URL_SAFE_NO_PAD.encode(bytes), &key), None);
        }
    }
}
