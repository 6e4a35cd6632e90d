//! Commands on the services' databases.

use std::str::FromStr as _;

use aipoten_identity::Withdraw;
use aipoten_kit::config::{Database, required};
use anyhow::Context as _;
use chrono::Utc;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use crate::settings::Settings;

/// Applies the migrations that are missing, as the owning role.
pub(crate) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    migrate_service("identity", &settings.identity.database, &aipoten_identity::MIGRATOR).await?;
    migrate_service("content", &settings.content.database, &aipoten_content::MIGRATOR).await?;
    migrate_service("matching", &settings.matching.database, &aipoten_matching::MIGRATOR).await?;
    migrate_service("billing", &settings.billing.database, &aipoten_billing::MIGRATOR).await?;
    migrate_service("notification", &settings.notification.database, &aipoten_notification::MIGRATOR).await
}

async fn migrate_service(service: &str, database: &Database, migrator: &Migrator) -> anyhow::Result<()> {
    let key = format!("{service}.database.owner_url");
    let options = PgConnectOptions::from_str(required(&key, &database.owner_url)?)
        .with_context(|| format!("configuration key `{key}` is no PostgreSQL address"))?;
    let mut connection: PgConnection =
        options.connect().await.with_context(|| format!("the database of `{key}` cannot be reached"))?;
    for migrator in [&aipoten_events::MIGRATOR, migrator] {
        migrator.run(&mut connection).await.with_context(|| format!("{service} cannot be migrated"))?;
    }
    tracing::info!(service, "migrated");
    Ok(())
}

/// Loads what the platform ships.
pub(crate) async fn seed(settings: &Settings) -> anyhow::Result<()> {
    let identity = aipoten_kit::database::connect("identity.database", &settings.identity.database).await?;
    aipoten_identity::seed_administrator(&identity, &settings.identity).await?;
    let content = aipoten_kit::database::connect("content.database", &settings.content.database).await?;
    aipoten_content::seed(&content).await?;
    let matching = aipoten_kit::database::connect("matching.database", &settings.matching.database).await?;
    aipoten_matching::seed(&matching).await?;
    tracing::info!("seeded");
    Ok(())
}

/// `aipoten rotate-keys`.
pub(crate) async fn rotate_keys(settings: &Settings, withdraw: bool) -> anyhow::Result<()> {
    let identity = aipoten_kit::database::connect("identity.database", &settings.identity.database).await?;
    aipoten_kit::database::check_migrated(&identity, &aipoten_identity::MIGRATOR).await?;
    let withdraw = if withdraw { Withdraw::All } else { Withdraw::Nothing };
    let key_id = aipoten_identity::rotate_keys(&identity, &settings.identity, withdraw).await?;
    crate::print(&format!("access tokens are signed with the key {key_id}"))
}

/// `aipoten check-audit`.
pub(crate) async fn check_audit(settings: &Settings) -> anyhow::Result<()> {
    let identity = aipoten_kit::database::connect("identity.database", &settings.identity.database).await?;
    let checked = aipoten_identity::check_audit(&identity, &settings.identity, Utc::now().date_naive()).await?;
    for fault in &checked.faults {
        crate::print(&fault.to_string())?;
    }
    anyhow::ensure!(checked.faults.is_empty(), "the audit log is not as it was written");
    crate::print(&format!("{} records are as they were written", checked.good))
}

/// `aipoten check-links`.
pub(crate) async fn check_links(settings: &Settings) -> anyhow::Result<()> {
    let content = aipoten_kit::database::connect("content.database", &settings.content.database).await?;
    let Some(checked) = aipoten_content::check_links(&content, &settings.content.link_check).await? else {
        return crate::print("somebody else is checking the links");
    };
    let aipoten_content::CheckedLinks { there, gone, unknown, changed } = checked;
    crate::print(&format!(
        "{there} videos are there, {gone} are not, {unknown} did not tell; {changed} are shown otherwise"
    ))
}

/// `aipoten ledger`.
pub(crate) async fn print_ledger(settings: &Settings) -> anyhow::Result<()> {
    let billing = aipoten_kit::database::connect("billing.database", &settings.billing.database).await?;
    let balances = aipoten_billing::trial_balance(&mut *billing.acquire().await?).await?;
    for account in &balances {
        crate::print(&format!("{:<22}{:>8}{:>16}", account.kind, account.accounts, account.balance.0))?;
    }
    let sum: i64 = balances.iter().map(|account| account.balance.0).sum();
    crate::print(&format!("{:<30}{sum:>16}", "sum"))
}
