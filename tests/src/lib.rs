//! The platform from outside: a client of its REST API, and the care journey that it must always be able to serve.

mod api;
pub mod care;
mod checkup;
pub mod journey;
pub mod live;
pub mod mail;
pub mod money;
pub mod private;

pub use api::{Answer, Api, unique_email};
