//! The computation against a model that walks through every minute.

use std::collections::HashSet;
use std::time::Instant;

use chrono::{Days, NaiveTime, Timelike as _};
use chrono_tz::{America, Asia, Australia, Europe};
use proptest::prelude::*;

use super::*;
use crate::kind::Kind;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn hours(start_minute: i16, end_minute: i16) -> Hours {
    Hours { start_minute, end_minute }
}

/// Works in Seoul, at no time yet.
fn timetable() -> Timetable {
    Timetable {
        zone: Asia::Seoul,
        weekly: Vec::new(),
        extra: Vec::new(),
        holidays: Vec::new(),
        occupied: Vec::new(),
        booked: Vec::new(),
        child: Vec::new(),
        daily_limit: 24,
        earliest: DateTime::UNIX_EPOCH,
        last_day: day("2100-01-01"),
    }
}

/// Sessions of 50 minutes with a buffer of 10.
fn visit() -> Visit {
    Visit::new(Kind::Online, 50, 10, 0)
}

/// The begins on these days, as local times.
fn begins(timetable: &Timetable, visit: &Visit, from: &str, to: &str) -> Vec<String> {
    let local = |slot: &Slot| slot.starts_at.with_timezone(&timetable.zone).format("%d %H:%M").to_string();
    timetable.slots(visit, day(from), day(to)).iter().map(local).collect()
}

fn at(zone: Tz, date: &str, minute: i16) -> DateTime<Utc> {
    moment(zone, day(date), minute)
}

#[test]
fn hours_that_touch_over_midnight_are_one() {
    let mut table = timetable();
    // Monday evening and Tuesday night.
    table.weekly = vec![(1, hours(23 * 60, MIDNIGHT)), (2, hours(0, 60))];
    let expected = ["23 23:00", "23 23:30", "24 00:00"];
    assert_eq!(begins(&table, &visit(), "2026-11-23", "2026-11-24"), expected);
    assert_eq!(begins(&table, &visit(), "2026-11-23", "2026-11-23"), expected[..2]);
    table.holidays = vec![day("2026-11-24")];
    assert_eq!(begins(&table, &visit(), "2026-11-23", "2026-11-24"), expected[..1]);
}

#[test]
fn a_holiday_has_extra_hours_alone() {
    let mut table = timetable();
    table.weekly = vec![(5, hours(9 * 60, 11 * 60))];
    table.holidays = vec![day("2026-12-25")];
    assert!(begins(&table, &visit(), "2026-12-25", "2026-12-25").is_empty());
    table.extra = vec![(day("2026-12-25"), hours(13 * 60, 14 * 60))];
    assert_eq!(begins(&table, &visit(), "2026-12-25", "2026-12-25"), ["25 13:00"]);
}

#[test]
fn both_bookings_keep_their_buffer_and_the_way() {
    let mut table = timetable();
    table.weekly = vec![(1, hours(9 * 60, 14 * 60))];
    let taken = |from, to| Span { from: at(Asia::Seoul, "2026-11-23", from), to: at(Asia::Seoul, "2026-11-23", to) };
    // 11:00 to 11:50 with its buffer.
    table.occupied = vec![taken(660, 720)];
    let online = ["23 09:00", "23 09:30", "23 10:00", "23 12:00", "23 12:30", "23 13:00"];
    assert_eq!(begins(&table, &visit(), "2026-11-23", "2026-11-23"), online);
    let home = Visit::new(Kind::HomeVisit, 50, 10, 30);
    assert_eq!(begins(&table, &home, "2026-11-23", "2026-11-23"), ["23 09:00", "23 09:30", "23 12:30", "23 13:00"]);
}

#[test]
fn a_full_day_has_nothing_left() {
    let mut table = timetable();
    table.weekly = vec![(1, hours(9 * 60, 12 * 60)), (2, hours(9 * 60, 10 * 60))];
    table.daily_limit = 1;
    table.booked = vec![at(Asia::Seoul, "2026-11-23", 0)];
    assert_eq!(begins(&table, &visit(), "2026-11-23", "2026-11-24"), ["24 09:00"]);
}

#[test]
fn clocks_that_are_put_on_and_back_move_no_hours() {
    let mut table = timetable();
    table.zone = Europe::Berlin;
    table.weekly = (0..7).map(|day| (day, hours(9 * 60, 10 * 60))).collect();
    // Put on on 29 March 2026 and back on 25 October.
    let march = table.slots(&visit(), day("2026-03-28"), day("2026-03-29"));
    assert_eq!(march[1].starts_at - march[0].starts_at, TimeDelta::hours(23));
    let october = table.slots(&visit(), day("2026-10-24"), day("2026-10-25"));
    assert_eq!(october[1].starts_at - october[0].starts_at, TimeDelta::hours(25));
    // From 2 to 3 there is nothing in March and two hours in October.
    table.weekly = vec![(0, hours(2 * 60, 3 * 60))];
    assert!(begins(&table, &visit(), "2026-03-29", "2026-03-29").is_empty());
    assert_eq!(table.slots(&visit(), day("2026-10-25"), day("2026-10-25")).len(), 3);
}

