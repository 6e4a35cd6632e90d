//! Domain events between services: [`publish`] writes an event in the transaction of its effect, the [`Relay`] sends it,
//! [`Consumers`] elsewhere apply it once, and caches hear of it through a [`Listener`]. No order is promised. The only crate that knows the broker (RabbitMQ).

mod config;
mod consume;
mod envelope;
mod event;
mod exchange;
mod failed;
mod failure;
mod handler;
mod health;
mod inbox;
mod invariant;
mod link;
mod listen;
mod outbox;
mod relay;
mod retry;
mod taken;
#[cfg(feature = "test")]
pub mod test;
mod topology;

pub use config::Config;
pub use consume::Consumers;
pub use event::{Aggregate, Context, Delivered, Event};
pub use exchange::exchange;
pub use failed::{FailedEvent, FailedEvents, State};
pub use failure::Failure;
pub use handler::Handler;
pub use health::Health;
pub use invariant::check_invariants;
pub use listen::Listener;
pub use outbox::publish;
pub use relay::{Relay, Wake};
pub use topology::EXCHANGE;

/// The tables outbox, inbox and `failed_events`, which each service has in its own database. Runs before
/// the service's own migrations, and is noted apart from them in `_events_migrations`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/events");
