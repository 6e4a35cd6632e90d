//! Billing whose books are filled behind its back: sessions of paid orders, as payments and matching's events leave them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use aipoten_events::Event;
use aipoten_identity::test::Identity;
pub(crate) use aipoten_identity::test::Person;
use aipoten_kit::config::Tokens;
use aipoten_kit::test::{NO_BROKER, TestDatabase, encryption, line, listener};
pub(crate) use aipoten_kit::test::{eventually, parameter, reason, violations};
use aipoten_kit::{Line, Process};
use aipoten_proto::billing::v1::bank_account_service_client::BankAccountServiceClient;
use aipoten_proto::billing::v1::settlement_service_client::SettlementServiceClient;
use aipoten_proto::billing::v1::{
    ListSettlementsResponse, PutBankAccountRequest, RunSettlementsRequest, RunSettlementsResponse,
    SearchSettlementsRequest, Settlement,
};
use aipoten_proto::identity::v1::Role;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

/// Identity and billing at work.
pub(crate) struct Books {
    pub(crate) billing_database: TestDatabase,
    pub(crate) identity: Identity,
    billing: Line,
    ids: AtomicUsize,
    _process: Process,
}

/// A session of a paid order; what is not said is as of one that was held and reported the next day.
#[derive(Debug, Clone)]
pub(crate) struct Held<'a> {
    pub(crate) outcome: &'a str,
    /// Time of day in Korea, such as `2026-02-03 10:00`.
    pub(crate) at: &'a str,
    pub(crate) reported: Option<&'a str>,
    pub(crate) fee: i64,
    pub(crate) refunded: i64,
    pub(crate) penalty: i64,
    pub(crate) disputed: bool,
    pub(crate) decided: bool,
}

impl Default for Held<'_> {
    fn default() -> Self {
        Self {
            outcome: "completed",
            at: "2026-02-03 10:00",
            reported: Some("2026-02-04 09:00"),
            fee: 80_000,
            refunded: 0,
            penalty: 0,
            disputed: false,
            decided: false,
        }
    }
}

