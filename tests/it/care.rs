use aipoten_kit::test::own_broker_url;
use aipoten_proto::Message as _;
use aipoten_proto::billing::v1::PaymentCompleted;
use aipoten_tests::care;
use aipoten_tests::private::ADMIN;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::Platform;

/// Tells through the broker that a package is paid, as billing does.
async fn tell_paid(platform: &Platform, package: &Value) -> anyhow::Result<()> {
    let field = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let payment_id = Uuid::now_v7();
    let paid = PaymentCompleted {
        payment_id: payment_id.to_string(),
        package_id: field("id"),
        amount: package["discounted_price"].as_i64().unwrap_or_default(),
        user_id: field("parent_user_id"),
    };
    sqlx::query(
        "INSERT INTO outbox (id, aggregate_type, aggregate_id, aggregate_seq, type, payload, headers)
         VALUES ($1, 'payment', $2, 2, 'aipoten.billing.v1.PaymentCompleted', $3, $4)",
    )
    .bind(Uuid::now_v7())
    .bind(payment_id)
    .bind(paid.encode_to_vec())
    .bind(json!({}))
    .execute(&platform.billing.pool)
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_parent_finds_a_therapist_buys_sessions_and_has_them_held() -> anyhow::Result<()> {
    let broker = own_broker_url("care");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let mut told = Vec::new();
    let pay = async |_: &care::Care, package: &Value| tell_paid(&platform, package).await;
    let outcome = care::run(&platform.api, &admin, pay, &mut |line| told.push(line)).await;
    assert!(outcome.is_ok(), "{outcome:?}, after:\n{}", told.join("\n"));
    Ok(())
}
