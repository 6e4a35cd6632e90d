//! What therapists are paid, month by month.

mod grpc;
mod pay;
mod payout;
mod period;
mod run;
mod spreadsheet;
mod statement;
pub(crate) mod store;

use aipoten_events::{Aggregate, Event, publish};
use aipoten_kit::{Caller, Error, Page, Place, Result, Role, User, Won};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::acted::acted;
use crate::bank_account::{self, PayeeKind};
use crate::provider::BankAccount;

/// Where a settlement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    Confirmed,
    Paid,
}

/// Why a session is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum LineKind {
    Session,
    NoShow,
    LateCancel,
}

/// Whether a session is in the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum LineStatus {
    Settled,
    PendingReport,
}

/// A row of `settlements`.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    pub(crate) id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) settlement_period_start: NaiveDate,
    pub(crate) settlement_period_end: NaiveDate,
    pub(crate) total_sessions: i32,
    pub(crate) settled_sessions: i32,
    pub(crate) pending_sessions: i32,
    pub(crate) total_session_fee: Won,
    pub(crate) total_platform_fee: Won,
    pub(crate) settlement_amount: Won,
    pub(crate) carried_debt: Won,
    pub(crate) income_tax: Won,
    pub(crate) local_tax: Won,
    pub(crate) final_amount: Won,
    pub(crate) payee_kind: PayeeKind,
    /// Encrypted.
    pub(crate) bank_account: Option<Vec<u8>>,
    pub(crate) status: Status,
    pub(crate) input_hash: Vec<u8>,
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    pub(crate) paid_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// A row of `settlement_details`: one session.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) consultation_id: Uuid,
    pub(crate) session_number: i16,
    pub(crate) kind: LineKind,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) session_fee: Won,
    pub(crate) platform_fee: Won,
    pub(crate) net_amount: Won,
    pub(crate) report_submitted_at: Option<DateTime<Utc>>,
    pub(crate) settlement_status: LineStatus,
}

/// A settlement as it is shown.
struct Shown {
    settlement: Settlement,
    account: Option<BankAccount>,
    lines: Vec<Line>,
}

/// Which settlements are looked for.
#[derive(Debug, Default)]
struct Filter {
    period: Option<NaiveDate>,
    status: Option<Status>,
    therapist_id: Option<Uuid>,
}

async fn list(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Shown>, i64)> {
    let therapist = caller.with_role(Role::Therapist)?;
    page_of(app, &Filter { therapist_id: Some(therapist.id), ..Filter::default() }, page).await
}

async fn search(app: &App, caller: &Caller, filter: &Filter, page: Page) -> Result<(Vec<Shown>, i64)> {
    caller.with_role(Role::Admin)?;
    page_of(app, filter, page).await
}

async fn page_of(app: &App, filter: &Filter, page: Page) -> Result<(Vec<Shown>, i64)> {
    let mut conn = app.pool.acquire().await?;
    let settlements = store::page(&mut conn, filter, page).await?;
    let total = store::count(&mut conn, filter).await?;
    let shown: Result<_> = settlements.into_iter().map(|settlement| Shown::new(app, settlement, Vec::new())).collect();
    Ok((shown?, total))
}

/// A therapist's own, or anybody's for an administrator.
async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let user = caller.user()?;
    let owner = match user.role {
        Role::Therapist => Some(user.id),
        Role::Admin => None,
        Role::Parent => return Err(Error::permission_denied()),
    };
    let mut conn = app.pool.acquire().await?;
    let settlement = store::find(&mut conn, id, owner).await?.ok_or_else(not_found)?;
    show(&mut conn, app, settlement).await
}

async fn show(conn: &mut PgConnection, app: &App, settlement: Settlement) -> Result<Shown> {
    let lines = store::lines(conn, settlement.id).await?;
    Shown::new(app, settlement, lines)
}

/// Tells of a change of a settlement, and writes for the audit log who made it; in the transaction of the change.
async fn announce<E: Event>(
    conn: &mut PgConnection,
    caller: &Caller,
    admin: &User,
    settlement: &Settlement,
    action: &'static str,
    event: &E,
) -> Result<()> {
    publish(conn, settlement.aggregate(), event, &caller.into()).await?;
    acted(conn, caller, admin, settlement.aggregate(), action).await
}

fn not_found() -> Error {
    Error::NotFound("settlement")
}

fn place(id: Uuid) -> Place {
    Place { table: "settlements", column: "bank_account", row: id }
}

fn aggregate(id: Uuid, version: i64) -> Aggregate {
    Aggregate { kind: "settlement", id, seq: version }
}

impl Settlement {
    fn aggregate(&self) -> Aggregate {
        aggregate(self.id, self.version)
    }

    /// The hash of its input, in hexadecimal.
    fn hash(&self) -> String {
        self.input_hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// What is owed for its sessions after earlier debts, before taxes.
    fn owed(&self) -> Won {
        self.settlement_amount - self.carried_debt
    }

    /// Fails with `INVALID_STATE` unless it stands there.
    fn require(&self, status: Status) -> Result<()> {
        if self.status == status { Ok(()) } else { Err(Error::invalid_state(self.status.as_str())) }
    }
}

impl Shown {
    fn new(app: &App, settlement: Settlement, lines: Vec<Line>) -> Result<Self> {
        let sealed = settlement.bank_account.as_deref();
        let account = sealed.map(|sealed| bank_account::open(app, place(settlement.id), sealed)).transpose()?;
        Ok(Self { settlement, account, lines })
    }

    /// Bank and last digits of the account.
    fn masked_account(&self) -> Option<String> {
        self.account.as_ref().map(|account| format!("{} {}", account.bank_code, bank_account::masked(account)))
    }
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
        }
    }
}

impl LineKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::NoShow => "no_show",
            Self::LateCancel => "late_cancel",
        }
    }
}

impl LineStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::PendingReport => "pending_report",
        }
    }
}
