//! Feeds for other calendars.

use std::io::Write as _;
use std::process::{Command, Stdio};

use aipoten_proto::matching::v1::{
    CalendarFeed, CreateCalendarFeedRequest, DeleteCalendarFeedRequest, GetCalendarRequest,
};
use chrono::{Days, TimeDelta, Utc};
use tonic::{Code, Status};

use crate::planted::{Session, plant};
use crate::world::{Person, World};

async fn create(world: &World, person: &Person) -> CalendarFeed {
    let request = person.asks(CreateCalendarFeedRequest {});
    world.calendars().create_calendar_feed(request).await.expect("a feed").into_inner()
}

/// What stands behind the path of a feed.
async fn read(world: &World, path: &str) -> Result<String, Status> {
    let secret = path.strip_prefix("/calendars/").and_then(|it| it.strip_suffix(".ics")).expect("a feed's path");
    let answer = world.calendars().get_calendar(GetCalendarRequest { secret: secret.to_owned() }).await?;
    Ok(answer.into_inner().ics)
}

#[tokio::test]
async fn a_feed_is_read_by_whoever_has_its_secret_until_it_ends() {
    let world = World::start().await;
    let parent = world.parent().await;
    let first = create(&world, &parent).await;
    assert_eq!(first.path.len(), "/calendars/.ics".len() + 43, "32 bytes");
    read(&world, &first.path).await.expect("a calendar");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM calendar_feeds f WHERE strpos(f::text, $1) > 0")
        .bind(&first.path[11..54])
        .fetch_one(world.database())
        .await
        .expect("a count");
    assert_eq!(kept, 0, "the secret itself is not kept");

    let second = create(&world, &parent).await;
    assert_eq!(read(&world, &first.path).await.expect_err("replaced").code(), Code::NotFound);
    read(&world, &second.path).await.expect("a calendar");
    let delete = || parent.asks(DeleteCalendarFeedRequest {});
    world.calendars().delete_calendar_feed(delete()).await.expect("ended");
    assert_eq!(read(&world, &second.path).await.expect_err("ended").code(), Code::NotFound);
    let again = world.calendars().delete_calendar_feed(delete()).await.expect_err("gone");
    assert_eq!(again.code(), Code::NotFound);
}

