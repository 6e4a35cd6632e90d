//! Therapists' time: when they work, what takes it, what is free.

pub(crate) mod booking;
mod free;
mod slot;
mod store;

pub(crate) use free::{alternatives, free_slots, is_free};
pub(crate) use slot::Slot;
