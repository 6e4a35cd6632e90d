//! Finding therapists.
