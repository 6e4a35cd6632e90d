use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::care::Care;
use aipoten_tests::money;
use aipoten_tests::private::ADMIN;
use reqwest::Method;

use crate::platform::Platform;

#[tokio::test]
async fn who_leaves_with_a_paid_package_is_erased_once_the_money_has_come_back() -> anyhow::Result<()> {
    let broker = own_broker_url("erasure");
    let grace = ("AIPOTEN__IDENTITY__ERASURE_GRACE_S", "0");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker), grace]).await;
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let care = Care::begin(&platform.api, &admin, &mut |_| ()).await?;
    let package = care.agree(&mut |_| ()).await?;
    money::pay(&care, &package, &mut |_| ()).await?;
    care.paid(&package, &mut |_| ()).await?;
    let leave = care.parent.request(Method::DELETE, "/users/me");
    assert_eq!(care.parent.send(leave).await?.status, 204);

    let erased = "SELECT count(*) FROM users WHERE role = 'parent' AND status = 'deleted'";
    eventually("the parent is erased", async || {
        sqlx::query_scalar::<_, i64>(erased).fetch_one(&platform.identity.pool).await.is_ok_and(|count| count == 1)
    })
    .await;
    let open: i64 = sqlx::query_scalar("SELECT sum(total_amount - refunded_amount)::bigint FROM payments")
        .fetch_one(&platform.billing.pool)
        .await?;
    assert!(open <= 36_000, "a session that is about to begin is half the therapist's, all else went back: {open}");
    let waiting = admin.get("/admin/erasures").await?.data(200)?;
    assert_eq!(waiting.as_array().map(Vec::len), Some(0), "{waiting}");
    platform.check_invariants().await;
    Ok(())
}
