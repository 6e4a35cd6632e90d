//! Orders and payments put into the database behind billing's back, and what matching tells of them.

use std::fmt::Debug;

use aipoten_billing::consumers;
use aipoten_events::{Delivered, Failure};
use aipoten_kit::database;
use aipoten_kit::test::TestDatabase;
use aipoten_proto::matching::v1::{
    ConsultationCancelled, ConsultationCompleted, ConsultationDisputed, ConsultationNoShow, PackagePaymentRefused,
    ReportSubmitted,
};
use aipoten_proto::timestamp;
use chrono::Utc;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::world::delivered;

/// Billing's tables, without the service.
pub(crate) struct Tables {
    /// With the rights that the service has.
    service: PgPool,
    pub(crate) database: TestDatabase,
}

/// A package with its sessions, as it was ordered, and its payment.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) package_id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) parent_id: Uuid,
    pub(crate) payment_id: Uuid,
    /// Each with its price.
    pub(crate) sessions: Vec<(Uuid, i64)>,
}

/// Where the price of a cancelled session goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub(crate) refund: i64,
    pub(crate) settled: i64,
    pub(crate) penalty: i64,
}

impl Tables {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_billing::MIGRATOR]).await;
        let service = database::connect("billing.database", &database.config()).await.expect("the database answers");
        Self { service, database }
    }

    /// An order whose payment has not come.
    pub(crate) async fn ordered(&self, prices: &[i64]) -> Order {
        let order = Order {
            package_id: Uuid::now_v7(),
            therapist_id: Uuid::now_v7(),
            parent_id: Uuid::now_v7(),
            payment_id: Uuid::now_v7(),
            sessions: prices.iter().map(|price| (Uuid::now_v7(), *price)).collect(),
        };
        let total: i64 = prices.iter().sum();
        let mut conn = self.database.pool.acquire().await.expect("a connection");
        sqlx::query(
            "INSERT INTO orders (package_id, parent_user_id, therapist_id, total_sessions, original_amount, total_amount,
                 platform_fee_bp)
             VALUES ($1, $2, $3, $4, $5, $5, 1500)",
        )
        .bind(order.package_id)
        .bind(order.parent_id)
        .bind(order.therapist_id)
        .bind(i16::try_from(prices.len()).expect("few"))
        .bind(total)
        .execute(&mut *conn)
        .await
        .expect("an order");
        for (number, (id, price)) in (1_i16..).zip(&order.sessions) {
            sqlx::query(
                "INSERT INTO sessions (consultation_id, package_id, therapist_id, session_number, session_fee, platform_fee)
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(id)
            .bind(order.package_id)
            .bind(order.therapist_id)
            .bind(number)
            .bind(price)
            .bind(platform_fee(*price))
            .execute(&mut *conn)
            .await
            .expect("a session");
        }
        insert_payment(&mut conn, &order, order.payment_id).await;
        order
    }

    /// An order whose payment came.
    pub(crate) async fn paid(&self, prices: &[i64]) -> Order {
        let order = self.ordered(prices).await;
        self.pay(&order, order.payment_id).await;
        order
    }

    /// A second payment of the same order.
    pub(crate) async fn paid_again(&self, order: &Order) -> Uuid {
        let id = Uuid::now_v7();
        insert_payment(&mut self.database.pool.acquire().await.expect("a connection"), order, id).await;
        self.pay(order, id).await;
        id
    }

    /// The payment comes.
    pub(crate) async fn pay(&self, order: &Order, payment_id: Uuid) {
        let total: i64 = order.sessions.iter().map(|(_, price)| price).sum();
        let mut tx = self.database.pool.begin().await.expect("a transaction");
        sqlx::query(
            "UPDATE payments SET payment_status = 'completed', paid_at = now(), transaction_id = id::text, payment_method = 'card',
                 provider_balance = total_amount WHERE id = $1",
        )
        .bind(payment_id)
        .execute(&mut *tx)
        .await
        .expect("paid");
        let prepaid = ("customer_prepaid", Some(order.package_id.to_string()), -total);
        let receivable = ("provider_receivable", Some("sandbox".to_owned()), total);
        book(&mut tx, "paid", &format!("paid:{payment_id}"), &[receivable, prepaid]).await;
        tx.commit().await.expect("committed");
    }

    /// The settlement of a session as its journal books it, with a line in a settlement that is not paid yet.
    pub(crate) async fn settle(&self, order: &Order, at: usize) {
        let (id, price) = order.sessions[at];
        let (fee, therapist) = (platform_fee(price), Some(order.therapist_id.to_string()));
        let vat = (fee * 2 + 11) / 22;
        let mut tx = self.database.pool.begin().await.expect("a transaction");
        let entries = [
            ("customer_prepaid", Some(order.package_id.to_string()), price),
            ("therapist_payable", therapist, fee - price),
            ("platform_fee", None, vat - fee),
            ("vat_payable", None, -vat),
        ];
        book(&mut tx, "settled", &format!("settled:{id}"), &entries).await;
        let settlement = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO settlements (id, therapist_id, settlement_period_start, settlement_period_end, total_sessions,
                 settled_sessions, pending_sessions, total_session_fee, total_platform_fee, settlement_amount, carried_debt,
                 income_tax, local_tax, final_amount, payee_kind, policy_id, input_hash)
             SELECT $1, $2, date '2026-01-01' + make_interval(months => count(*)::int), '2026-01-31', 1, 1, 0, $3, $4, $3 - $4, 0, 0, 0,
                 $3 - $4, 'business', '01900000-0000-7000-8000-000000000011', ''
             FROM settlements WHERE therapist_id = $2",
        )
        .bind(settlement)
        .bind(order.therapist_id)
        .bind(price)
        .bind(fee)
        .execute(&mut *tx)
        .await
        .expect("a settlement");
        sqlx::query(
            "INSERT INTO settlement_details (settlement_id, consultation_id, session_number, kind, occurred_at, session_fee,
                 platform_fee, net_amount, report_submitted_at, settlement_status)
             VALUES ($1, $2, 1, 'session', now(), $3, $4, $3 - $4, now(), 'settled')",
        )
        .bind(settlement)
        .bind(id)
        .bind(price)
        .bind(fee)
        .execute(&mut *tx)
        .await
        .expect("a line");
        tx.commit().await.expect("committed");
    }

    /// What stands on an account of the ledger.
    pub(crate) async fn balance(&self, kind: &str, owner: Option<Uuid>) -> i64 {
        sqlx::query_scalar(
            "SELECT coalesce(sum(amount), 0)::bigint FROM journal_entries entry JOIN accounts account ON account.id = account_id
             WHERE kind = $1 AND ($2::text IS NULL OR owner = $2)",
        )
        .bind(kind)
        .bind(owner.map(|id| id.to_string()))
        .fetch_one(&self.database.pool)
        .await
        .expect("a balance")
    }

    /// Of a payment: amount, status and session of each refund, the oldest first.
    pub(crate) async fn refunds(&self, payment_id: Uuid) -> Vec<(i64, String, Option<Uuid>)> {
        sqlx::query_as(
            "SELECT refund_amount, refund_status, consultation_id FROM refunds WHERE payment_id = $1 ORDER BY requested_at, id",
        )
        .bind(payment_id)
        .fetch_all(&self.database.pool)
        .await
        .expect("refunds")
    }

    /// Asks for one value of one row.
    pub(crate) async fn value<T>(&self, query: &'static str, id: Uuid) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(query).bind(id).fetch_one(&self.database.pool).await.expect("a row")
    }

    /// Names of what is broken.
    pub(crate) async fn broken(&self) -> Vec<String> {
        let mut conn = self.database.pool.acquire().await.expect("a connection");
        let checked = aipoten_billing::check_invariants(&mut conn).await.expect("checked");
        checked.into_iter().filter(|it| !it.broken.is_empty()).map(|it| it.to_string()).collect()
    }
}

