//! Therapists' time: when they work, what takes it, what is free.

pub(crate) mod booking;
