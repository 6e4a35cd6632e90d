//! `make demo`: the care journey against a running platform, told step by step; fails when anything is off.

use std::io::Write as _;

use aipoten_tests::{Api, journey};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let base = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    // A reader who has seen enough is no failure.
    let mut tell = |line: String| drop(writeln!(std::io::stdout(), "{line}"));
    journey::run(&Api::new(&base), &mut tell).await?;
    tell("\neverything is as the rules say".to_owned());
    Ok(())
}
