//! Each invariant can fail: what it guards is broken as the owner of the database, past every constraint.

use crate::care::{Care, hours_ahead};

/// Name of the invariant, and how it is broken.
const BREAKS: [(&str, &[&str]); 7] = [
    (
        "no two entries take the same time of a therapist or child",
        &[
            "ALTER TABLE calendar_entries DROP CONSTRAINT calendar_entries_therapist, DROP CONSTRAINT calendar_entries_child",
            "UPDATE calendar_entries SET (occupied, session) = (SELECT occupied, session FROM calendar_entries LIMIT 1)",
        ],
    ),
    (
        "a session with a time has exactly one entry in the calendar",
        &["UPDATE consultations SET ends_at = ends_at + interval '1 second' WHERE status = 'scheduled'"],
    ),
    (
        "an entry in the calendar has a session with its time",
        &[
            "UPDATE consultations SET status = 'unscheduled', scheduled_at = NULL, ends_at = NULL WHERE status = 'scheduled'",
        ],
    ),
    (
        "the credits of a package add up and are its sessions to come",
        &["UPDATE consultation_packages SET used_sessions = 1, remaining_sessions = remaining_sessions - 1
           WHERE status = 'active'"],
    ),
    ("the sessions of a package add up to its price", &["UPDATE consultations SET session_fee = session_fee + 1"]),
    ("a package that runs is paid", &["UPDATE consultation_packages SET payment_id = NULL WHERE status = 'active'"]),
    (
        "no package and no request is past its deadline",
        &[
            "UPDATE consultation_packages SET hold_expires_at = now() - interval '6 minutes' WHERE status = 'pending_payment'",
        ],
    ),
];

#[tokio::test]
async fn each_invariant_holds_and_tells_when_it_is_broken() {
    let care = Care::new().await;
    care.paid(4, &[hours_ahead(48), hours_ahead(72)]).await;
    care.approved(1, &[hours_ahead(96)]).await;
    let pool = care.world.database();
    let mut conn = pool.acquire().await.expect("a connection");
    let checked = aipoten_matching::check_invariants(&mut conn).await.expect("checked");
    drop(conn);
    assert!(checked.iter().all(|it| it.broken.is_empty()), "{checked:?}");
    let names: Vec<&str> = checked.iter().map(|it| it.name).collect();
    assert_eq!(names, BREAKS.map(|(name, _)| name), "every invariant is broken below");

    for (name, statements) in BREAKS {
        let mut tx = pool.begin().await.expect("a transaction");
        for statement in statements {
            sqlx::query(*statement).execute(&mut *tx).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let found = aipoten_matching::check_invariants(&mut tx).await.expect("checked");
        let told: Vec<&str> = found.iter().filter(|it| !it.broken.is_empty()).map(|it| it.name).collect();
        assert!(told.contains(&name), "{name}: {told:?}");
        tx.rollback().await.expect("as before");
    }
}
