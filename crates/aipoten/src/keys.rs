//! `aipoten check-keys`: whether the configured keys open what is encrypted.

use aipoten_kit::config::{Database, Encryption};
use aipoten_kit::{Cipher, Opened, Sealed, database};
use anyhow::Context as _;

use crate::settings::Settings;

/// Opens one value of each encrypted column for each key it was sealed with, and prints which; fails where one does not open.
pub(crate) async fn check(settings: &Settings) -> anyhow::Result<()> {
    let Settings { identity, matching, billing, notification, .. } = settings;
    let services = [
        ("identity", &identity.database, &identity.encryption, aipoten_identity::SEALED),
        ("matching", &matching.database, &matching.encryption, aipoten_matching::SEALED),
        ("billing", &billing.database, &billing.encryption, aipoten_billing::SEALED),
        ("notification", &notification.database, &notification.encryption, aipoten_notification::SEALED),
    ];
    let mut closed = 0;
    for (service, database, encryption, sealed) in services {
        crate::print(service)?;
        for opened in open(service, database, encryption, sealed).await? {
            closed += usize::from(!opened.closed.is_empty());
            crate::print(&opened.to_string())?;
        }
    }
    anyhow::ensure!(closed == 0, "{closed} encrypted columns hold what the configured keys do not open");
    Ok(())
}

async fn open(
    service: &str,
    database: &Database,
    encryption: &Encryption,
    sealed: &[Sealed],
) -> anyhow::Result<Vec<Opened>> {
    let cipher = Cipher::new(encryption).with_context(|| format!("configuration key `{service}.encryption`"))?;
    let mut conn = database::connect(&format!("{service}.database"), database).await?.acquire().await?;
    let mut opened = Vec::new();
    for columns in sealed {
        opened.extend(columns.open_one_each(&mut conn, &cipher).await?);
    }
    Ok(opened)
}
