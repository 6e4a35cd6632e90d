//! The care journey's money: a package is paid at the sandbox's checkout, a cancelled session is paid back, the month is settled and
//! the therapist paid. It fails as soon as a won is not where the rules say.

use anyhow::{Context as _, ensure};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Api;
use crate::care::{Care, text, until};
use crate::journey::Tell;

/// What comes of one session of 72,000 won: 15 percent are the platform's, of the rest 3 percent are income tax and a tenth of
/// that local tax, both rounded down to 10 won.
const EARNED: [(&str, i64); 6] = [
    ("total_session_fee", 72_000),
    ("total_platform_fee", 10_800),
    ("settlement_amount", 61_200),
    ("income_tax", 1_830),
    ("local_tax", 180),
    ("final_amount", 59_190),
];

/// Pays a package as its parent; the payment.
pub async fn pay(care: &Care, package: &Value, tell: Tell<'_>) -> anyhow::Result<Value> {
    let order = json!({ "package_id": package["id"] });
    let keyless = care.parent.post("/payments", order.clone()).await?;
    ensure!(keyless.code() == "IDEMPOTENCY_KEY_REQUIRED", "a payment without a key: {}", keyless.body);
    let key = Uuid::now_v7().to_string();
    let begun = keyed(&care.parent, "/payments", &key, &order).await?.data(201)?;
    let again = keyed(&care.parent, "/payments", &key, &order).await?.data(201)?;
    ensure!(begun["id"] == again["id"], "the same key begins another payment: {again}");
    ensure!(begun["total_amount"] == package["discounted_price"], "not the price of the package: {begun}");

    let provider_key = authorize(&begun).await?;
    let confirm = format!("/payments/{}/confirm", text(&begun, "id")?);
    let cheaper = json!({ "provider_key": provider_key, "amount": 1 });
    let refused = keyed(&care.parent, &confirm, &Uuid::now_v7().to_string(), &cheaper).await?;
    ensure!(refused.code() == "AMOUNT_MISMATCH", "one won pays a package: {}", refused.body);
    let whole = json!({ "provider_key": provider_key, "amount": begun["total_amount"] });
    let paid = keyed(&care.parent, &confirm, &Uuid::now_v7().to_string(), &whole).await?.data(200)?;
    ensure!(paid["payment_status"] == "completed", "confirmed, and not paid: {paid}");
    let receipt = care.parent.get(&format!("/payments/{}/receipt", text(&begun, "id")?)).await?.data(200)?;
    ensure!(receipt["total_amount"] == begun["total_amount"], "the receipt says otherwise: {receipt}");
    tell(format!("   paid {} won with {} at the sandbox's checkout", paid["total_amount"], paid["payment_method"]));
    Ok(paid)
}

/// Waits until what cancelling a session pays back has come back.
pub async fn paid_back(care: &Care, payment: &Value, amount: i64, tell: Tell<'_>) -> anyhow::Result<()> {
    let place = format!("/payments/{}", text(payment, "id")?);
    let is_back = async || {
        let now = care.parent.get(&place).await?.data(200)?;
        Ok(now["refunded_amount"] == amount && now["payment_status"] == "partially_refunded")
    };
    until("the session is paid back", is_back).await?;
    tell(format!("   {amount} won have come back"));
    Ok(())
}

/// Step 8: the month is settled, agreed to and transferred; the therapist reads the statement.
pub async fn settle(care: &Care, admin: &Api, tell: Tell<'_>) -> anyhow::Result<()> {
    let account = json!({ "bank_code": "004", "account_number": "12345678901234", "account_holder": "이하늘" });
    let account = care.therapist.put("/therapists/me/bank-account", account).await?.data(200)?;
    ensure!(!account.to_string().contains("1234567890"), "the account is shown as a whole: {account}");
    let month = chrono::Utc::now().with_timezone(&chrono_tz::Asia::Seoul).format("%Y-%m").to_string();
    let run = admin.post("/admin/settlements/run", json!({ "period": month })).await?.data(200)?;
    let again = admin.post("/admin/settlements/run", json!({ "period": month })).await?.data(200)?;
    ensure!(run["remaining"] == 0, "some are left out: {run}");
    ensure!(again["settlements"] == run["settlements"] && again["created"] == 0, "settled twice: {run}, then {again}");
    let list = care.therapist.get("/settlements").await?.data(200)?;
    let id = text(&list[0], "id")?;
    let settlement = care.therapist.get(&format!("/settlements/{id}")).await?.data(200)?;
    for (name, amount) in EARNED {
        ensure!(settlement[name] == amount, "{name} is not {amount}: {settlement}");
    }
    tell(format!("8. {month} is settled: {} won for one session", settlement["final_amount"]));

    for (step, status) in [("confirm", "confirmed"), ("paid", "paid")] {
        let decide = admin.request(Method::PATCH, &format!("/admin/settlements/{id}/{step}"));
        let decided = admin.send(decide).await?.data(200)?;
        ensure!(decided["status"] == status, "after {step} it is {}", decided["status"]);
    }
    let statement = care.therapist.request(Method::GET, &format!("/settlements/{id}/statement.csv")).send().await?;
    ensure!(statement.status() == 200, "no statement: {}", statement.status());
    let statement = statement.text().await?;
    ensure!(statement.starts_with('\u{feff}') && statement.contains("59190"), "not the statement: {statement}");
    let page = care.therapist.request(Method::GET, &format!("/settlements/{id}/statement.pdf")).send().await?;
    ensure!(page.bytes().await?.starts_with(b"%PDF-"), "the statement to print is no PDF");
    tell(format!(
        "   confirmed and transferred; the therapist's statement:\n\n{}",
        statement.trim_start_matches('\u{feff}')
    ));
    Ok(())
}

/// The parent authorises at the checkout; the provider's number of it.
pub async fn authorize(payment: &Value) -> anyhow::Result<String> {
    let checkout = &payment["checkout"];
    let control = Url::parse(text(checkout, "checkout_url")?)?.join("/control/authorize")?;
    let order = json!({ "order_id": checkout["order_id"] });
    let answer: Value = reqwest::Client::new().post(control).json(&order).send().await?.json().await?;
    Ok(text(&answer, "provider_key").context("nothing was authorised")?.to_owned())
}

/// POST with an Idempotency-Key.
pub async fn keyed(api: &Api, path: &str, key: &str, body: &Value) -> anyhow::Result<crate::Answer> {
    api.send(api.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}
