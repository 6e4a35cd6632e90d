//! Events against a real database and a real broker.

mod administration;
mod consumers;
mod failures;
mod faults;
mod invariants;
mod listening;
mod publishing;
mod road;
mod world;
