//! What every service stands on: configuration, errors, callers, fields of requests, the database, serving and
//! stopping. It knows no noun of the domain.

pub mod address;
mod auth;
mod caller;
mod certificates;
mod cipher;
pub mod config;
pub mod database;
mod error;
mod field;
mod invariant;
mod lease;
mod line;
mod mask;
pub mod metadata;
mod once;
mod page;
mod policy;
mod process;
mod revocation;
mod sealed;
mod service_tokens;
pub mod telemetry;
#[cfg(feature = "test")]
pub mod test;
pub mod token;
mod won;

pub use auth::{Authenticate, AuthenticateLayer};
pub use caller::{Caller, Locale, Role, Service, User};
pub use certificates::certificates;
pub use cipher::{Cipher, Place};
pub use error::{Error, Reason, Result, Violation};
pub use field::Fields;
pub use invariant::Checked;
pub use lease::Lease;
pub use line::Line;
pub use mask::Mask;
pub use once::{Once, forget_keys};
pub use page::Page;
pub use process::{GrpcServer, Process};
pub use revocation::Revocations;
pub use sealed::{Opened, Sealed};
pub use service_tokens::ServiceTokens;
pub use won::{BasisPoints, Won};
