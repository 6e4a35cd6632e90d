//! Where therapists are paid to.

mod grpc;
mod store;

use aipoten_kit::{Caller, Error, Fields, Place, Result, Role};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::provider::BankAccount;

/// How a therapist is taxed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum PayeeKind {
    #[default]
    Freelancer,
    Business,
}

/// What a therapist sets.
struct Payee {
    account: BankAccount,
    kind: PayeeKind,
    business_number: Option<String>,
}

/// A row of `therapist_bank_accounts`.
struct Row {
    account: Vec<u8>,
    payee_kind: PayeeKind,
    business_number: Option<String>,
    updated_at: DateTime<Utc>,
}

async fn get(app: &App, caller: &Caller) -> Result<(Payee, DateTime<Utc>)> {
    let therapist = caller.with_role(Role::Therapist)?;
    let row =
        store::find(&mut *app.pool.acquire().await?, therapist.id).await?.ok_or(Error::NotFound("bank account"))?;
    let account = open(app, place(therapist.id), &row.account)?;
    Ok((Payee { account, kind: row.payee_kind, business_number: row.business_number }, row.updated_at))
}

/// Settlements that are confirmed keep the one they have.
async fn put(app: &App, caller: &Caller, payee: &Payee) -> Result<DateTime<Utc>> {
    let therapist = caller.with_role(Role::Therapist)?;
    therapist.require_fresh_proof()?;
    let account = seal(app, place(therapist.id), &payee.account)?;
    Ok(store::put(&mut *app.pool.acquire().await?, therapist.id, &account, payee).await?)
}

/// Freelancer, as long as a therapist has not said otherwise.
pub(crate) async fn payee_kind(conn: &mut PgConnection, therapist_id: Uuid) -> Result<PayeeKind> {
    Ok(store::payee_kind(conn, therapist_id).await?.unwrap_or_default())
}

/// A copy of the account for another place; `None` without one.
pub(crate) async fn copy(conn: &mut PgConnection, app: &App, therapist_id: Uuid, to: Place) -> Result<Option<Vec<u8>>> {
    let Some(row) = store::find(conn, therapist_id).await? else { return Ok(None) };
    let account = open(app, place(therapist_id), &row.account)?;
    seal(app, to, &account).map(Some)
}

/// For the deletion of somebody's account in the platform: the bank account goes once nothing is open, see [`forget_closed`].
/// Nothing happens where there is none.
pub(crate) async fn erase(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    store::close(conn, user_id).await
}

/// Removes the bank accounts of therapists who are gone and have been paid, and their copies in settlements; a job.
pub(crate) async fn forget_closed(app: &App) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let forgotten = store::delete_closed(&mut tx).await?;
    if !forgotten.is_empty() {
        store::forget_copies(&mut tx, &forgotten).await?;
    }
    Ok(tx.commit().await?)
}

pub(crate) fn seal(app: &App, place: Place, account: &BankAccount) -> Result<Vec<u8>> {
    let json = serde_json::to_string(account).context("a bank account as JSON")?;
    Ok(app.cipher.seal(place, &json)?)
}

pub(crate) fn open(app: &App, place: Place, sealed: &[u8]) -> Result<BankAccount> {
    let json = app.cipher.open(place, sealed)?;
    // The error of the parser could repeat the number.
    serde_json::from_str(&json)
        .map_err(|_| Error::Internal(anyhow::anyhow!("an encrypted bank account is no JSON of one")))
}

/// Reads an account as a person enters it.
pub(crate) fn parse(fields: &mut Fields, bank_code: &str, account_number: &str, account_holder: &str) -> BankAccount {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    fields.check(bank_code.len() == 3 && digits(bank_code), "bank_code", "not_a_bank_code");
    let number = (6..=20).contains(&account_number.len()) && digits(account_number);
    fields.check(number, "account_number", "not_an_account_number");
    BankAccount {
        bank_code: bank_code.to_owned(),
        account_number: account_number.to_owned(),
        account_holder: fields.line("account_holder", account_holder, 60),
    }
}

/// The last four digits of the number.
pub(crate) fn masked(account: &BankAccount) -> String {
    let number = &account.account_number;
    format!("****{}", &number[number.len().saturating_sub(4)..])
}

impl PayeeKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Freelancer => "freelancer",
            Self::Business => "business",
        }
    }
}

fn place(therapist_id: Uuid) -> Place {
    Place { table: "therapist_bank_accounts", column: "account", row: therapist_id }
}
