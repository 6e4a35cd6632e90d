//! Orders: packages and their sessions at the prices that matching froze.

pub(crate) mod store;

use aipoten_kit::{BasisPoints, Error, Result, Won};
use aipoten_proto::matching::v1 as matching;
use anyhow::{Context as _, anyhow, ensure};
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `orders`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) package_id: Uuid,
    pub(crate) parent_user_id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) total_sessions: i16,
    pub(crate) original_amount: Won,
    pub(crate) total_amount: Won,
    pub(crate) platform_fee: BasisPoints,
}

/// What one of its sessions costs: a row of `sessions`, as far as it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) consultation_id: Uuid,
    pub(crate) session_number: i16,
    pub(crate) session_fee: Won,
    pub(crate) platform_fee: Won,
}

/// Writes the order down when somebody begins to pay it, and locks it: payments of a package begin one after the other. Prices that
/// were written before are never other ones.
pub(crate) async fn freeze(conn: &mut PgConnection, order: &Order, prices: &[Price]) -> Result<()> {
    if store::insert(conn, order).await? {
        for price in prices {
            store::insert_session(conn, order, price).await?;
        }
        return Ok(());
    }
    let frozen = store::lock(conn, order.package_id).await?;
    if frozen != *order || store::prices(conn, order.package_id).await? != prices {
        let error = anyhow!("the package {} has other prices than when it was first to be paid", order.package_id);
        return Err(Error::Internal(error));
    }
    Ok(())
}

/// Matching's answer.
pub(crate) fn parse(order: &matching::PackageOrder) -> anyhow::Result<(Order, Vec<Price>)> {
    let prices: Vec<Price> = order.sessions.iter().map(parse_price).collect::<anyhow::Result<_>>()?;
    let sum: Won = prices.iter().map(|price| price.session_fee).sum();
    let package_id = uuid(&order.package_id)?;
    ensure!(sum == Won(order.discounted_price), "the sessions of the package {package_id} do not add up to its price");
    let order = Order {
        package_id,
        parent_user_id: uuid(&order.parent_user_id)?,
        therapist_id: uuid(&order.therapist_id)?,
        total_sessions: prices.len().try_into()?,
        original_amount: Won(order.original_price),
        total_amount: Won(order.discounted_price),
        platform_fee: BasisPoints(order.platform_fee_bp.try_into()?),
    };
    Ok((order, prices))
}

fn parse_price(session: &matching::OrderedSession) -> anyhow::Result<Price> {
    Ok(Price {
        consultation_id: uuid(&session.consultation_id)?,
        session_number: session.session_number.try_into()?,
        session_fee: Won(session.session_fee),
        platform_fee: Won(session.platform_fee),
    })
}

fn uuid(text: &str) -> anyhow::Result<Uuid> {
    aipoten_proto::uuid(text).ok().context("matching's order holds no id")
}
