//! The platform from outside: the real executable on its own ports, its own databases and its own broker vhost.

mod administration;
mod bench;
mod bounds;
mod broker;
mod calendars;
mod captcha;
mod care;
mod configuration;
mod contract;
mod failed_events;
mod fuzz;
mod invariants;
mod isolation;
mod journey;
mod keys;
mod mail;
mod money_faults;
mod platform;
mod privacy;
mod redis;
mod reports;
mod sessions;
mod storm;
mod webhooks;
