use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aipoten_tests::private::PASSWORD;
use aipoten_tests::{Api, unique_email};
use futures::future::try_join_all;
use serde_json::json;
use sqlx::PgPool;

use crate::platform::Platform;

/// Reads the own child and the videos until told to stop; how often.
async fn read(parent: Api, child: String, stop: Arc<AtomicBool>) -> anyhow::Result<u32> {
    let mut answers = 0;
    while !stop.load(Ordering::Relaxed) {
        parent.get(&child).await?.data(200)?;
        parent.get("/videos").await?.data(200)?;
        answers += 2;
    }
    Ok(answers)
}

/// 200 accounts with the password of this one: `1-…` to `200-…`, with their numbers in their ids.
pub(crate) async fn accounts_like(identity: &PgPool, email: &str) {
    let copy = "INSERT INTO users (id, email, password_hash, name, role)
        SELECT ('01930000-0000-7000-9000-' || lpad(to_hex(number), 12, '0'))::uuid, number || '-' || email, password_hash, name, role
        FROM users, generate_series(1, 200) number WHERE email = $1";
    sqlx::query(copy).bind(email).execute(identity).await.expect("inserted");
}

#[tokio::test]
async fn of_two_hundred_logins_at_once_the_surplus_is_told_to_come_back_and_others_are_served() -> anyhow::Result<()> {
    // A short queue, so that there is a surplus on any machine.
    let platform = Platform::start_with(&[("AIPOTEN__IDENTITY__PASSWORD__QUEUE", "8")]).await;
    let email = unique_email("storm");
    let parent = platform.api.new_parent(&email, PASSWORD).await?;
    let child = format!("/children/{}", parent.new_child().await?["id"].as_str().unwrap_or_default());
    let stop = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn(read(parent.clone(), child, Arc::clone(&stop)));

    accounts_like(&platform.identity.pool, &email).await;
    let login = |number| {
        platform.api.post("/auth/login", json!({ "email": format!("{number}-{email}"), "password": PASSWORD }))
    };
    let answers = try_join_all((1..=200).map(login)).await?;
    stop.store(true, Ordering::Relaxed);
    assert!(reading.await?? > 0, "others are served");

    let (mut served, mut refused) = (0, Vec::new());
    for (number, answer) in (1..).zip(answers) {
        if answer.status == 200 {
            served += 1;
        } else {
            assert_eq!((answer.status.as_u16(), answer.code()), (503, "UNAVAILABLE"), "{}", answer.body);
            let wait = answer.headers.get("retry-after").and_then(|it| it.to_str().ok());
            assert!(wait.is_some_and(|it| it.parse::<u32>().is_ok_and(|it| it > 0)), "{wait:?}");
            refused.push(number);
        }
    }
    assert!(served >= 8 && !refused.is_empty(), "{served} served, {refused:?} refused");
    // Being sent away was no failure of theirs.
    for _ in 0..4 {
        login(refused[0]).await?.data(200)?;
    }
    Ok(())
}
