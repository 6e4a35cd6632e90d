use aipoten_kit::test::eventually;

use crate::platform::Platform;

/// The ids of the published keys, that of the one that signs first.
async fn published(platform: &Platform) -> anyhow::Result<Vec<String>> {
    let keys = platform.api.get("//.well-known/jwks.json").await?.body["keys"].clone();
    let ids = keys.as_array().into_iter().flatten().filter_map(|it| it["kid"].as_str().map(str::to_owned));
    Ok(ids.collect())
}

#[tokio::test]
async fn keys_are_rotated_and_withdrawn_at_the_command_line() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let before = published(&platform).await?;
    assert_eq!(before.len(), 2);
    let early = platform.command(&["rotate-keys"]).await.expect_err("nobody knows the next key yet");
    assert!(early.contains("not everybody knows the next signing key yet: it may sign in"), "{early}");

    let later = "UPDATE signing_keys SET since = since - interval '10 minutes' WHERE state = 'next'";
    sqlx::query(later).execute(&platform.identity.pool).await?;
    let rotated = platform.command(&["rotate-keys"]).await.expect("rotated");
    assert!(rotated.contains(&before[1]), "{rotated}");
    eventually("it signs, and the last one is published", async || {
        let after = published(&platform).await.unwrap_or_default();
        after.first() == before.get(1) && after.contains(&before[0]) && after.len() == 3
    })
    .await;

    let withdrawn = platform.command(&["rotate-keys", "--withdraw"]).await.expect("withdrawn");
    eventually("no older key is published", async || {
        let after = published(&platform).await.unwrap_or_default();
        after.len() == 2 && withdrawn.contains(&after[0]) && !after.iter().any(|it| before.contains(it))
    })
    .await;
    let acts = "SELECT action FROM audit_logs WHERE resource = 'signing_key' ORDER BY action";
    let acts: Vec<String> = sqlx::query_scalar(acts).fetch_all(&platform.identity.pool).await?;
    assert_eq!(
        acts,
        ["signing_key.rotated", "signing_key.withdrawn", "signing_key.withdrawn", "signing_key.withdrawn"]
    );
    Ok(())
}
