//! Content against real servers: its own App and identity's on port 0, a database of its own for every test.

mod assessments;
mod bank;
mod categories;
mod erasure;
mod growth;
mod links;
mod planting;
mod report;
mod scoring;
mod sharing;
mod therapist_videos;
mod video_keeping;
mod videos;
mod world;
