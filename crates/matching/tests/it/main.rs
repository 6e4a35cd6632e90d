//! Matching against real servers: its own App and identity's on port 0, a database of its own for every test.

mod booking;
mod calendar;
mod care;
mod document;
mod erasure;
mod feed;
mod invariants;
mod package;
mod payment;
mod planted;
mod planted_package;
mod report;
mod request;
mod review;
mod search;
mod session;
mod therapist;
mod world;
