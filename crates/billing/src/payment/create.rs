//! Beginning to pay.

use std::time::Duration;

use aipoten_kit::telemetry::counted;
use aipoten_kit::{Caller, Error, Once, Result, Role, User};
use aipoten_proto::billing::v1::GetPaymentRequest;
use aipoten_proto::matching::v1::{HoldForPaymentRequest, PackageOrder};
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, NewPayment};
use super::{Payment, Shown, Status, find, metrics};
use crate::order::{self, Order};
use crate::provider::{Answer, NewOrder, Provider};
use crate::{App, provider};

/// How long a payment can be made: as long as matching holds its times at least.
const TIME: Duration = Duration::from_mins(10);
const MATCHING_TIMEOUT: Duration = Duration::from_secs(5);

/// What the parent wants to pay, and how.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) package_id: Uuid,
    pub(super) provider: Option<provider::Name>,
    pub(super) return_url: String,
}

/// The pending payment of the package, whoever has begun it; it and its key are written before the provider is asked.
pub(super) async fn create(app: &App, caller: &Caller, once: &Once<'_>, wish: &Wish) -> Result<Shown> {
    let parent = caller.with_role(Role::Parent)?;
    caller.with_verified_email()?;
    let provider = wish.provider.map_or(app.providers.first(), |name| app.providers.get(name));
    let provider = provider.ok_or_else(unavailable)?;
    let ordered = hold(app, caller, wish.package_id).await;
    let payment = counted(write_down(app, parent, once, ordered, provider.name())).await?;
    with_checkout(app, caller, payment, &wish.return_url).await
}

async fn write_down(
    app: &App,
    parent: &User,
    once: &Once<'_>,
    ordered: Result<PackageOrder>,
    provider: provider::Name,
) -> Result<Payment> {
    let mut tx = app.pool.begin().await?;
    let id = match once.answered::<GetPaymentRequest>(&mut tx, &app.cipher).await? {
        Some(before) => aipoten_proto::uuid(&before.payment_id).map_err(|_| anyhow!("a kept answer holds no id"))?,
        None => begin(&mut tx, &ordered?, provider).await?,
    };
    once.keep(&mut tx, &app.cipher, &GetPaymentRequest { payment_id: id.to_string() }).await?;
    let payment = find(&mut tx, id, parent.id).await?;
    tx.commit().await?;
    Ok(payment)
}

/// Matching holds the times of the package, and says what it costs.
async fn hold(app: &App, caller: &Caller, package_id: Uuid) -> Result<PackageOrder> {
    let mut request = caller.forward(HoldForPaymentRequest { package_id: package_id.to_string() });
    request.set_timeout(MATCHING_TIMEOUT);
    let answer = app.packages.clone().hold_for_payment(request).await.map_err(|status| match Error::from(status) {
        Error::NotFound(_) => Error::NotFound("package"),
        error => error,
    })?;
    Ok(answer.into_inner())
}

async fn begin(conn: &mut PgConnection, ordered: &PackageOrder, provider: provider::Name) -> Result<Uuid> {
    let (order, prices) = order::parse(ordered)?;
    order::freeze(conn, &order, &prices).await?;
    match store::live(conn, order.package_id).await? {
        None => insert(conn, &order, provider).await,
        Some(live) if live.is_open => Ok(live.id),
        // Also one whose time is over, until its provider has said that it was not charged.
        Some(live) => Err(Error::invalid_state(live.status.as_str())),
    }
}

async fn insert(conn: &mut PgConnection, order: &Order, provider: provider::Name) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let new = NewPayment {
        id,
        package_id: order.package_id,
        user_id: order.parent_user_id,
        therapist_id: order.therapist_id,
        total_sessions: order.total_sessions,
        original_amount: order.original_amount,
        total_amount: order.total_amount,
        provider,
        order_id: &format!("aip-{}", id.simple()),
        time: TIME,
    };
    store::insert(conn, &new).await?;
    metrics::came_to(provider, Status::Pending);
    Ok(id)
}

/// Makes the checkout where it is missing: the provider may have been away the first time.
async fn with_checkout(app: &App, caller: &Caller, payment: Payment, return_url: &str) -> Result<Shown> {
    if payment.payment_status != Status::Pending || payment.has_checkout() {
        return Shown::of(app, caller, payment);
    }
    let provider = app.providers.get(payment.provider).ok_or_else(unavailable)?;
    make_checkout(app, caller, provider, &payment, return_url).await?;
    let payment = find(&mut *app.pool.acquire().await?, payment.id, payment.user_id).await?;
    Shown::of(app, caller, payment)
}

async fn make_checkout(
    app: &App,
    caller: &Caller,
    provider: &dyn Provider,
    payment: &Payment,
    return_url: &str,
) -> Result<()> {
    let order = NewOrder {
        order_id: payment.order_id.clone(),
        order_name: payment.order_name(caller.locale),
        amount: payment.total_amount,
        return_url: return_url.to_owned(),
        expires_at: payment.expires_at,
    };
    let checkout = match provider.create_checkout(&order).await {
        Answer::Succeeded(checkout) => checkout,
        answer => {
            tracing::warn!(payment_id = %payment.id, provider = payment.provider.as_str(), ?answer, "no checkout");
            return Err(unavailable());
        }
    };
    let place = payment.place("client_secret");
    let secret = app.cipher.seal_optional(place, checkout.client_secret.as_deref())?;
    store::set_checkout(&mut *app.pool.acquire().await?, payment.id, &checkout, secret.as_deref()).await?;
    Ok(())
}

fn unavailable() -> Error {
    Error::Unavailable("PROVIDER_UNAVAILABLE".into(), Duration::from_secs(5))
}

impl Payment {
    fn has_checkout(&self) -> bool {
        self.client_key.is_some() || self.client_secret.is_some() || self.checkout_url.is_some()
    }
}
