use aipoten_billing::provider::{Account, Config, Name, Provider, Providers};

use super::world::{SECRET, account};

#[tokio::test]
async fn new_payments_go_to_the_one_that_is_named_and_older_ones_stay_with_theirs() {
    let mut config = account("http://127.0.0.1:1", Name::Stripe, SECRET);
    config.toss = account("http://127.0.0.1:1", Name::Toss, SECRET).toss;
    let providers = Providers::connect(Some(Name::Stripe), &config).expect("good settings");
    assert_eq!(providers.first().map(Provider::name), Some(Name::Stripe));
    assert!(providers.get(Name::Toss).is_some() && providers.get(Name::Portone).is_none());
    let none = Providers::connect(None, &config).expect("good settings");
    assert!(none.first().is_none() && none.get(Name::Toss).is_some());
}

#[tokio::test]
async fn settings_that_cannot_work_stop_the_start_and_name_the_key() {
    let refused = |first: Option<Name>, config: &Config| {
        format!("{:#}", Providers::connect(first, config).err().expect("settings that cannot work"))
    };
    let missing = refused(Some(Name::Toss), &Config::default());
    assert!(missing.contains("AIPOTEN__BILLING__PROVIDERS__TOSS__SECRET_KEY"), "{missing}");
    for base_url in ["somewhere", "ftp://127.0.0.1/"] {
        let toss =
            Account { base_url: base_url.to_owned(), secret_key: "hidden".to_owned().into(), ..Account::default() };
        let wrong = refused(None, &Config { toss, ..Config::default() });
        assert!(wrong.contains("billing.providers.toss") && wrong.contains(base_url), "{wrong}");
    }
    let mut config = account("http://127.0.0.1:1", Name::Portone, "hidden");
    config.portone.webhook_secret = "whsec_?".to_owned().into();
    let wrong = refused(None, &config);
    assert!(wrong.contains("billing.providers.portone") && wrong.contains("webhook_secret"), "{wrong}");
    assert!(!wrong.contains("hidden"), "{wrong}");
}
