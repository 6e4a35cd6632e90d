//! `aipoten check-invariants` against a running platform.

use crate::platform::Platform;

#[tokio::test]
async fn what_must_always_be_true_is_told_line_by_line_and_breaks_the_command_where_it_is_not() {
    let platform = Platform::start().await;
    let told = platform.command(&["check-invariants"]).await.expect("all is as it must be");
    let (fine, titles): (Vec<&str>, Vec<&str>) = told.lines().partition(|line| line.starts_with("  ok      "));
    assert!(fine.len() > 30, "{told}");
    let services = ["identity", "content", "matching", "billing", "notification"];
    let events = services.map(|service| format!("events of {service}"));
    assert_eq!(titles[..5], events);
    assert_eq!(titles[5..], ["matching", "billing", "matching and billing"]);

    let lost = "INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
             total_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price, price_policy_id,
             refund_policy_id, status, payment_id)
         SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'online', 50, 1, 1, 0,
             80000, 80000, price.id, refund.id, 'active', gen_random_uuid()
         FROM price_policies price, refund_policies refund";
    let mut tx = platform.matching.pool.begin().await.expect("a transaction");
    let unbound = "ALTER TABLE consultation_packages DROP CONSTRAINT consultation_packages_request_id_fkey,
         DROP CONSTRAINT consultation_packages_therapist_id_fkey";
    for statement in [unbound, lost] {
        sqlx::query(statement).execute(&mut *tx).await.expect("a package that nobody paid");
    }
    tx.commit().await.expect("committed");
    let error = platform.command(&["check-invariants"]).await.expect_err("a package runs that nobody paid");
    assert!(error.contains("2 of what must always be true is broken"), "{error}");
}
