//! Finding therapists.

use std::time::{Duration, Instant};

use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::SuggestionKind::{Region, Specialty, Therapist};
use aipoten_proto::moment;
use chrono::{Datelike as _, Days, Weekday};
use tonic::{Code, Status};

use crate::world::{Person, World, profile, today, violations};

async fn found(world: &World, ask: proto::ListTherapistsRequest) -> Result<Vec<String>, Status> {
    let answer = world.therapists().list_therapists(ask).await?.into_inner();
    let total = answer.page_info.expect("a page").total;
    assert_eq!(usize::try_from(total).ok(), Some(answer.therapists.len()), "all on one page");
    Ok(answer.therapists.into_iter().map(|it| it.display_name).collect())
}

async fn search(world: &World, q: &str) -> Vec<String> {
    let ask = proto::ListTherapistsRequest { q: Some(q.to_owned()), ..proto::ListTherapistsRequest::default() };
    let mut names = found(world, ask).await.expect("a list");
    names.sort();
    names
}

async fn rate(world: &World, who: &Person, sum: i64, count: i32) {
    sqlx::query("UPDATE therapist_profiles SET rating_sum = $2, review_count = $3 WHERE id = $1::uuid")
        .bind(&who.id)
        .bind(sum)
        .bind(count)
        .execute(world.database())
        .await
        .expect("rated");
}

/// A speech therapist in all of Seoul, a play therapist in a district of Suwon, and one who works online.
async fn three(world: &World) -> [Person; 3] {
    let speech = proto::PutProfileRequest { bio: "느린 아이와 천천히 걷습니다.".to_owned(), ..profile() };
    let play = proto::PutProfileRequest {
        display_name: "이하늘".to_owned(),
        specialties: vec![proto::Specialty::Play.into(), proto::Specialty::Sensory.into()],
        years_of_experience: 20,
        consultation_fee: 60_000,
        consultation_kinds: vec![proto::ConsultationKind::InPerson.into()],
        region_codes: vec!["41111".to_owned()],
        ..profile()
    };
    let online = proto::PutProfileRequest {
        display_name: "Mina Kim".to_owned(),
        specialties: vec![proto::Specialty::Psychological.into()],
        years_of_experience: 2,
        consultation_fee: 100_000,
        consultation_kinds: vec![proto::ConsultationKind::Online.into()],
        region_codes: Vec::new(),
        bio: "Ten years in Busan.".to_owned(),
        ..profile()
    };
    [world.listed(speech).await, world.listed(play).await, world.listed(online).await]
}

#[tokio::test]
async fn every_filter_narrows_the_list_and_every_sort_orders_it() {
    let world = World::start().await;
    let [speech, play, online] = three(&world).await;
    // A mean of 5.00 of one review is not worth more than 4.90 of fifty.
    rate(&world, &speech, 245, 50).await;
    rate(&world, &play, 5, 1).await;
    rate(&world, &online, 10, 4).await;
    let any = proto::ListTherapistsRequest::default;
    let kind = |kind: proto::ConsultationKind| proto::ListTherapistsRequest { kind: Some(kind.into()), ..any() };
    let region = |code: &str| proto::ListTherapistsRequest { region: Some(code.to_owned()), ..any() };
    let sort = |sort: &str| proto::ListTherapistsRequest { sort: Some(sort.to_owned()), ..any() };
    let specialty = Some(proto::Specialty::Sensory.into());
    for (ask, names) in [
        (any(), vec!["박서준", "이하늘", "Mina Kim"]),
        (sort("rating"), vec!["Mina Kim", "이하늘", "박서준"]),
        (sort("-rating"), vec!["박서준", "이하늘", "Mina Kim"]),
        (sort("fee"), vec!["이하늘", "박서준", "Mina Kim"]),
        (sort("-fee"), vec!["Mina Kim", "박서준", "이하늘"]),
        (sort("experience"), vec!["Mina Kim", "박서준", "이하늘"]),
        (sort("-experience"), vec!["이하늘", "박서준", "Mina Kim"]),
        (proto::ListTherapistsRequest { specialty, ..any() }, vec!["이하늘"]),
        (kind(proto::ConsultationKind::Online), vec!["박서준", "Mina Kim"]),
        (kind(proto::ConsultationKind::HomeVisit), vec!["박서준"]),
        (region("11"), vec!["박서준"]),
        (region("11680"), vec!["박서준"]),
        (region("41"), vec!["이하늘"]),
        (region("41110"), vec!["이하늘"]),
        (region("41113"), vec![]),
        (region("42"), vec![]),
        (proto::ListTherapistsRequest { fee_min: Some(60_001), fee_max: Some(80_000), ..any() }, vec!["박서준"]),
        (proto::ListTherapistsRequest { rating_min: Some(4.9), ..any() }, vec!["박서준", "이하늘"]),
        (proto::ListTherapistsRequest { rating_min: Some(4.91), ..any() }, vec!["이하늘"]),
        (
            proto::ListTherapistsRequest { q: Some("천천히".to_owned()), ..kind(proto::ConsultationKind::Online) },
            vec!["박서준"],
        ),
    ] {
        assert_eq!(found(&world, ask.clone()).await.expect("a list"), names, "{ask:?}");
    }
    let ask = proto::GetTherapistRequest { therapist_id: speech.id };
    let shown = world.therapists().get_therapist(ask).await.expect("listed").into_inner();
    assert_eq!((shown.rating, shown.review_count), (Some(4.9), 50), "the plain mean is shown");
}