/// A minute of the model.
#[derive(Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "they have nothing to do with each other")]
struct Minute {
    works: bool,
    begins: bool,
    occupied: bool,
    child: bool,
}

/// The free begins of a stretch of days, found by walking through its minutes.
fn walked(table: &Timetable, kind: Kind, lengths: [i16; 3], from: NaiveDate, to: NaiveDate) -> Vec<DateTime<Utc>> {
    let zero = moment(table.zone, from - Days::new(1), 0);
    let end = moment(table.zone, to + Days::new(2), 0);
    let mut minutes = vec![Minute::default(); usize::try_from((end - zero).num_minutes()).expect("time goes on")];
    for (number, minute) in minutes.iter_mut().enumerate() {
        let now = zero + TimeDelta::minutes(i64::try_from(number).expect("few"));
        let local = now.with_timezone(&table.zone).naive_local();
        let clock = i16::try_from(local.hour() * 60 + local.minute()).expect("a minute of the day");
        let weekday = i16::try_from(local.weekday().num_days_from_sunday()).expect("one of seven");
        let weekly = table.weekly.iter().filter(|(on, _)| *on == weekday && !table.holidays.contains(&local.date()));
        let extra = table.extra.iter().filter(|(on, _)| *on == local.date());
        for hours in weekly.map(|it| it.1).chain(extra.map(|it| it.1)) {
            let inside = (hours.start_minute..hours.end_minute).contains(&clock);
            minute.works |= inside;
            minute.begins |= inside && (clock - hours.start_minute) % 30 == 0;
        }
        minute.occupied = table.occupied.iter().any(|span| (span.from..span.to).contains(&now));
        minute.child = table.child.iter().any(|span| (span.from..span.to).contains(&now));
    }
    let [session, buffer, travel] = lengths.map(|length| usize::try_from(length).expect("a length"));
    let travel = if kind == Kind::HomeVisit { travel } else { 0 };
    let free = |number: &usize| {
        let now = zero + TimeDelta::minutes(i64::try_from(*number).expect("few"));
        let date = now.with_timezone(&table.zone).date_naive();
        let that_day = table.booked.iter().filter(|it| it.with_timezone(&table.zone).date_naive() == date).count();
        minutes[*number].begins
            && (from..=to).contains(&date)
            && date <= table.last_day
            && now >= table.earliest
            && that_day < usize::try_from(table.daily_limit).expect("a number")
            && minutes[*number..number + session].iter().all(|it| it.works && !it.child)
            && !minutes[number - travel..number + session + buffer + travel].iter().any(|it| it.occupied)
    };
    let numbers = (0..minutes.len()).filter(free);
    numbers.map(|number| zero + TimeDelta::minutes(i64::try_from(number).expect("few"))).collect()
}

const SHOWN: u64 = 4;

/// Days that cross months, years, leap days, and in Berlin, New York and Lord Howe the changes of the clocks.
fn first_days() -> impl Strategy<Value = NaiveDate> {
    prop_oneof![
        (0_u64..1500).prop_map(|days| day("2026-01-01") + Days::new(days)),
        proptest::sample::select(vec![
            day("2027-12-30"),
            day("2028-02-27"),
            day("2026-03-27"),
            day("2026-10-23"),
            day("2026-03-06"),
            day("2026-10-30"),
            day("2026-04-03"),
            day("2026-10-02"),
        ]),
    ]
}

fn some_hours() -> impl Strategy<Value = Hours> {
    let edge = || prop_oneof![0..=MIDNIGHT, (0_i16..=48).prop_map(|half| half * 30), Just(MIDNIGHT), Just(0)];
    (edge(), edge()).prop_filter_map("no time", |(a, b)| (a != b).then(|| hours(a.min(b), a.max(b))))
}

fn spans(first: NaiveDate, zone: Tz) -> impl Strategy<Value = Vec<Span>> {
    let zero = moment(zone, first - Days::new(1), 0);
    let span = (0_i64..(6 * 1440), 1_i64..400).prop_map(move |(from, length)| {
        let from = zero + TimeDelta::minutes(from);
        Span { from, to: from + TimeDelta::minutes(length) }
    });
    proptest::collection::vec(span, 0..6)
}

fn tables() -> impl Strategy<Value = (NaiveDate, Timetable)> {
    let zones = vec![Asia::Seoul, Europe::Berlin, America::New_York, America::St_Johns, Australia::Lord_Howe];
    (first_days(), proptest::sample::select(zones)).prop_flat_map(|(first, zone)| {
        let within = || (0..=SHOWN + 1).prop_map(move |days| first + Days::new(days) - Days::new(1));
        (
            proptest::collection::vec((0_i16..7, some_hours()), 0..12),
            proptest::collection::vec((within(), some_hours()), 0..3),
            proptest::collection::vec(within(), 0..3),
            (spans(first, zone), spans(first, zone)),
            proptest::collection::vec((within(), 0..MIDNIGHT), 0..4),
            1_i16..4,
            (within(), 0..MIDNIGHT),
            within(),
        )
            .prop_map(
                move |(weekly, extra, holidays, (occupied, child), booked, daily_limit, earliest, last_day)| {
                    let booked = booked.into_iter().map(|(day, minute)| moment(zone, day, minute)).collect();
                    let earliest = moment(zone, earliest.0, earliest.1);
                    let last_day = last_day + Days::new(2);
                    let table = Timetable {
                        zone,
                        weekly,
                        extra,
                        holidays,
                        occupied,
                        booked,
                        child,
                        daily_limit,
                        earliest,
                        last_day,
                    };
                    (first, table)
                },
            )
    })
}

