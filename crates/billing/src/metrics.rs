//! What is measured in the database when the metrics are asked for.

use ::metrics::gauge;
use aipoten_kit::Process;
use sqlx::PgConnection;

use crate::{App, case, payment, refund, settlement};

/// Counters begin at zero, and gauges are set whenever they are asked for.
pub(crate) fn start(app: &App, process: &Process) {
    payment::metrics::prepare();
    refund::metrics::prepare();
    let app = app.clone();
    process.sample(move || {
        let app = app.clone();
        Box::pin(async move {
            if let Err(error) = measure(&app).await {
                tracing::warn!(%error, "payments, settlements and cases could not be measured");
            }
        })
    });
}

async fn measure(app: &App) -> sqlx::Result<()> {
    let mut conn = app.pool.acquire().await?;
    payment::metrics::measure_unknown(&mut conn).await?;
    measure_settlements(&mut conn).await?;
    measure_cases(&mut conn).await
}

async fn measure_settlements(conn: &mut PgConnection) -> sqlx::Result<()> {
    let sums = settlement::store::sums(conn).await?;
    for (status, won) in [("pending", sums.pending), ("confirmed", sums.confirmed), ("paid", sums.paid)] {
        gauge!("aipoten_settlements_won", "status" => status).set(won);
    }
    Ok(())
}

async fn measure_cases(conn: &mut PgConnection) -> sqlx::Result<()> {
    let open = case::store::open_by_kind(conn).await?;
    for kind in case::Kind::ALL {
        let cases = open.iter().find(|(it, _)| *it == kind).map_or(0.0, |(_, cases)| *cases);
        gauge!("aipoten_reconciliation_cases", "kind" => kind.as_str()).set(cases);
    }
    Ok(())
}
