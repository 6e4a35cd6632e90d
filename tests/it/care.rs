use aipoten_kit::test::own_broker_url;
use aipoten_tests::care;
use aipoten_tests::private::ADMIN;

use crate::platform::Platform;

#[tokio::test]
async fn a_parent_buys_sessions_has_them_held_and_the_therapist_is_paid() -> anyhow::Result<()> {
    let broker = own_broker_url("care");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let mut told = Vec::new();
    let outcome = care::run(&platform.api, &admin, &mut |line| told.push(line)).await;
    assert!(outcome.is_ok(), "{outcome:?}, after:\n{}", told.join("\n"));
    platform.check_invariants().await;
    Ok(())
}
