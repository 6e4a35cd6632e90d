//! Agreeing to a settlement, and noting that it was transferred.

use aipoten_kit::{Caller, Error, Result, Role, Won};
use aipoten_proto::billing::v1::{SettlementConfirmed, SettlementPaid};
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Settlement, Shown, Status, announce, not_found, place, show, store};
use crate::ledger::{self, Account, Journal, Kind};
use crate::{App, bank_account};

pub(super) async fn confirm(app: &App, caller: &Caller, id: Uuid, expected: Option<i64>) -> Result<Shown> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let before = lock(&mut tx, id, expected, Status::Pending).await?;
    let account = match before.final_amount {
        Won(0) => None,
        _ => Some(account(&mut tx, app, &before).await?),
    };
    store::confirm(&mut tx, id, account.as_deref()).await?;
    let settlement = find(&mut tx, id).await?;
    let event =
        SettlementConfirmed { settlement_id: id.to_string(), therapist_id: settlement.therapist_id.to_string() };
    announce(&mut tx, caller, admin, &settlement, "settlement.confirmed", &event).await?;
    let shown = show(&mut tx, app, settlement).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

pub(super) async fn mark_paid(app: &App, caller: &Caller, id: Uuid, expected: Option<i64>) -> Result<Shown> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    lock(&mut tx, id, expected, Status::Confirmed).await?;
    store::mark_paid(&mut tx, id).await?;
    let settlement = find(&mut tx, id).await?;
    book(&mut tx, &settlement).await?;
    let event = SettlementPaid { settlement_id: id.to_string(), therapist_id: settlement.therapist_id.to_string() };
    announce(&mut tx, caller, admin, &settlement, "settlement.paid", &event).await?;
    let shown = show(&mut tx, app, settlement).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

async fn lock(conn: &mut PgConnection, id: Uuid, expected: Option<i64>, status: Status) -> Result<Settlement> {
    store::lock(conn, id).await?;
    let settlement = find(conn, id).await?;
    Error::unless_version(expected, settlement.version)?;
    settlement.require(status)?;
    Ok(settlement)
}

async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Settlement> {
    store::find(conn, id, None).await?.ok_or_else(not_found)
}

async fn account(conn: &mut PgConnection, app: &App, settlement: &Settlement) -> Result<Vec<u8>> {
    let account = bank_account::copy(conn, app, settlement.therapist_id, place(settlement.id)).await?;
    account.ok_or_else(|| Error::FailedPrecondition("NO_BANK_ACCOUNT".into()))
}

async fn book(conn: &mut PgConnection, settlement: &Settlement) -> Result<()> {
    let Some(paid_at) = settlement.paid_at.filter(|_| settlement.owed() > Won(0)) else { return Ok(()) };
    let journal = Journal {
        kind: Kind::Payout,
        source: format!("payout:{}", settlement.id),
        effective_at: paid_at,
        entries: vec![
            (Account::TherapistPayable(settlement.therapist_id), settlement.owed()),
            (Account::IncomeTaxWithheld, Won(0) - settlement.income_tax),
            (Account::LocalTaxWithheld, Won(0) - settlement.local_tax),
            (Account::Bank, Won(0) - settlement.final_amount),
        ],
    };
    if ledger::post(conn, &journal).await? {
        return Ok(());
    }
    Err(Error::Internal(anyhow!("the payout of the settlement {} was booked before", settlement.id)))
}
