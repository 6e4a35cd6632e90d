use std::fmt::Write as _;

use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, RequestBuilder};
use sha2::Sha256;

use crate::platform::Platform;

const SECRET: &str = "whsec_of_a_test";
const BODY: &str = r#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_of_somebody_else"}}}"#;

/// As Stripe signs what it sends.
fn signature(at: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key may be of any length");
    let digest = mac.chain_update(format!("{at}.{body}")).finalize().into_bytes();
    digest.iter().fold(format!("t={at},v1="), |mut signature, byte| {
        let _ = write!(signature, "{byte:02x}");
        signature
    })
}

#[tokio::test]
async fn what_a_provider_has_signed_comes_through_and_what_is_forged_does_not() -> anyhow::Result<()> {
    let platform = Platform::start_with(&[
        ("AIPOTEN__BILLING__PROVIDERS__STRIPE__SECRET_KEY", "sk_test_of_a_test"),
        ("AIPOTEN__BILLING__PROVIDERS__STRIPE__WEBHOOK_SECRET", SECRET),
    ])
    .await;
    let now = Utc::now().timestamp();
    let message = |provider: &str| platform.api.request(Method::POST, &format!("/payments/webhooks/{provider}"));
    let signed =
        |signature: String, body: &'static str| message("stripe").header("stripe-signature", signature).body(body);
    let answer = async |request: RequestBuilder| -> anyhow::Result<(u16, String)> {
        let answer = platform.api.send(request).await?;
        Ok((answer.status.as_u16(), answer.code().to_owned()))
    };
    let taken = (200, String::new());
    assert_eq!(
        answer(signed(signature(now, BODY), BODY)).await?,
        taken,
        "of no payment of ours, and not ours to refuse"
    );
    assert_eq!(answer(signed(signature(now, BODY), BODY).header("content-type", "text/plain")).await?, taken);
    let forged = (401, "INVALID_SIGNATURE".to_owned());
    for refused in [
        message("stripe").body(BODY),
        signed(signature(now, "{}"), BODY),
        signed(signature(now - 3600, BODY), BODY),
        signed(format!("t={now},v1=00"), BODY),
    ] {
        assert_eq!(answer(refused).await?, forged);
    }
    assert_eq!(answer(message("portone").body(BODY)).await?.0, 404, "it is not configured");
    assert_eq!(answer(message("nobody").body(BODY)).await?, (400, "VALIDATION_ERROR".to_owned()));
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM payment_events").fetch_one(&platform.billing.pool).await?;
    assert_eq!(kept, 0);
    Ok(())
}
