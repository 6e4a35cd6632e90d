//! Development checks of a child.

mod feedback;
mod follow_up;
mod scoring;
