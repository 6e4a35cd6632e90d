//! Many who want the same time: one gets it, and nobody waits for long or sees an error of the database.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aipoten_proto::matching::v1::{
    CreateScheduleChangeRequest, PutAvailabilityRequest, ScheduleChangeDecision, ScheduleConsultationRequest,
    UpdateScheduleChangeRequest, WeeklyHours,
};
use aipoten_proto::timestamp;
use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};
use futures::future::join_all;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::planted::{Session, plant};
use crate::world::{Person, World, parameter, reason, today};

const CLIENTS: usize = 200;
const HOUR: TimeDelta = TimeDelta::hours(1);

/// What came of a request, and how long it took.
struct Outcome {
    wanted: DateTime<Utc>,
    refusal: Option<Status>,
    took: Duration,
}

/// A therapist who can be booked at any hour, more often than there are clients.
async fn tireless_therapist(world: &World) -> Person {
    let therapist = world.listed_therapist().await;
    let all_day =
        |day| WeeklyHours { day_of_week: Some(day), start_time: "00:00".to_owned(), end_time: "24:00".to_owned() };
    let weekly_hours = (0..7).map(all_day).collect();
    let hours = PutAvailabilityRequest { weekly_hours, works_on_holidays: Some(true), expected_version: None };
    world.calendars().put_availability(therapist.asks(hours)).await.expect("hours");
    sqlx::query("UPDATE therapist_profiles SET daily_limit = 24").execute(world.database()).await.expect("a limit");
    therapist
}

/// Midnight in Seoul in some days.
fn midnight(days: u64) -> DateTime<Utc> {
    (today() + Days::new(days)).and_hms_opt(0, 0, 0).expect("midnight").and_utc() - TimeDelta::hours(9)
}

/// All at once ask for a time for a session of their own.
async fn race(world: &World, parent: &Person, wishes: Vec<(Uuid, DateTime<Utc>)>) -> Vec<Outcome> {
    let schedule = async |(session, wanted): (Uuid, DateTime<Utc>)| {
        let request =
            ScheduleConsultationRequest { consultation_id: session.to_string(), starts_at: Some(timestamp(wanted)) };
        let begun = Instant::now();
        let answer = world.consultations().schedule_consultation(parent.asks(request)).await;
        Outcome { wanted, refusal: answer.err(), took: begun.elapsed() }
    };
    join_all(wishes.into_iter().map(schedule)).await
}

/// The wishes that were granted. Every other was refused because the time was taken, with others to choose from.
fn granted(outcomes: &[Outcome]) -> Vec<DateTime<Utc>> {
    for refusal in outcomes.iter().filter_map(|it| it.refusal.as_ref()) {
        assert_eq!((refusal.code(), reason(refusal).as_str()), (Code::AlreadyExists, "SLOT_TAKEN"), "{refusal:?}");
        let alternatives = parameter(refusal, "alternatives").unwrap_or_default();
        assert_eq!(alternatives.split(' ').count(), 3, "{alternatives}");
    }
    outcomes.iter().filter(|it| it.refusal.is_none()).map(|it| it.wanted).collect()
}

fn print(what: &str, outcomes: &[Outcome]) {
    let mut times: Vec<Duration> = outcomes.iter().map(|it| it.took).collect();
    times.sort_unstable();
    let of = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    let won = outcomes.iter().filter(|it| it.refusal.is_none()).count();
    eprintln!("{what}: {} clients, {won} served, p50 {:?}, p99 {:?}", outcomes.len(), of(50), of(99));
}

/// How many sessions stand in the calendar, and that no two of them meet and each is as its own row says.
async fn booked(world: &World) -> i64 {
    let meeting: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM calendar_entries a JOIN calendar_entries b ON a.id < b.id
             AND (a.therapist_id = b.therapist_id AND a.occupied && b.occupied
                 OR a.child_id = b.child_id AND a.session && b.session)",
    )
    .fetch_one(world.database())
    .await
    .expect("a count");
    assert_eq!(meeting, 0, "entries that meet");
    let astray: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM consultations c FULL JOIN calendar_entries e ON e.consultation_id = c.id
         WHERE (c.status = 'scheduled') IS DISTINCT FROM (e.id IS NOT NULL) OR lower(e.session) <> c.scheduled_at",
    )
    .fetch_one(world.database())
    .await
    .expect("a count");
    assert_eq!(astray, 0, "sessions without an entry of their time, or entries without a session");
    sqlx::query_scalar("SELECT count(*) FROM calendar_entries").fetch_one(world.database()).await.expect("a count")
}

async fn unscheduled(world: &World, therapist: &Person, parent: &Person, child_id: Option<Uuid>) -> Uuid {
    let session = Session { status: "unscheduled", child_id, ..Session::default() };
    plant(world, therapist, parent, session).await
}

