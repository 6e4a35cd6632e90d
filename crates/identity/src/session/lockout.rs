//! Lockout of guessed passwords and of mails asked for, for each address whether it has an account or not. A try is counted before its password
//! is looked at, so that many at once get no more tries than one after the other.

use std::time::Duration;

use aipoten_kit::{Error, Result};
use hmac::Mac as _;
use unicode_normalization::UnicodeNormalization as _;

use super::store;
use crate::App;

/// A try that was counted.
pub(super) struct Reserved {
    address_hash: [u8; 32],
    /// Whether its failure locks the address.
    pub(super) last: bool,
}

/// What is tried for an address. Each kind is counted apart.
#[derive(Debug, Clone, Copy)]
enum Try {
    SignIn,
    /// To have mail sent there.
    Mail,
}

/// Counts an attempt to sign in, unless the address is locked or its tries need a captcha and none was `solved`.
pub(super) async fn reserve(app: &App, email: &str, solved: bool) -> Result<Reserved> {
    let address_hash = hash(app, Try::SignIn, email);
    let failures = count(app, &address_hash, solved, "ACCOUNT_LOCKED").await?;
    Ok(Reserved { address_hash, last: failures >= app.config.lockout.failures })
}

/// Counts a mail that somebody wants sent to an address, whoever reads there. As with failures, some more need a captcha, and then
/// none is sent for a while.
pub(crate) async fn reserve_mail(app: &App, email: &str, solved: bool) -> Result<()> {
    count(app, &hash(app, Try::Mail, email), solved, "RATE_LIMITED").await?;
    Ok(())
}

async fn count(app: &App, address_hash: &[u8], solved: bool, locked: &'static str) -> Result<i32> {
    let limits = &app.config.lockout;
    let mut conn = app.pool.acquire().await?;
    if let Some(tries) = store::reserve_attempt(&mut conn, address_hash, solved, limits).await? {
        return Ok(tries);
    }
    match store::locked_for(&mut conn, address_hash, limits).await? {
        Some(left) => {
            let left = Duration::from_secs(left.clamp(1, i64::from(limits.lock_s)).unsigned_abs());
            Err(Error::ResourceExhausted(locked.into(), left))
        }
        None => Err(Error::Unauthenticated("CAPTCHA_REQUIRED".into())),
    }
}

/// Takes back a try whose password was never looked at.
pub(super) async fn release(app: &App, reserved: &Reserved) -> Result<()> {
    store::release_attempt(&mut *app.pool.acquire().await?, &reserved.address_hash).await
}

/// Forgets the failures of an address: its password was shown.
pub(super) async fn clear(conn: &mut sqlx::PgConnection, reserved: &Reserved) -> Result<()> {
    store::clear_attempts(conn, &reserved.address_hash).await
}

/// The same for an address that has another password by now.
pub(crate) async fn forget_failures(app: &App, conn: &mut sqlx::PgConnection, email: &str) -> Result<()> {
    store::clear_attempts(conn, &hash(app, Try::SignIn, email)).await
}

fn hash(app: &App, kind: Try, email: &str) -> [u8; 32] {
    let mut mac = app.address_key.mac();
    match kind {
        Try::SignIn => {}
        // No address begins so.
        Try::Mail => mac.update(b"mail\0"),
    }
    mac.update(normalised(email).as_bytes());
    mac.finalize().into_bytes().into()
}

/// As the database compares addresses: without regard to case.
fn normalised(email: &str) -> String {
    email.trim().nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn an_address_is_the_same_however_it_is_typed() {
        for typed in ["Mina@Example.com", " mina@example.COM "] {
            assert_eq!(normalised(typed), "mina@example.com");
        }
        assert_eq!(normalised("미나@example.com"), normalised("\u{1106}\u{1175}\u{1102}\u{1161}@example.com"));
    }
}
