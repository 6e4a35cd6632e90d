//! This service's section of the settings.

use std::net::SocketAddr;

use aipoten_kit::config::{Database, Encryption, Secret};
use serde::{Deserialize, Serialize};

/// Settings of identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve gRPC on.
    pub listen: SocketAddr,
    /// The database `aipoten_identity`.
    pub database: Database,
    /// Keys for encrypted columns.
    pub encryption: Encryption,
    /// Password hashing and rules.
    pub password: Password,
    /// What guessing of passwords meets.
    pub lockout: Lockout,
    /// How long sessions live, and how many.
    pub session: Session,
    /// Whether an address has to be verified before the first matching request and payment.
    pub require_verified_email: bool,
    /// Services that may speak for themselves, as `name:secret,name:secret`; 32 characters of secret at least. A name may stand
    /// there twice, while its secret is replaced. A secret that begins with `dev` is refused in production.
    pub service_secrets: Secret,
    /// Seconds between asking for erasure and the erasure; signing in meanwhile takes it back. Default: seven days.
    pub erasure_grace_s: u32,
    /// The administrator that `aipoten seed` makes; empty: none.
    pub admin: Admin,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5001)),
            database: Database::default(),
            encryption: Encryption::default(),
            password: Password::default(),
            lockout: Lockout::default(),
            session: Session::default(),
            require_verified_email: true,
            service_secrets: Secret::default(),
            erasure_grace_s: 7 * 24 * 3600,
            admin: Admin::default(),
        }
    }
}

/// Password hashing and rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Password {
    /// Threads that hash; each takes 19 MiB.
    pub threads: usize,
    /// Sign-ins, and hashes of other requests, that may wait; beyond them one is told to come back later.
    pub queue: usize,
    /// Whether a letter, a digit and another sign are asked for.
    pub complexity: bool,
}

impl Default for Password {
    fn default() -> Self {
        Self { threads: 2, queue: 64, complexity: true }
    }
}

/// What guessing of passwords meets, for each address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lockout {
    /// Failures that lock an address.
    pub failures: i32,
    /// Seconds it is locked for; so long after the last failure all are forgotten.
    pub lock_s: u32,
    /// Failures after which a captcha is asked for.
    pub captcha_after: i32,
    /// Work of a captcha: zero bits its digest must begin with; each one more doubles the work.
    pub captcha_bits: u8,
    /// Seconds in which a captcha must be used.
    pub captcha_life_s: u32,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { failures: 5, lock_s: 15 * 60, captcha_after: 3, captcha_bits: 18, captcha_life_s: 5 * 60 }
    }
}

/// How long sessions live, in seconds, and how many a person may have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Life of an access token.
    pub access_s: u32,
    /// A session ends when it is not used for so long.
    pub idle_s: u32,
    /// A parent's session ends at the latest after so long.
    pub absolute_s: u32,
    /// A therapist's or administrator's session ends at the latest after so long: they read the children of others.
    pub staff_absolute_s: u32,
    /// For so long after a rotation the previous refresh token gives the same successor again.
    pub grace_s: u32,
    /// Whether signing in ends the other sessions of the account.
    pub single: bool,
}

impl Default for Session {
    fn default() -> Self {
        let day = 24 * 3600;
        Self {
            access_s: 15 * 60,
            idle_s: 7 * day,
            absolute_s: 30 * day,
            staff_absolute_s: day / 2,
            grace_s: 10,
            single: false,
        }
    }
}

/// The administrator that `aipoten seed` makes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address to sign in with.
    pub email: String,
    /// Password, for development alone: production refuses it.
    pub password: Secret,
}