async fn insert_payment(conn: &mut PgConnection, order: &Order, id: Uuid) {
    let total: i64 = order.sessions.iter().map(|(_, price)| price).sum();
    sqlx::query(
        "INSERT INTO payments (id, package_id, user_id, therapist_id, payment_type, total_sessions, original_amount,
             discount_amount, total_amount, provider, order_id, expires_at)
         VALUES ($1, $2, $3, $4, 'package', $5, $6, 0, $6, 'sandbox', $1::text, now() + interval '10 minutes')",
    )
    .bind(id)
    .bind(order.package_id)
    .bind(order.parent_id)
    .bind(order.therapist_id)
    .bind(i16::try_from(order.sessions.len()).expect("few"))
    .bind(total)
    .execute(conn)
    .await
    .expect("a payment");
}

pub(crate) async fn book(conn: &mut PgConnection, kind: &str, source: &str, entries: &[(&str, Option<String>, i64)]) {
    let journal = Uuid::now_v7();
    sqlx::query("INSERT INTO journals (id, kind, source, effective_at) VALUES ($1, $2, $3, now())")
        .bind(journal)
        .bind(kind)
        .bind(source)
        .execute(&mut *conn)
        .await
        .expect("a journal");
    for (kind, owner, amount) in entries {
        sqlx::query(
            "WITH account AS (
                 INSERT INTO accounts (id, kind, owner) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id)
             INSERT INTO journal_entries (id, journal_id, account_id, amount)
             SELECT $1, $4, id, $5 FROM (
                 SELECT id FROM account UNION SELECT id FROM accounts WHERE kind = $2 AND owner = $3) AS it",
        )
        .bind(Uuid::now_v7())
        .bind(kind)
        .bind(owner.as_deref().unwrap_or_default())
        .bind(journal)
        .bind(amount)
        .execute(&mut *conn)
        .await
        .expect("an entry");
    }
}

