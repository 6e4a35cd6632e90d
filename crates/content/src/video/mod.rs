//! Play videos.
