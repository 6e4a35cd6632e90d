//! The file that the bank makes transfers from.

use aipoten_kit::{Caller, Result, Role};
use anyhow::Context as _;

use super::period::Period;
use super::spreadsheet;
use super::{aggregate, place, store};
use crate::acted::acted;
use crate::{App, bank_account};

/// Whole account numbers: the audit log tells of each settlement in it.
pub(super) async fn file(app: &App, caller: &Caller, period: Period) -> Result<Vec<u8>> {
    let admin = caller.with_role(Role::Admin)?;
    admin.require_fresh_proof()?;
    let mut tx = app.pool.begin().await?;
    let mut rows = vec![header(caller)];
    for transfer in store::to_transfer(&mut tx, period).await? {
        let sealed = transfer.bank_account.as_deref().context("a confirmed settlement has an account")?;
        let account = bank_account::open(app, place(transfer.id), sealed)?;
        acted(&mut tx, caller, admin, aggregate(transfer.id, transfer.version), "settlement.exported").await?;
        rows.push(vec![
            account.bank_code,
            account.account_number,
            account.account_holder,
            transfer.final_amount.0.to_string(),
            transfer.id.to_string(),
        ]);
    }
    let file = spreadsheet::write(rows)?;
    tx.commit().await?;
    app.relay.wake();
    Ok(file)
}

fn header(caller: &Caller) -> Vec<String> {
    let korean = ["은행 코드", "계좌번호", "예금주", "이체 금액", "정산 ID"];
    let english = ["Bank code", "Account number", "Holder", "Amount (KRW)", "Settlement ID"];
    caller.locale.pick(korean, english).map(str::to_owned).into()
}