/// The part of a price that is the platform's.
pub(crate) fn platform_fee(price: i64) -> i64 {
    price * 1500 / 10_000
}

/// What matching tells.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Completed(Delivered<ConsultationCompleted>),
    NoShow(Delivered<ConsultationNoShow>),
    Reported(Delivered<ReportSubmitted>),
    Disputed(Delivered<ConsultationDisputed>),
    Cancelled(Delivered<ConsultationCancelled>),
    Refused(Delivered<PackagePaymentRefused>),
}

impl Told {
    pub(crate) fn completed(order: &Order, at: usize) -> Self {
        let (id, price) = order.sessions[at];
        Self::Completed(delivered(ConsultationCompleted {
            consultation_id: id.to_string(),
            package_id: order.package_id.to_string(),
            session_fee: price,
            platform_fee: platform_fee(price),
            occurred_at: Some(timestamp(Utc::now())),
            ..ConsultationCompleted::default()
        }))
    }

    pub(crate) fn no_show(order: &Order, at: usize) -> Self {
        let (id, price) = order.sessions[at];
        Self::NoShow(delivered(ConsultationNoShow {
            consultation_id: id.to_string(),
            package_id: order.package_id.to_string(),
            session_fee: price,
            platform_fee: platform_fee(price),
            occurred_at: Some(timestamp(Utc::now())),
            ..ConsultationNoShow::default()
        }))
    }

    pub(crate) fn reported(order: &Order, at: usize) -> Self {
        Self::Reported(delivered(ReportSubmitted {
            consultation_id: order.sessions[at].0.to_string(),
            package_id: order.package_id.to_string(),
            submitted_at: Some(timestamp(Utc::now())),
            ..ReportSubmitted::default()
        }))
    }

    pub(crate) fn disputed(order: &Order, at: usize) -> Self {
        Self::Disputed(delivered(ConsultationDisputed {
            consultation_id: order.sessions[at].0.to_string(),
            package_id: order.package_id.to_string(),
            occurred_at: Some(timestamp(Utc::now())),
            ..ConsultationDisputed::default()
        }))
    }

    pub(crate) fn cancelled(order: &Order, at: usize, split: Split) -> Self {
        let (id, price) = order.sessions[at];
        Self::Cancelled(delivered(ConsultationCancelled {
            consultation_id: id.to_string(),
            package_id: order.package_id.to_string(),
            cancelled_by: "parent".to_owned(),
            refund_policy: if split.refund == price { "full" } else { "partial" }.to_owned(),
            refund_amount: split.refund,
            settled_amount: split.settled,
            cancellation_fee: split.penalty,
            session_fee: price,
            cancelled_at: Some(timestamp(Utc::now())),
            ..ConsultationCancelled::default()
        }))
    }

    pub(crate) fn refused(order: &Order, payment_id: Uuid) -> Self {
        Self::Refused(delivered(PackagePaymentRefused {
            package_id: order.package_id.to_string(),
            payment_id: payment_id.to_string(),
            parent_user_id: order.parent_id.to_string(),
        }))
    }

    /// The service takes it in; what it says where it cannot.
    pub(crate) async fn taken(&self, tables: &Tables) -> Result<(), Failed> {
        let mut tx = tables.service.begin().await.expect("a transaction");
        let applied = match self {
            Self::Completed(event) => consumers::consultation_completed(&mut tx, event).await,
            Self::NoShow(event) => consumers::consultation_no_show(&mut tx, event).await,
            Self::Reported(event) => consumers::report_submitted(&mut tx, event).await,
            Self::Disputed(event) => consumers::consultation_disputed(&mut tx, event).await,
            Self::Cancelled(event) => consumers::consultation_cancelled(&mut tx, event).await,
            Self::Refused(event) => consumers::package_payment_refused(&mut tx, event).await,
        };
        match applied {
            Ok(()) => {
                tx.commit().await.expect("committed");
                Ok(())
            }
            Err(Failure::NotYet) => Err(Failed::NotYet),
            Err(Failure::Failed(error)) => Err(Failed::For(format!("{error:#}"))),
        }
    }
}

/// Why an event was not taken in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    NotYet,
    For(String),
}
