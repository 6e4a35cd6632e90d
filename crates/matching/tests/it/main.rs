//! Matching against real servers: its own App and identity's on port 0, a database of its own for every test.

mod booking;
mod calendar;
mod document;
mod feed;
mod planted;
mod search;
mod therapist;
mod world;
