//! Play videos.

mod embed;
mod recommend;
