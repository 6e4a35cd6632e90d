//! Notification as others see it: the real servers, a database per test.

mod consumers;
mod daily;
mod delivery;
mod device;
mod erasure;
mod events;
mod list;
mod mail;
mod preference;
mod push;
mod reminder;
mod sms;
mod smtp;
mod world;