#[tokio::test]
async fn nobody_else_makes_or_reads_feeds() {
    let world = World::start().await;
    let admin = world.admin().await;
    let refused = world.calendars().create_calendar_feed(admin.asks(CreateCalendarFeedRequest {})).await;
    assert_eq!(refused.expect_err("an administrator").code(), Code::PermissionDenied);
    let refused = world.calendars().delete_calendar_feed(admin.asks(DeleteCalendarFeedRequest {})).await;
    assert_eq!(refused.expect_err("an administrator").code(), Code::PermissionDenied);
    let refused = world.calendars().create_calendar_feed(CreateCalendarFeedRequest {}).await;
    assert_eq!(refused.expect_err("nobody").code(), Code::Unauthenticated);
    for secret in ["", "x", "../../etc/passwd", &"A".repeat(43), &"한".repeat(5000)] {
        let none = world.calendars().get_calendar(GetCalendarRequest { secret: secret.to_owned() }).await;
        assert_eq!(none.expect_err("no feed").code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_feed_shows_the_own_sessions_with_nobodys_name() {
    let world = World::start().await;
    let (therapist, parent) = (world.listed_therapist().await, world.parent().await);
    let soon = Utc::now() + TimeDelta::days(2);
    let session = |days: i64| Session { starts_at: Some(soon + TimeDelta::days(days)), ..Session::default() };
    let online = plant(&world, &therapist, &parent, session(0)).await;
    let home = plant(&world, &therapist, &parent, Session { kind: "home_visit", ..session(1) }).await;
    let cancelled = plant(&world, &therapist, &parent, Session { status: "cancelled", ..session(2) }).await;
    let unpaid = plant(&world, &therapist, &parent, Session { hold_minutes: Some(10), ..session(3) }).await;
    let untimed = plant(&world, &therapist, &parent, Session { status: "unscheduled", ..Session::default() }).await;
    let past = plant(&world, &therapist, &parent, Session { status: "completed", ..session(-60) }).await;
    let long_past = plant(&world, &therapist, &parent, Session { status: "completed", ..session(-63) }).await;
    let (other_therapist, other_parent) = (world.listed_therapist().await, world.parent().await);
    let foreign = plant(&world, &other_therapist, &other_parent, session(4)).await;

    for person in [&parent, &therapist] {
        let ics = read(&world, &create(&world, person).await.path).await.expect("a calendar");
        for shown in [online, home, cancelled, past] {
            assert!(ics.contains(&format!("UID:{shown}@aipoten\r\n")), "{shown} in {ics}");
        }
        for hidden in [unpaid, untimed, long_past, foreign] {
            assert!(!ics.contains(&hidden.to_string()), "{hidden} in {ics}");
        }
        assert_eq!(ics.matches("STATUS:CANCELLED\r\n").count(), 1);
        assert!(ics.contains("SUMMARY:온라인 상담\r\n") && ics.contains("SUMMARY:가정 방문 상담\r\n"), "{ics}");
        assert!(!ics.contains("하준") && !ics.contains("박서준") && !ics.contains("김미나"));
    }
    let request = therapist.asks_in_english(CreateCalendarFeedRequest {});
    let feed = world.calendars().create_calendar_feed(request).await.expect("a feed").into_inner();
    let english = read(&world, &feed.path).await.expect("a calendar");
    assert!(english.is_ascii() && english.contains("SUMMARY:Home visit\r\n"), "{english}");
}

#[tokio::test]
async fn a_session_keeps_its_uid_and_raises_its_sequence_when_it_moves() {
    let world = World::start().await;
    let (therapist, parent) = (world.listed_therapist().await, world.parent().await);
    let starts_at = Utc::now() + Days::new(2);
    let session =
        plant(&world, &therapist, &parent, Session { starts_at: Some(starts_at), ..Session::default() }).await;
    let feed = create(&world, &parent).await;
    let begin = format!("DTSTART:{}\r\n", starts_at.format("%Y%m%dT%H%M%SZ"));
    let before = read(&world, &feed.path).await.expect("a calendar");
    assert!(before.contains("SEQUENCE:1\r\n") && before.contains(&begin), "{before}");
    sqlx::query(
        "UPDATE consultations SET scheduled_at = scheduled_at + interval '1 hour', ends_at = ends_at + interval '1 hour',
             version = version + 1, updated_at = now() WHERE id = $1",
    )
    .bind(session)
    .execute(world.database())
    .await
    .expect("moved");
    let after = read(&world, &feed.path).await.expect("a calendar");
    assert!(after.contains("SEQUENCE:2\r\n") && !after.contains(&begin), "{after}");
    assert!(after.contains(&format!("UID:{session}@aipoten\r\n")));
}

/// What a parser reads out of a feed, one line for each event; it fails on whatever it would have to overlook.
fn parsed(program: &str, script: &str, ics: &str) -> Vec<String> {
    let path = format!("{}/../../tools/calendar/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut parser = Command::new(program)
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    parser.stdin.take().expect("piped").write_all(ics.as_bytes()).expect("it reads");
    let output = parser.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{script} complains");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[tokio::test]
#[ignore = "needs the parsers that `make calendar-check` installs"]
async fn two_independent_parsers_read_the_same_out_of_a_feed() {
    let python = std::env::var("AIPOTEN_TEST_ICALENDAR").expect("run this with `make calendar-check`");
    let world = World::start().await;
    let (therapist, parent) = (world.listed_therapist().await, world.parent().await);
    let mut expected = Vec::new();
    for (number, (kind, summary)) in
        [("online", "온라인 상담"), ("in_person", "센터 상담"), ("home_visit", "가정 방문 상담")]
            .into_iter()
            .enumerate()
    {
        let starts_at = Utc::now() + Days::new(number as u64);
        let cancelled = number == 1;
        let status = if cancelled { "cancelled" } else { "scheduled" };
        let session = Session { kind, status, starts_at: Some(starts_at), ..Session::default() };
        let id = plant(&world, &therapist, &parent, session).await;
        let [begin, end] = [starts_at, starts_at + TimeDelta::minutes(50)].map(|it| it.format("%Y-%m-%dT%H:%M:%SZ"));
        let status = if cancelled { "CANCELLED" } else { "CONFIRMED" };
        expected.push(format!("{id}@aipoten\t1\t{status}\t{begin}\t{end}\t{summary}"));
    }
    let ics = read(&world, &create(&world, &parent).await.path).await.expect("a calendar");
    assert_eq!(parsed("node", "read.mjs", &ics), expected, "ical.js");
    assert_eq!(parsed(&python, "read.py", &ics), expected, "icalendar");
    let broken = ics.replace("DTSTART:", "DTSTART:soon");
    let refused = std::panic::catch_unwind(|| parsed(&python, "read.py", &broken));
    assert!(refused.is_err(), "the check would notice");
}
