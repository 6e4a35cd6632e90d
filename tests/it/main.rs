//! The platform from outside: the real executable on its own ports, its own databases and its own broker vhost.

mod broker;
mod configuration;
mod contract;
mod failed_events;
mod fuzz;
mod isolation;
mod journey;
mod platform;
mod reports;
mod sessions;
