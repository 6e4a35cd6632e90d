//! Matching against real servers: its own App and identity's on port 0, a database of its own for every test.

mod booking;
mod calendar;
mod care;
mod document;
mod feed;
mod package;
mod planted;
mod request;
mod session;
mod search;
mod therapist;
mod world;