#[tokio::test]
async fn parts_of_words_are_found_and_typing_errors_forgiven() {
    let world = World::start().await;
    three(&world).await;
    for (q, names) in [
        ("박서준", vec!["박서준"]),
        ("서준", vec!["박서준"]),
        ("박", vec!["박서준"]),
        ("언어", vec!["박서준"]),
        ("언ㅇ", vec!["박서준"]),
        ("어치", vec!["박서준"]),
        ("djsdj", vec!["박서준"]),
        ("서울 언어치료", vec!["박서준"]),
        ("장안구", vec!["이하늘"]),
        ("수원 놀이", vec!["이하늘"]),
        ("수원 언어", vec![]),
        ("천천히", vec!["박서준", "이하늘"]),
        ("느린 아이", vec!["박서준"]),
        ("SPEECH", vec!["박서준"]),
        ("busan", vec!["Mina Kim"]),
        ("상담", vec!["Mina Kim"]),
        // Typing errors.
        ("박서중", vec!["박서준"]),
        ("박세준", vec!["박서준"]),
        ("언어치로", vec!["박서준"]),
        ("어너치료", vec!["박서준"]),
        ("노리치료", vec!["이하늘"]),
        ("수언시", vec!["이하늘"]),
        ("speach", vec!["박서준"]),
        // What means nothing finds nothing.
        ("xyzxyz", vec![]),
        ("%", vec![]),
        ("_|_", vec![]),
    ] {
        assert_eq!(search(&world, q).await, names, "{q}");
    }
}

#[tokio::test]
async fn the_closest_come_first_unless_a_sort_is_asked_for() {
    let world = World::start().await;
    let named = |name: &str, bio: &str| proto::PutProfileRequest {
        display_name: name.to_owned(),
        bio: bio.to_owned(),
        specialties: vec![proto::Specialty::Physical.into()],
        consultation_fee: 10_000 * i64::try_from(name.len()).expect("short"),
        ..profile()
    };
    let in_bio = world.listed(named("가나", "놀이도 좋아합니다.")).await;
    let play = proto::PutProfileRequest { specialties: vec![proto::Specialty::Play.into()], ..named("가나다", ".") };
    let in_specialty = world.listed(play).await;
    world.listed(named("한놀이치료사", ".")).await;
    rate(&world, &in_bio, 500, 100).await;
    rate(&world, &in_specialty, 50, 10).await;
    let ask = proto::ListTherapistsRequest { q: Some("놀이".to_owned()), ..proto::ListTherapistsRequest::default() };
    assert_eq!(found(&world, ask.clone()).await.expect("a list"), ["한놀이치료사", "가나다", "가나"]);
    let ask = proto::ListTherapistsRequest { sort: Some("fee".to_owned()), ..ask };
    assert_eq!(found(&world, ask).await.expect("a list"), ["가나", "가나다", "한놀이치료사"]);
}