async fn many_want_one_slot() -> Vec<Outcome> {
    let world = World::start().await;
    let (therapist, parent) = (tireless_therapist(&world).await, world.parent().await);
    let mut wishes = Vec::new();
    for _ in 0..CLIENTS {
        wishes.push((unscheduled(&world, &therapist, &parent, None).await, midnight(3)));
    }
    let outcomes = race(&world, &parent, wishes).await;
    assert_eq!(granted(&outcomes), [midnight(3)]);
    let nearest = [-90, -60, 60].map(|minutes| midnight(3) + TimeDelta::minutes(minutes));
    let nearest = nearest.map(|it| it.to_rfc3339_opts(SecondsFormat::Secs, true)).join(" ");
    let refusal = outcomes.iter().find_map(|it| it.refusal.as_ref()).expect("a refusal");
    assert_eq!(parameter(refusal, "alternatives"), Some(nearest));
    assert_eq!(booked(&world).await, 1);
    outcomes
}

/// Sessions of the same children with two therapists, at times that overlap.
async fn many_want_slots_that_overlap() -> Vec<Outcome> {
    let world = World::start().await;
    let parent = world.parent().await;
    let therapists = [tireless_therapist(&world).await, tireless_therapist(&world).await];
    let children: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
    let mut wishes = Vec::new();
    for number in 0..CLIENTS {
        let child = children[number % children.len()];
        let therapist = &therapists[number / children.len() % 2];
        let half_hours = i32::try_from(number * 7 % 12).expect("few");
        let session = unscheduled(&world, therapist, &parent, Some(child)).await;
        wishes.push((session, midnight(3) + TimeDelta::minutes(30) * half_hours));
    }
    let outcomes = race(&world, &parent, wishes).await;
    let granted = granted(&outcomes);
    assert!((8..=12).contains(&granted.len()), "six hours hold four to six sessions a therapist, not {granted:?}");
    assert_eq!(booked(&world).await, i64::try_from(granted.len()).expect("few"));
    outcomes
}

/// Sessions an hour apart that are all to be moved at once, to few times.
async fn many_are_moved() -> Vec<Outcome> {
    let world = World::start().await;
    let (therapist, parent) = (tireless_therapist(&world).await, world.parent().await);
    let mut wishes = Vec::new();
    for number in 0..CLIENTS {
        let starts_at = midnight(10) + HOUR * i32::try_from(number).expect("few");
        let session = Session { starts_at: Some(starts_at), ..Session::default() };
        let session = plant(&world, &therapist, &parent, session).await;
        // Free ones, and some that another session leaves in the same moment.
        let target = midnight(if number % 2 == 0 { 9 } else { 10 }) + HOUR * i32::try_from(number % 8).expect("few");
        wishes.push((session, target));
    }
    let asked = join_all(wishes.iter().map(async |(session, target)| {
        let request = CreateScheduleChangeRequest {
            consultation_id: session.to_string(),
            change_reason: "감기".to_owned(),
            preferred_dates: vec![timestamp(*target)],
        };
        let change = world.schedule_changes().create_schedule_change(parent.asks(request)).await;
        (change.expect("a wish").into_inner().id, *target)
    }))
    .await;
    let outcomes = join_all(asked.into_iter().map(async |(schedule_change_id, wanted)| {
        let request = UpdateScheduleChangeRequest {
            schedule_change_id,
            decision: ScheduleChangeDecision::Approve.into(),
            new_start: Some(timestamp(wanted)),
            reason: None,
        };
        let begun = Instant::now();
        let answer = world.schedule_changes().update_schedule_change(therapist.asks(request)).await;
        Outcome { wanted, refusal: answer.err(), took: begun.elapsed() }
    }))
    .await;
    let granted = granted(&outcomes);
    let free: HashSet<_> = granted.iter().filter(|it| **it < midnight(10)).collect();
    assert_eq!(free.len(), 4, "every free time has somebody");
    assert_eq!(booked(&world).await, i64::try_from(CLIENTS).expect("few"), "nobody lost a time");
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_who_want_one_slot_one_gets_it() {
    print("one slot", &many_want_one_slot().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_who_want_slots_that_overlap_none_meet() {
    print("overlapping slots", &many_want_slots_that_overlap().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_sessions_that_are_moved_at_once_none_is_lost() {
    print("reschedules", &many_are_moved().await);
}

#[tokio::test]
async fn who_wants_a_time_far_away_is_offered_the_nearest_there_are() {
    let world = World::start().await;
    let (therapist, parent) = (world.listed_therapist().await, world.parent().await);
    let hours = WeeklyHours { day_of_week: Some(1), start_time: "09:00".to_owned(), end_time: "10:00".to_owned() };
    let hours =
        PutAvailabilityRequest { weekly_hours: vec![hours], works_on_holidays: Some(true), expected_version: None };
    world.calendars().put_availability(therapist.asks(hours)).await.expect("hours");
    let session = unscheduled(&world, &therapist, &parent, None).await;
    for wanted in [midnight(3) + TimeDelta::minutes(10), midnight(5000), DateTime::UNIX_EPOCH] {
        let outcomes = race(&world, &parent, vec![(session, wanted)]).await;
        assert!(granted(&outcomes).is_empty(), "{wanted} is no slot");
    }
}
