//! `aipoten check-invariants`: what must always be true of each service's database, and between them.

use std::collections::{HashMap, HashSet};

use aipoten_billing::Paid;
use aipoten_kit::config::Database;
use aipoten_kit::{Checked, database};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use uuid::Uuid;

use crate::settings::Settings;

/// Prints every invariant; fails where one is broken.
pub(crate) async fn check(settings: &Settings) -> anyhow::Result<()> {
    let identity = &mut *connect("identity.database", &settings.identity.database).await?;
    let content = &mut *connect("content.database", &settings.content.database).await?;
    let matching = &mut *connect("matching.database", &settings.matching.database).await?;
    let billing = &mut *connect("billing.database", &settings.billing.database).await?;
    let notification = &mut *connect("notification.database", &settings.notification.database).await?;
    let events = aipoten_events::check_invariants;
    let checked = [
        ("events of identity", events(identity).await?),
        ("events of content", events(content).await?),
        ("events of matching", events(matching).await?),
        ("events of billing", events(billing).await?),
        ("events of notification", events(notification).await?),
        ("matching", aipoten_matching::check_invariants(matching).await?),
        ("billing", aipoten_billing::check_invariants(billing).await?),
        ("matching and billing", between(matching, billing).await?),
    ];
    for (title, checked) in &checked {
        crate::print(title)?;
        checked.iter().try_for_each(|it| crate::print(&it.to_string()))?;
    }
    let broken: Vec<String> = checked
        .iter()
        .flat_map(|(_, checked)| checked)
        .filter(|it| !it.broken.is_empty())
        .map(Checked::to_string)
        .collect();
    anyhow::ensure!(broken.is_empty(), "{} of what must always be true is broken\n{}", broken.len(), broken.join("\n"));
    Ok(())
}

async fn connect(key: &str, config: &Database) -> anyhow::Result<PoolConnection<Postgres>> {
    Ok(database::connect(key, config).await?.acquire().await?)
}

/// Matching and billing agree on what is paid. Matching is read first: what it has, billing had before.
async fn between(matching: &mut PgConnection, billing: &mut PgConnection) -> anyhow::Result<Vec<Checked>> {
    let packages = aipoten_matching::paid_packages(matching).await?;
    let payments = aipoten_billing::paid(billing).await?;
    Ok(vec![
        Checked { name: "every payment that came runs its package", broken: idle(&payments, &packages) },
        Checked { name: "every package that was paid has its payment", broken: unpaid(&payments, &packages) },
    ])
}

fn idle(payments: &[Paid], packages: &[(Uuid, Uuid)]) -> Vec<String> {
    let running: HashSet<_> = packages.iter().collect();
    let idle = payments.iter().filter(|it| it.must_run && !running.contains(&(it.package_id, it.payment_id)));
    idle.map(|it| format!("payment {} of package {}", it.payment_id, it.package_id)).collect()
}

fn unpaid(payments: &[Paid], packages: &[(Uuid, Uuid)]) -> Vec<String> {
    let paid: HashMap<Uuid, Uuid> = payments.iter().map(|it| (it.payment_id, it.package_id)).collect();
    let unpaid = packages.iter().filter(|(package_id, payment_id)| paid.get(payment_id) != Some(package_id));
    unpaid.map(|(package_id, payment_id)| format!("package {package_id}, payment {payment_id}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_without_its_package_and_a_package_without_its_payment_are_told() {
        let id = Uuid::from_u128;
        let payment = |payment: u128, package: u128, must_run| Paid {
            payment_id: id(payment),
            package_id: id(package),
            must_run,
        };
        let payments = [payment(1, 11, true), payment(2, 12, true), payment(3, 13, false)];
        let packages = [(id(11), id(1)), (id(14), id(4)), (id(15), id(2))];
        assert_eq!(idle(&payments, &packages), [format!("payment {} of package {}", id(2), id(12))]);
        let expected =
            [format!("package {}, payment {}", id(14), id(4)), format!("package {}, payment {}", id(15), id(2))];
        assert_eq!(unpaid(&payments, &packages), expected);
    }
}
