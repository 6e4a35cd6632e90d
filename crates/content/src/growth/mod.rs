//! Growth measurements of a child.

mod who;
