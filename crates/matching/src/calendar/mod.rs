//! Therapists' time: when they work, what takes it, what is free.

mod blocked_date;
pub(crate) mod booking;
mod feed;
mod free;
mod grpc;
mod hours;
mod ics;
mod slot;
mod store;

pub(crate) use feed::end_feed;
pub(crate) use free::{alternatives, is_free};
