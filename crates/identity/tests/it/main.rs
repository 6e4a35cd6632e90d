//! Identity against a real database, a real Redis and a real broker, over gRPC.

mod access;
mod account;
mod administration;
mod alert;
mod audit;
mod care;
mod child;
mod child_change;
mod child_privacy;
mod consent;
mod email;
mod erasure;
mod issuing;
mod key;
mod lockout;
mod outage;
mod password;
mod recipient;
mod refresh;
mod registration;
mod reset;
mod service_token;
mod session;
mod sign_in;
mod token;
mod world;
