//! The adapters against the sandbox, which speaks their dialects over real HTTP.

mod charges;
mod checkout;
mod deposits;
mod lists;
mod refunds;
mod settings;
mod trouble;
mod webhooks;
mod world;