#[tokio::test]
async fn only_those_with_a_free_slot_are_available() {
    let world = World::start().await;
    let [working, ..] = three(&world).await;
    let day = today() + Days::new(3);
    sqlx::query("INSERT INTO therapist_availability VALUES (gen_random_uuid(), $1::uuid, $2, 540, 600)")
        .bind(&working.id)
        .bind(i16::try_from(day.weekday().num_days_from_sunday()).expect("small"))
        .execute(world.database())
        .await
        .expect("an hour a week");
    let on = |day: chrono::NaiveDate| proto::ListTherapistsRequest {
        available_on: Some(day.to_string()),
        ..proto::ListTherapistsRequest::default()
    };
    assert_eq!(found(&world, on(day)).await.expect("a list"), ["박서준"]);
    for other in [day - Days::new(1), day + Days::new(1), day - Days::new(7), day + Days::new(70)] {
        assert_eq!(found(&world, on(other)).await.expect("a list"), Vec::<String>::new(), "{other}");
    }
}

#[tokio::test]
async fn who_is_available_on_a_day_is_who_has_a_slot_on_it() {
    let world = World::start().await;
    sqlx::raw_sql(include_str!("../calendars.sql")).execute(world.database()).await.expect("calendars");
    let any = proto::ListTherapistsRequest { limit: Some(100), ..proto::ListTherapistsRequest::default() };
    let list = async |ask: proto::ListTherapistsRequest| {
        let answer = world.therapists().list_therapists(ask).await.expect("a list").into_inner();
        answer.therapists.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let all = list(any.clone()).await;
    let (mut free, mut full) = (0, 0);
    for kind in [None, Some(proto::ConsultationKind::Online.into()), Some(proto::ConsultationKind::HomeVisit.into())] {
        let mut slots = Vec::new();
        for therapist_id in &all {
            let (from, to) = (Some(today().to_string()), Some((today() + Days::new(10)).to_string()));
            let ask = proto::ListSlotsRequest { therapist_id: therapist_id.clone(), from, to, kind };
            let found = world.calendars().list_slots(ask).await.expect("slots").into_inner().slots;
            let begins = found.into_iter().map(|it| moment(it.starts_at.expect("a begin")).expect("a moment"));
            slots.extend(begins.map(|it| (therapist_id, it.with_timezone(&chrono_tz::Asia::Seoul).date_naive())));
        }
        for day in (0..=10).map(|days| today() + Days::new(days)) {
            let ask = proto::ListTherapistsRequest { available_on: Some(day.to_string()), kind, ..any.clone() };
            let available = list(ask).await;
            for therapist_id in &all {
                let has_slot = slots.contains(&(therapist_id, day));
                assert_eq!(available.contains(therapist_id), has_slot, "{therapist_id} {day} {kind:?}");
                if has_slot { free += 1 } else { full += 1 }
            }
        }
    }
    assert!(free > 100 && full > 100, "{free} and {full}: too few of one sort to tell");
}

#[tokio::test]
async fn a_search_is_refused_with_all_that_is_wrong_with_it() {
    let world = World::start().await;
    let wrong = proto::ListTherapistsRequest {
        specialty: Some(99),
        region: Some("99".to_owned()),
        kind: Some(0),
        fee_min: Some(-1),
        fee_max: Some(-1),
        rating_min: Some(5.5),
        available_on: Some("soon".to_owned()),
        q: Some(" ".to_owned()),
        sort: Some("name".to_owned()),
        page: Some(0),
        limit: Some(101),
    };
    let refused = world.therapists().list_therapists(wrong).await.expect_err("wrong");
    assert_eq!(
        violations(&refused),
        [
            "available_on: not_a_date",
            "fee_max: out_of_range min=0 max=9223372036854775807",
            "fee_min: out_of_range min=0 max=9223372036854775807",
            "kind: required",
            "limit: out_of_range min=1 max=100",
            "page: out_of_range min=1 max=10000",
            "q: required",
            "rating_min: out_of_range min=1 max=5",
            "region: unknown_region",
            "sort: unknown_sort",
            "specialty: required",
        ]
    );
    let nan = proto::ListTherapistsRequest { rating_min: Some(f64::NAN), ..proto::ListTherapistsRequest::default() };
    assert_eq!(world.therapists().list_therapists(nan).await.expect_err("no number").code(), Code::InvalidArgument);
    let nobody = world.therapists().get_therapist(proto::GetTherapistRequest { therapist_id: "x".to_owned() }).await;
    assert_eq!(violations(&nobody.expect_err("no id")), ["therapist_id: not_a_uuid"]);
}

#[tokio::test]
async fn what_is_being_typed_is_completed() {
    let world = World::start().await;
    let [speech, ..] = three(&world).await;
    world.therapists().put_profile(world.therapist().await.asks(profile())).await.expect("one who is not listed");
    let suggest = async |q: &str| {
        let ask = proto::SuggestTherapistsRequest { q: q.to_owned() };
        let answer = world.therapists().suggest_therapists(ask).await.expect("suggestions").into_inner();
        answer.suggestions.into_iter().map(|it| (it.kind(), it.text, it.value)).collect::<Vec<_>>()
    };
    assert_eq!(suggest("언ㅇ").await, [(Specialty, "언어치료".to_owned(), "speech".to_owned())]);
    assert_eq!(suggest("박서").await, [(Therapist, "박서준".to_owned(), speech.id.clone())], "listed ones alone");
    assert_eq!(suggest("장안").await, [(Region, "경기도 수원시 장안구".to_owned(), "41111".to_owned())]);
    assert_eq!(suggest("kim").await[0].1, "Mina Kim");
    assert_eq!(suggest("서울").await[0], (Region, "서울특별시".to_owned(), "11".to_owned()));
    assert!(suggest("ㄱ").await.len() <= 10);
    assert_eq!(suggest("!").await, []);
    let nothing = world.therapists().suggest_therapists(proto::SuggestTherapistsRequest::default()).await;
    assert_eq!(violations(&nothing.expect_err("nothing typed")), ["q: required"]);
}

#[tokio::test]
#[ignore = "takes a while and prints figures: make bench-search"]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn bench_search_among_20_000_therapists() {
    let world = World::start().await;
    sqlx::raw_sql(include_str!("../therapists.sql")).execute(world.database()).await.expect("20,000 therapists");
    sqlx::raw_sql("VACUUM ANALYZE therapist_profiles").execute(world.database()).await.expect("what autovacuum does");
    let any = proto::ListTherapistsRequest::default;
    let three = |q: &str| proto::ListTherapistsRequest {
        specialty: Some(proto::Specialty::Speech.into()),
        region: Some("11".to_owned()),
        kind: Some(proto::ConsultationKind::Online.into()),
        q: Some(q.to_owned()),
        ..any()
    };
    let sunday = today().week(Weekday::Mon).last_day();
    let next_wednesday = Some((sunday + Days::new(3)).to_string());
    let cases = [
        ("3 filters and text", three("아이")),
        ("3 filters and two words", three("놀이 발달")),
        ("3 filters and a surname", three("김")),
        ("3 filters and a typing error", three("어너치료")),
        (
            "fee, rating, day and text",
            proto::ListTherapistsRequest {
                fee_max: Some(60_000),
                rating_min: Some(4.2),
                available_on: next_wednesday.clone(),
                q: Some("자폐".to_owned()),
                ..any()
            },
        ),
        ("nothing at all", any()),
        ("text that stands nearly everywhere", proto::ListTherapistsRequest { q: Some("언어".to_owned()), ..any() }),
        ("a day alone", proto::ListTherapistsRequest { available_on: next_wednesday, ..any() }),
        (
            "a day on which nobody works",
            proto::ListTherapistsRequest { available_on: Some(sunday.to_string()), ..any() },
        ),
    ];
    let mut slow = Vec::new();
    for (index, (what, ask)) in cases.into_iter().enumerate() {
        let mut times = Vec::new();
        for _ in 0..200 {
            let begun = Instant::now();
            world.therapists().list_therapists(ask.clone()).await.expect("a list");
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let (median, p95) = (times[100], times[190]);
        println!("{what:<36} median {median:>9.1?}  p95 {p95:>9.1?}");
        slow.extend((index < 4 && p95 >= Duration::from_millis(30)).then_some(what));
    }
    assert!(slow.is_empty(), "{slow:?} take too long");
}
