//! `make demo`: the care journey against a running platform, told step by step; fails when anything is off.

use std::io::Write as _;

use aipoten_tests::{Api, care, journey};
use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let base = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    let administrator = |name: &str| {
        std::env::var(format!("AIPOTEN__IDENTITY__ADMIN__{name}"))
            .with_context(|| format!("who is the administrator? no {name}"))
    };
    // A reader who has seen enough is no failure.
    let mut tell = |line: String| drop(writeln!(std::io::stdout(), "{line}"));
    let api = Api::new(&base);
    let admin = api.sign_in(&administrator("EMAIL")?, &administrator("PASSWORD")?).await?;
    journey::run(&api, &mut tell).await?;
    tell(format!("\n{}", "-".repeat(78)));
    care::run(&api, &admin, &mut tell).await?;
    tell("\neverything is as the rules say".to_owned());
    Ok(())
}
