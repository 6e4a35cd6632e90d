//! The adapters against the sandbox, which speaks their dialects over real HTTP.

mod toss;
mod world;