fn visits() -> impl Strategy<Value = (Kind, [i16; 3])> {
    let kinds = proptest::sample::select(vec![Kind::Online, Kind::InPerson, Kind::HomeVisit]);
    (kinds, (20_i16..=180, 0_i16..=120, 0_i16..=180)).prop_map(|(kind, (a, b, c))| (kind, [a, b, c]))
}

/// Whether clocks are changed on these days.
fn clocks_change(zone: Tz, from: NaiveDate, to: NaiveDate) -> bool {
    moment(zone, to, 0) - moment(zone, from, 0) != (to.and_time(NaiveTime::MIN) - from.and_time(NaiveTime::MIN))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn slots_are_what_a_walk_through_every_minute_finds((first, table) in tables(), (kind, lengths) in visits()) {
        let last = first + Days::new(SHOWN - 1);
        let visit = Visit::new(kind, lengths[0], lengths[1], lengths[2]);
        let slots: Vec<_> = table.slots(&visit, first, last).iter().map(|slot| slot.starts_at).collect();
        if clocks_change(table.zone, first - Days::new(1), last + Days::new(2)) {
            // Hours that begin or end in a change are a matter of taste; nothing else may differ.
            let calm = |begin: &&DateTime<Utc>| {
                let day = begin.with_timezone(&table.zone).date_naive();
                !clocks_change(table.zone, day, day + Days::new(2))
            };
            let walked = walked(&table, kind, lengths, first, last);
            prop_assert_eq!(
                slots.iter().filter(calm).collect::<Vec<_>>(),
                walked.iter().filter(calm).collect::<Vec<_>>()
            );
        } else {
            prop_assert_eq!(slots, walked(&table, kind, lengths, first, last));
        }
    }

    #[test]
    fn no_slot_meets_what_is_taken((first, table) in tables(), (kind, lengths) in visits()) {
        let visit = Visit::new(kind, lengths[0], lengths[1], lengths[2]);
        for slot in table.slots(&visit, first, first + Days::new(SHOWN - 1)) {
            let (from, to) = visit.occupied(slot.starts_at);
            prop_assert!(table.occupied.iter().all(|taken| to <= taken.from || from >= taken.to), "{:?}", slot);
            let apart = |taken: &Span| slot.ends_at <= taken.from || slot.starts_at >= taken.to;
            prop_assert!(table.child.iter().all(apart), "{:?}", slot);
            prop_assert!(slot.starts_at >= table.earliest);
            prop_assert_eq!((slot.ends_at - slot.starts_at).num_minutes(), i64::from(lengths[0]));
        }
    }

    #[test]
    fn days_together_have_the_slots_of_each_day((first, table) in tables(), (kind, lengths) in visits()) {
        let visit = Visit::new(kind, lengths[0], lengths[1], lengths[2]);
        let days = first.iter_days().take(usize::try_from(SHOWN).expect("few"));
        let each: Vec<Slot> = days.flat_map(|day| table.slots(&visit, day, day)).collect();
        let all = table.slots(&visit, first, first + Days::new(SHOWN - 1));
        let begins: HashSet<_> = all.iter().map(|slot| slot.starts_at).collect();
        prop_assert_eq!(begins.len(), all.len(), "no begin is there twice");
        prop_assert_eq!(all, each);
    }
}

/// `cargo test -p aipoten-matching --release -- --ignored --nocapture sixty_two_days`
#[test]
#[ignore = "a measurement"]
fn sixty_two_days_of_a_busy_therapist_take_less_than_five_milliseconds() {
    let mut table = timetable();
    let first = day("2026-11-23");
    table.weekly = (0..7).map(|day| (day, hours(0, MIDNIGHT))).collect();
    for day in first.iter_days().take(64) {
        for hour in (8..20).step_by(2) {
            let from = moment(table.zone, day, hour * 60);
            table.occupied.push(Span { from, to: from + TimeDelta::hours(1) });
            table.booked.push(from);
        }
    }
    table.holidays = first.iter_days().step_by(20).take(3).collect();
    let begun = Instant::now();
    let rounds = 100;
    let slots = (0..rounds).map(|_| table.slots(&visit(), first, first + Days::new(61)).len()).max();
    let each = begun.elapsed() / rounds;
    eprintln!("{each:?} for 62 days with {slots:?} slots");
    assert!(each.as_micros() < 5000, "{each:?}");
}