impl Books {
    pub(crate) async fn open() -> Self {
        let billing_database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_billing::MIGRATOR]).await;
        let process = Process::new();
        let broker = aipoten_events::Config { url: NO_BROKER.to_owned().into(), ..aipoten_events::Config::default() };
        let identity = Identity::start(&broker, &process).await;

        let config = aipoten_billing::Config {
            identity_url: identity.url().to_owned(),
            database: billing_database.config(),
            encryption: encryption(),
            ..aipoten_billing::Config::default()
        };
        let common = aipoten_billing::Common { broker, tokens: Tokens::default() };
        let app = aipoten_billing::build(&config, &common, &process).await.expect("billing starts");
        let address = aipoten_billing::serve(&app, true, listener().await, &process).expect("billing serves");
        Self {
            identity,
            billing: line(&format!("http://{address}")),
            billing_database,
            ids: AtomicUsize::new(1),
            _process: process,
        }
    }

    /// Billing's database, behind its back.
    pub(crate) fn database(&self) -> &PgPool {
        &self.billing_database.pool
    }

    pub(crate) fn settlements(&self) -> SettlementServiceClient<Line> {
        SettlementServiceClient::new(self.billing.clone())
    }

    pub(crate) fn bank_accounts(&self) -> BankAccountServiceClient<Line> {
        BankAccountServiceClient::new(self.billing.clone())
    }

    pub(crate) async fn admin(&self) -> Person {
        self.identity.admin().await
    }

    pub(crate) async fn therapist(&self) -> Person {
        self.identity.verified(Role::Therapist).await
    }

    /// Ids that are the same in every world that is filled in the same way.
    fn next_id(&self) -> Uuid {
        Uuid::from_u128(self.ids.fetch_add(1, Ordering::Relaxed) as u128)
    }

    /// An order of one session that was paid, and what became of it; its id. The platform takes 15 percent.
    pub(crate) async fn held(&self, therapist_id: Uuid, held: Held<'_>) -> Uuid {
        let (package_id, session_id, payment_id) = (self.next_id(), self.next_id(), self.next_id());
        let given_back = held.refunded + held.penalty;
        let status = match held.refunded {
            0 => "completed",
            all if all == held.fee => "refunded",
            _ => "partially_refunded",
        };
        let mut tx = self.database().begin().await.expect("a transaction");
        sqlx::query(
            "INSERT INTO orders (package_id, parent_user_id, therapist_id, total_sessions, original_amount, total_amount, platform_fee_bp)
             VALUES ($1, $1, $2, 1, $3, $3, 1500)",
        )
        .bind(package_id).bind(therapist_id).bind(held.fee)
        .execute(&mut *tx).await.expect("an order");
        sqlx::query(
            "INSERT INTO payments (id, package_id, user_id, therapist_id, payment_type, total_sessions, original_amount,
                 discount_amount, total_amount, refunded_amount, payment_status, provider, order_id, transaction_id, expires_at, paid_at)
             VALUES ($1, $2, $2, $3, 'single_session', 1, $4, 0, $4, $5, $6, 'sandbox', $1::text, $1::text, now(), now())",
        )
        .bind(payment_id).bind(package_id).bind(therapist_id).bind(held.fee).bind(held.refunded).bind(status)
        .execute(&mut *tx).await.expect("a payment");
        sqlx::query(
            "INSERT INTO sessions (consultation_id, package_id, therapist_id, session_number, session_fee, platform_fee, outcome,
                 occurred_at, report_submitted_at, disputed_at, dispute_decided_at, refunded_amount, cancellation_fee)
             VALUES ($1, $2, $3, 1, $4, $4 * 15 / 100, $5, $6, $7, CASE WHEN $8 THEN now() END, CASE WHEN $9 THEN now() END, $10, $11)",
        )
        .bind(session_id).bind(package_id).bind(therapist_id).bind(held.fee).bind(held.outcome).bind(korean(held.at))
        .bind(held.reported.filter(|_| held.outcome == "completed").map(korean))
        .bind(held.disputed).bind(held.decided).bind(held.refunded).bind(held.penalty)
        .execute(&mut *tx).await.expect("a session");
        tx.commit().await.expect("committed");
        let (prepaid, package) = ("customer_prepaid", package_id.to_string());
        self.book("paid", &[("provider_receivable", "sandbox", held.fee), (prepaid, &package, -held.fee)]).await;
        let gone = [("refund_clearing", "", -held.refunded), ("cancellation_fee", "", -held.penalty)];
        self.book("refund_decided", &[&[(prepaid, package.as_str(), given_back)], gone.as_slice()].concat()).await;
        session_id
    }

    /// A journal behind billing's back.
    pub(crate) async fn book(&self, kind: &str, entries: &[(&str, &str, i64)]) {
        let journal = Uuid::now_v7();
        let mut tx = self.database().begin().await.expect("a transaction");
        sqlx::query("INSERT INTO journals (id, kind, source, effective_at) VALUES ($1, $2, $1::text, now())")
            .bind(journal)
            .bind(kind)
            .execute(&mut *tx)
            .await
            .expect("a journal");
        for (kind, owner, amount) in entries.iter().filter(|(.., amount)| *amount != 0) {
            sqlx::query("INSERT INTO accounts (id, kind, owner) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(Uuid::now_v7())
                .bind(kind)
                .bind(owner)
                .execute(&mut *tx)
                .await
                .expect("an account");
            sqlx::query(
                "INSERT INTO journal_entries (id, journal_id, account_id, amount)
                 SELECT $1, $2, id, $5 FROM accounts WHERE kind = $3 AND owner = $4",
            )
            .bind(Uuid::now_v7())
            .bind(journal)
            .bind(kind)
            .bind(owner)
            .bind(amount)
            .execute(&mut *tx)
            .await
            .expect("an entry");
        }
        tx.commit().await.expect("a journal that sums to zero");
    }

    /// A settled session was paid back: the therapist owes so much.
    pub(crate) async fn owes(&self, therapist_id: Uuid, amount: i64) {
        let owner = therapist_id.to_string();
        self.book("refund_decided", &[("therapist_receivable", &owner, amount), ("refund_clearing", "", -amount)])
            .await;
    }

    /// What stands on the accounts of a kind: debits less credits. Accounts with nothing on them are left out.
    pub(crate) async fn balances(&self) -> BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT account.kind, sum(entry.amount)::bigint FROM journal_entries entry
             JOIN accounts account ON account.id = entry.account_id GROUP BY account.kind HAVING sum(entry.amount) <> 0",
        )
        .fetch_all(self.database())
        .await
        .expect("balances");
        assert_eq!(rows.iter().map(|(_, amount)| amount).sum::<i64>(), 0, "the books are in balance");
        rows.into_iter().collect()
    }

    /// The events of a kind that were written so far, the oldest first.
    pub(crate) async fn published<E: Event>(&self) -> Vec<E> {
        aipoten_events::test::published(self.database()).await
    }

    pub(crate) async fn run(&self, admin: &Person, period: &str) -> RunSettlementsResponse {
        self.try_run(admin, period).await.expect("a run")
    }

    pub(crate) async fn try_run(&self, admin: &Person, period: &str) -> Result<RunSettlementsResponse, Status> {
        let request = RunSettlementsRequest { period: period.to_owned() };
        Ok(self.settlements().run_settlements(admin.asks(request)).await?.into_inner())
    }

    pub(crate) async fn search(&self, admin: &Person, search: SearchSettlementsRequest) -> ListSettlementsResponse {
        self.settlements().search_settlements(admin.asks(search)).await.expect("settlements").into_inner()
    }

    /// A therapist's settlement of a month with its lines.
    pub(crate) async fn settlement(&self, admin: &Person, therapist_id: Uuid, period: &str) -> Settlement {
        let search = SearchSettlementsRequest {
            period: Some(period.to_owned()),
            therapist_id: Some(therapist_id.to_string()),
            ..SearchSettlementsRequest::default()
        };
        let found = self.search(admin, search).await.settlements;
        let [found] = &found[..] else { panic!("one settlement of {period}, not {}", found.len()) };
        self.get(admin, &found.id).await.expect("the settlement")
    }

    pub(crate) async fn get(&self, person: &Person, id: &str) -> Result<Settlement, Status> {
        let request = aipoten_proto::billing::v1::GetSettlementRequest { settlement_id: id.to_owned() };
        Ok(self.settlements().get_settlement(person.asks(request)).await?.into_inner())
    }

    pub(crate) async fn confirm(&self, admin: &Person, id: &str, version: Option<i64>) -> Result<Settlement, Status> {
        let request = aipoten_proto::billing::v1::ConfirmSettlementRequest {
            settlement_id: id.to_owned(),
            expected_version: version,
        };
        Ok(self.settlements().confirm_settlement(admin.asks(request)).await?.into_inner())
    }

    pub(crate) async fn pay(&self, admin: &Person, id: &str, version: Option<i64>) -> Result<Settlement, Status> {
        let request = aipoten_proto::billing::v1::MarkSettlementPaidRequest {
            settlement_id: id.to_owned(),
            expected_version: version,
        };
        Ok(self.settlements().mark_settlement_paid(admin.asks(request)).await?.into_inner())
    }

    /// Sets a bank account with this number.
    pub(crate) async fn has_account(&self, therapist: &Person, number: &str) {
        let request = PutBankAccountRequest { account_number: number.to_owned(), ..bank_account() };
        self.bank_accounts().put_bank_account(therapist.asks(request)).await.expect("a bank account");
    }
}

/// The account of a freelancer.
pub(crate) fn bank_account() -> PutBankAccountRequest {
    PutBankAccountRequest {
        bank_code: "088".to_owned(),
        account_number: "110123456789".to_owned(),
        account_holder: "박서준".to_owned(),
        payee_kind: None,
        business_number: None,
    }
}

/// A time of day in Korea.
pub(crate) fn korean(text: &str) -> DateTime<Utc> {
    format!("{}:00+09:00", text.replace(' ', "T")).parse().expect("a time of day")
}
