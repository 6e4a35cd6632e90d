//! Billing against real servers: a database of its own for every test.

mod facts;
mod invariants;
mod planted;
mod sums;
