//! The shipped data is planted once.

use aipoten_kit::test::TestDatabase;

async fn number(database: &TestDatabase, count: &'static str) -> i64 {
    sqlx::query_scalar(count).fetch_one(&database.pool).await.expect("a count")
}

#[tokio::test]
async fn planting_again_changes_nothing_and_leaves_what_was_changed_or_deleted() {
    let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
    assert_eq!(aipoten_content::seed(&database.pool).await.expect("planted"), 257 + 10 + 45);
    let announced =
        "SELECT count(DISTINCT aggregate_type) FROM outbox WHERE type = 'aipoten.content.v1.ContentChanged'";
    assert_eq!(number(&database, announced).await, 3, "questions, categories and videos have changed");
    let outbox = number(&database, "SELECT count(*) FROM outbox").await;
    for change in [
        "DELETE FROM assessment_questions WHERE code = 'Q-02-SOC-1'",
        "UPDATE assessment_questions SET text_ko = 'changed' WHERE code = 'Q-02-SOC-2'",
        "DELETE FROM videos WHERE title_en = 'Find the rattle'",
        "DELETE FROM video_categories WHERE slug = 'outdoors'",
    ] {
        sqlx::query(change).execute(&database.pool).await.expect("an administrator at work");
    }
    assert_eq!(aipoten_content::seed(&database.pool).await.expect("planted"), 0);
    assert_eq!(number(&database, "SELECT count(*) FROM outbox").await, outbox, "and nothing since");
    assert_eq!(number(&database, "SELECT count(*) FROM assessment_questions").await, 256);
    assert_eq!(number(&database, "SELECT count(*) FROM assessment_questions WHERE text_ko = 'changed'").await, 1);
    assert_eq!(number(&database, "SELECT count(*) FROM videos").await, 44);
    assert_eq!(number(&database, "SELECT count(*) FROM video_categories").await, 9);
}

#[tokio::test]
async fn two_plantings_at_once_plant_once() {
    let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
    let (first, second) = tokio::join!(aipoten_content::seed(&database.pool), aipoten_content::seed(&database.pool));
    let mut planted = [first.expect("planted"), second.expect("planted")];
    planted.sort_unstable();
    assert_eq!(planted, [0, 312]);
}
