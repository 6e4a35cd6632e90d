//! Settling a month. Each therapist is settled in one transaction of its own, under a lock: a run that is killed or runs twice at
//! once leaves whole settlements and none twice, and running it again settles whom it left out.

mod compute;
mod store;
mod tax;

use aipoten_kit::{Caller, Error, Result, Role, User, Won};
use anyhow::anyhow;
use chrono::Utc;
use sqlx::PgConnection;
use uuid::Uuid;

use super::period::Period;
use super::{LineStatus, aggregate};
use crate::acted::acted;
use crate::ledger::{self, Account, Journal, Kind};
use crate::{App, bank_account};
use compute::{Computed, Earning, Input};

/// Therapists in one run: an administrator has its answer in time.
const AT_MOST: usize = 500;

/// What a run did.
pub(super) struct Run {
    pub(super) settlements: i32,
    pub(super) created: i32,
    pub(super) final_amount: Won,
    /// Therapists for the next run.
    pub(super) remaining: usize,
}

pub(super) async fn run(app: &App, caller: &Caller, period: Period) -> Result<Run> {
    let admin = caller.with_role(Role::Admin)?;
    let now = Utc::now();
    if !(period.is_over(now) || app.config.settle_running_month && period.has_begun(now)) {
        return Err(Error::FailedPrecondition("PERIOD_NOT_OVER".into()));
    }
    let due = store::therapists_to_settle(&mut *app.pool.acquire().await?, period).await?;
    let mut created = 0;
    for &therapist_id in due.iter().take(AT_MOST) {
        if settle(app, caller, admin, period, therapist_id).await? {
            created += 1;
            app.relay.wake();
        }
    }
    let (settlements, final_amount) = store::totals(&mut *app.pool.acquire().await?, period).await?;
    Ok(Run { settlements, created, final_amount, remaining: due.len().saturating_sub(AT_MOST) })
}

/// False when there is nothing to settle, or it is settled.
async fn settle(app: &App, caller: &Caller, admin: &User, period: Period, therapist_id: Uuid) -> Result<bool> {
    let mut tx = app.pool.begin().await?;
    store::lock_therapist(&mut tx, therapist_id).await?;
    if store::is_settled(&mut tx, therapist_id, period).await? {
        return Ok(false);
    }
    let input = input(&mut tx, period, therapist_id).await?;
    if input.sessions.is_empty() {
        return Ok(false);
    }
    let (id, computed) = (Uuid::now_v7(), input.compute());
    store::insert(&mut tx, id, &input, &computed).await?;
    store::insert_lines(&mut tx, id, &computed.earnings).await?;
    book(&mut tx, id, &input, &computed).await?;
    acted(&mut tx, caller, admin, aggregate(id, 1), "settlement.computed").await?;
    tx.commit().await?;
    Ok(true)
}

/// Payments and sessions stay as they are until the transaction ends; in the order in which refunds lock them.
async fn input(conn: &mut PgConnection, period: Period, therapist_id: Uuid) -> Result<Input> {
    store::lock_payments(conn, therapist_id, period).await?;
    let sessions = store::lock_unsettled(conn, therapist_id, period).await?;
    let policy = store::policy(conn, period).await?;
    Ok(Input {
        therapist_id,
        period,
        policy: policy.ok_or_else(|| anyhow!("there is no settlement policy for the end of {period}"))?,
        payee: bank_account::payee_kind(conn, therapist_id).await?,
        debt: ledger::balance(conn, Account::TherapistReceivable(therapist_id)).await?,
        sessions,
    })
}

async fn book(conn: &mut PgConnection, id: Uuid, input: &Input, computed: &Computed) -> Result<()> {
    let settled = |it: &&Earning| it.line.settlement_status == LineStatus::Settled;
    let mut journals: Vec<Journal> =
        computed.earnings.iter().filter(settled).map(|earning| settled_journal(input, earning)).collect();
    if computed.carried_debt > Won(0) {
        journals.push(Journal {
            kind: Kind::DebtNetted,
            source: format!("debt_netted:{id}"),
            effective_at: input.period.last_moment(),
            entries: vec![
                (Account::TherapistPayable(input.therapist_id), computed.carried_debt),
                (Account::TherapistReceivable(input.therapist_id), Won(0) - computed.carried_debt),
            ],
        });
    }
    let booked = ledger::post_all(conn, &journals).await?;
    if booked != journals.len() {
        return Err(Error::Internal(anyhow!("of {} bookings of the settlement {id} some were there", journals.len())));
    }
    Ok(())
}

fn settled_journal(input: &Input, Earning { line, package_id, vat }: &Earning) -> Journal {
    Journal {
        kind: Kind::Settled,
        source: format!("settled:{}", line.consultation_id),
        effective_at: input.period.last_moment(),
        entries: vec![
            (Account::CustomerPrepaid(*package_id), line.session_fee),
            (Account::TherapistPayable(input.therapist_id), Won(0) - line.net_amount),
            (Account::PlatformFee, *vat - line.platform_fee),
            (Account::VatPayable, Won(0) - *vat),
        ],
    }
}
