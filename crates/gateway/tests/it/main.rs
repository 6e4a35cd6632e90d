//! The real gateway in front of the real identity.

mod access;
mod cache;
mod cookies;
mod edge;
mod journey;
mod limits;
mod openapi;
mod platform;
mod refusals;
mod report;
mod staleness;
mod therapists;
mod tokens;
mod webhooks;
