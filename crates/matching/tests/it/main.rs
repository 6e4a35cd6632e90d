//! Matching against real servers: its own App and identity's on port 0, a database of its own for every test.

mod booking;
mod calendar;
mod care;
mod erasure;
mod feed;
mod planted;
mod report;
mod review;
mod world;
