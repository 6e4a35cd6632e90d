//! The real gateway in front of the real identity.

mod cache;
mod cookies;
mod edge;
mod journey;
mod limits;
mod openapi;
mod platform;
mod refusals;
mod staleness;
mod therapists;
