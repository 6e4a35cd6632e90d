//! The content service: development checks, growth, play videos.

mod age;
mod area;
mod assessment;
mod growth;
mod video;
