use crate::platform::refused_start;

#[tokio::test]
async fn a_bad_configuration_stops_the_start_with_a_line_that_names_the_key() {
    let development = ("AIPOTEN__MODE", "development");
    let unknown = refused_start("all", &[development, ("AIPOTEN__REDIS__ULR", "redis://127.0.0.1/")]).await;
    assert!(unknown.contains("ulr"), "{unknown}");
    let malformed = refused_start("identity", &[development, ("AIPOTEN__IDENTITY__SESSION__IDLE_S", "a week")]).await;
    assert!(malformed.contains("identity.session.idle_s") && malformed.contains("a week"), "{malformed}");
    let missing = refused_start("content", &[development]).await;
    assert!(missing.contains("AIPOTEN__CONTENT__DATABASE__URL"), "{missing}");
    let address = refused_start("gateway", &[development, ("AIPOTEN__GATEWAY__LISTEN", "everywhere")]).await;
    assert!(address.contains("gateway.listen"), "{address}");
}

#[tokio::test]
async fn production_refuses_a_development_secret_without_showing_it() {
    let keys = ("AIPOTEN__IDENTITY__ENCRYPTION__KEYS", "dev1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=");
    let refused = refused_start("identity", &[keys]).await;
    assert!(refused.contains("AIPOTEN__IDENTITY__ENCRYPTION__KEYS"), "{refused}");
    assert!(!refused.contains("QUFB"), "{refused}");
}

#[tokio::test]
async fn production_refuses_payments_without_money() {
    let listen = ("AIPOTEN__SANDBOX__LISTEN", "127.0.0.1:0");
    for role in ["sandbox-provider", "all"] {
        let refused = refused_start(role, &[listen]).await;
        assert!(refused.contains("AIPOTEN__SANDBOX__LISTEN"), "{refused}");
    }
    let account = ("AIPOTEN__BILLING__PROVIDERS__SANDBOX__SECRET_KEY", "hidden");
    let refused = refused_start("billing", &[account]).await;
    assert!(refused.contains(account.0) && !refused.contains("hidden"), "{refused}");
}
