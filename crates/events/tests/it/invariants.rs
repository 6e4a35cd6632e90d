use aipoten_events::{MIGRATOR, check_invariants};
use aipoten_kit::test::TestDatabase;
use sqlx::PgConnection;

const UNSENT: &str = "INSERT INTO outbox (id, aggregate_type, aggregate_id, aggregate_seq, type, payload, headers, created_at)
     VALUES (gen_random_uuid(), 'test', gen_random_uuid(), 1, 'aipoten.test.v1.Late', '', '{}', now() - interval '61 seconds')";
const DEAD: &str = "INSERT INTO failed_events (consumer, event_id, type, headers, payload, error, next_at, state)
     VALUES ('test', gen_random_uuid(), 'aipoten.test.v1.Poison', '{}', '', 'not welcome', now(), 'dead')";
const FORGOTTEN: &str = "INSERT INTO failed_events (consumer, event_id, type, headers, payload, error, next_at)
     VALUES ('test', gen_random_uuid(), 'aipoten.test.v1.Lost', '{}', '', 'not yet', now() - interval '11 minutes')";

async fn broken(conn: &mut PgConnection) -> Vec<(&'static str, usize)> {
    let checked = check_invariants(conn).await.expect("checked");
    checked.into_iter().filter(|it| !it.broken.is_empty()).map(|it| (it.name, it.broken.len())).collect()
}

#[tokio::test]
async fn an_event_that_waits_too_long_and_one_that_was_given_up_are_told() {
    let database = TestDatabase::create(&[&MIGRATOR]).await;
    let mut conn = database.pool.acquire().await.expect("a connection");
    assert_eq!(broken(&mut conn).await, []);
    for statement in [UNSENT, DEAD, FORGOTTEN] {
        sqlx::query(statement).execute(&mut *conn).await.expect("an event");
    }
    let expected =
        [("every event is sent or younger than 60 s", 1), ("no event was given up or forgotten by who takes it in", 2)];
    assert_eq!(broken(&mut conn).await, expected);
    for statement in ["UPDATE outbox SET sent_at = now()", "UPDATE failed_events SET state = 'replayed'"] {
        sqlx::query(statement).execute(&mut *conn).await.expect("over");
    }
    assert_eq!(broken(&mut conn).await, []);
}
