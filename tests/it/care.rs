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
    keys_open_all_that_is_binary(&platform).await;
    Ok(())
}

/// The journey fills a third of the encrypted columns. Every binary column is listed as one, or is a digest, a public key or an event.
async fn keys_open_all_that_is_binary(platform: &Platform) {
    let told = platform.command(&["check-keys"]).await.expect("the keys open what is encrypted");
    let opened = told.lines().filter(|line| line.starts_with("  ok      ")).count();
    assert!(opened >= 12, "{told}");
    let Platform { identity, content, matching, billing, notification, .. } = platform;
    for database in [identity, content, matching, billing, notification] {
        let columns: Vec<String> = sqlx::query_scalar(
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND udt_name IN ('bytea', '_bytea')
                 AND column_name !~ '(^|_)hash$' AND column_name NOT IN ('payload', 'public_key', 'checksum')",
        )
        .fetch_all(&database.pool)
        .await
        .expect("the binary columns");
        let missing: Vec<_> = columns.iter().filter(|column| !told.contains(&format!("  {column}"))).collect();
        assert!(missing.is_empty(), "{missing:?} are not listed as encrypted; check-keys told\n{told}");
    }
}

#[tokio::test]
async fn what_a_lost_key_closes_is_told() {
    let platform = Platform::start().await;
    platform.api.new_parent("keys@example.com", "correct horse 7!").await.expect("a parent");
    let other = format!("other:{}", "A".repeat(43) + "=");
    let lost =
        [("AIPOTEN__IDENTITY__ENCRYPTION__KEYS", other.as_str()), ("AIPOTEN__IDENTITY__ENCRYPTION__ACTIVE", "other")];
    let error = platform.command_with(&["check-keys"], &lost).await.expect_err("the key is lost");
    assert!(error.contains("encrypted columns hold what the configured keys do not open"), "{error}");
}
