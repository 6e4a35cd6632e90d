//! Billing against real servers: its own App and identity's on port 0, a database of its own for every test.

mod bank_account;
mod books;
mod payout;
mod settlement;
mod settlement_run;
mod statement;
