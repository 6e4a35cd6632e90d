//! Notification as others see it: the real servers, a database per test.

mod consumers;
mod daily;
mod delivery;
mod device;
mod erasure;
mod events;
mod list;
mod preference;
mod reminder;
mod world;
