//! The real gateway in front of the real identity.

mod edge;
mod journey;
mod limits;
mod openapi;
mod platform;
mod refusals;
