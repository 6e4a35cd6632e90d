//! What is in the databases while they are measured.

use aipoten_kit::config::Encryption;
use aipoten_kit::{Cipher, Place};
use aipoten_tests::private::{CHILD, ENCRYPTION_KEY, PASSWORD};
use aipoten_tests::unique_email;
use sqlx::PgPool;
use uuid::Uuid;

use super::load::CONNECTIONS;
use crate::platform::Platform;
use crate::storm::accounts_like;

/// Children, and videos.
pub(crate) const ROWS: u32 = 100_000;

/// Parents: one for each connection, and those who sign in all at once.
pub(crate) struct Parents {
    /// What stands behind the number in an address.
    pub(crate) email: String,
    pub(crate) tokens: Vec<String>,
}

/// The n-th row of a table.
pub(crate) fn id(n: u32) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + u128::from(n))
}

/// The id of the n-th parent, as [`accounts_like`] makes them.
fn parent(n: u32) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_9000_0000_0000_0000 + u128::from(n))
}

/// The children are the parents' in turns.
pub(crate) async fn load(platform: &Platform) -> anyhow::Result<Parents> {
    let email = unique_email("bench");
    platform.api.new_parent(&email, PASSWORD).await?;
    accounts_like(&platform.identity.pool, &email).await;
    let mut tokens = Vec::new();
    for number in 1..=CONNECTIONS {
        let parent = platform.api.sign_in(&format!("{number}-{email}"), PASSWORD).await?;
        tokens.push(parent.token().unwrap_or_default().to_owned());
    }
    children(&platform.identity.pool).await?;
    videos(&platform.content.pool).await?;
    for pool in [&platform.identity.pool, &platform.content.pool] {
        sqlx::query("VACUUM ANALYZE").execute(pool).await?;
    }
    Ok(Parents { email, tokens })
}

async fn children(identity: &PgPool) -> anyhow::Result<()> {
    let keys = format!("dev1:{ENCRYPTION_KEY}").into();
    let cipher = Cipher::new(&Encryption { keys, active: "dev1".to_owned() })?;
    let ids: Vec<Uuid> = (0..ROWS).map(id).collect();
    let names = ids.iter().map(|row| cipher.seal(Place { table: "children", column: "name", row: *row }, CHILD));
    let names: Vec<Vec<u8>> = names.collect::<anyhow::Result<_>>()?;
    let owners: Vec<Uuid> = (0..ROWS).map(|row| parent(row % CONNECTIONS + 1)).collect();
    sqlx::query(
        "INSERT INTO children (id, name, birth_date, gender)
         SELECT id, name, '2024-11-01', 'female' FROM unnest($1::uuid[], $2::bytea[]) AS t (id, name)",
    )
    .bind(&ids)
    .bind(&names)
    .execute(identity)
    .await?;
    sqlx::query(
        "INSERT INTO child_caregivers (id, child_id, user_id, role)
         SELECT child_id, child_id, user_id, 'owner' FROM unnest($1::uuid[], $2::uuid[]) AS t (child_id, user_id)",
    )
    .bind(&ids)
    .bind(&owners)
    .execute(identity)
    .await?;
    Ok(())
}

async fn videos(content: &PgPool) -> anyhow::Result<()> {
    let ids: Vec<Uuid> = (0..ROWS).map(id).collect();
    sqlx::query(
        "INSERT INTO videos (id, title_ko, title_en, description_ko, description_en, video_url, video_platform,
             target_age_min, target_age_max, difficulty, is_published, priority, published_at, search_text)
         SELECT id, '놀이 ' || n, 'Play ' || n, repeat('함께 놀아요. ', 20), repeat('Play together. ', 20),
             'https://www.youtube.com/watch?v=' || n, 'youtube', n % 72, n % 72 + 12, 'easy', true, n % 10 + 1,
             now() - n * interval '1 minute', 'play ' || n
         FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, n)",
    )
    .bind(&ids)
    .execute(content)
    .await?;
    sqlx::query("INSERT INTO video_development_areas SELECT id, 'language' FROM unnest($1::uuid[]) id")
        .bind(&ids)
        .execute(content)
        .await?;
    Ok(())
}
