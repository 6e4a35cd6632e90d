use aipoten_tests::private::PASSWORD;
use aipoten_tests::{Answer, Api, unique_email};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::platform::Platform;

/// As the document says: counts up until the digest begins with enough zero bits.
fn solve(captcha: &Value) -> Value {
    let challenge = captcha["challenge"].as_str().expect("a challenge");
    let difficulty = captcha["difficulty"].as_u64().expect("a difficulty");
    let zeros = |text: &str| {
        let digest = Sha256::digest(format!("{challenge}.{text}"));
        u64::from(u64::from_be_bytes(*digest.first_chunk().expect("32 bytes")).leading_zeros())
    };
    let solution = (0..1_u64 << 32).map(|it| it.to_string()).find(|it| zeros(it) >= difficulty).expect("there is one");
    json!({ "challenge": challenge, "solution": solution })
}

async fn login(api: &Api, email: &str, password: &str, captcha: &Value) -> anyhow::Result<Answer> {
    let attempt = json!({ "email": email, "password": password, "captcha": captcha });
    api.post("/auth/login", attempt).await
}

#[tokio::test]
async fn after_three_failures_a_solved_captcha_opens_the_door_once() -> anyhow::Result<()> {
    let platform = Platform::start_with(&[("AIPOTEN__IDENTITY__LOCKOUT__CAPTCHA_BITS", "8")]).await;
    let api = &platform.api;
    let email = unique_email("captcha");
    api.new_parent(&email, PASSWORD).await?;
    for _ in 0..3 {
        assert_eq!(login(api, &email, "wrong", &Value::Null).await?.code(), "INVALID_CREDENTIALS");
    }
    let refused = login(api, &email, PASSWORD, &Value::Null).await?;
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "CAPTCHA_REQUIRED"));

    let captcha = api.get("/auth/captcha").await?;
    assert_eq!(captcha.headers["cache-control"], "private, no-store", "each is for one person");
    let captcha = captcha.data(200)?;
    let another = api.get("/auth/captcha").await?.data(200)?;
    assert_ne!(captcha["challenge"], another["challenge"]);
    for wrong in [
        json!({ "challenge": captcha["challenge"], "solution": "not one" }),
        json!({ "challenge": "of our own making", "solution": "0" }),
        json!({ "challenge": another["challenge"], "solution": "" }),
    ] {
        assert_eq!(login(api, &email, PASSWORD, &wrong).await?.code(), "CAPTCHA_REQUIRED", "{wrong}");
    }
    let solved = solve(&captcha);
    login(api, &email, PASSWORD, &solved).await?.data(200)?;

    for _ in 0..3 {
        login(api, &email, "wrong", &Value::Null).await?;
    }
    assert_eq!(login(api, &email, PASSWORD, &solved).await?.code(), "CAPTCHA_REQUIRED", "it was used");
    login(api, &email, PASSWORD, &solve(&another)).await?.data(200)?;
    Ok(())
}

#[tokio::test]
async fn a_malformed_answer_to_a_captcha_is_told_by_its_fields() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let api = &platform.api;
    let email = unique_email("captcha");
    for (captcha, field) in [
        (json!({ "challenge": 5 }), "captcha.challenge"),
        (json!({ "answer": "0" }), "captcha.answer"),
        (json!("solved"), "captcha"),
    ] {
        let refused = login(api, &email, PASSWORD, &captcha).await?;
        assert_eq!((refused.status.as_u16(), refused.fields()), (400, vec![field]), "{}", refused.body);
    }
    Ok(())
}
