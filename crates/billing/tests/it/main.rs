//! Billing against real servers: its own App, identity's, matching's and the sandbox provider on port 0, databases of its own for
//! every test.

mod bank_account;
mod books;
mod cases;
mod confirm;
mod create;
mod decide;
mod deposit;
mod erasure;
mod expiry;
mod facts;
mod invariants;
mod list;
mod pay_back;
mod payout;
mod planted;
mod provider;
mod receipt;
mod reconcile;
mod refund;
mod sandbox;
mod settlement;
mod settlement_run;
mod statement;
mod sums;
mod unknown;
mod webhook;
mod world;
