//! Against a database, as both rules live in SQL: how the search is planned, and which days are free.

use aipoten_kit::test::TestDatabase;
use chrono::{Days, Utc};
use sqlx::{Execute as _, PgPool};

use super::*;
use crate::calendar::free_slots;
use crate::region;
use crate::therapist::Specialty;
use crate::therapist::search::words;

const PAGE: Page = Page { number: 1, limit: 20 };

async fn database() -> TestDatabase {
    TestDatabase::create(&[&aipoten_events::MIGRATOR, &crate::MIGRATOR]).await
}

/// How PostgreSQL would go about it.
async fn plan(pool: &PgPool, mut query: QueryBuilder<Postgres>) -> String {
    let explained = format!("EXPLAIN {}", query.sql().as_str());
    let arguments = query.build().take_arguments().expect("arguments").expect("arguments");
    let mut explain = QueryBuilder::<Postgres>::with_arguments(explained, arguments);
    let lines: Vec<String> = explain.build_query_scalar().fetch_all(pool).await.expect("a plan");
    lines.join("\n")
}

#[tokio::test]
async fn a_search_among_20_000_therapists_reads_no_more_than_it_has_to() {
    let database = database().await;
    let pool = &database.pool;
    sqlx::raw_sql(include_str!("../../../../tests/therapists.sql")).execute(pool).await.expect("20,000 therapists");
    sqlx::raw_sql("VACUUM ANALYZE therapist_profiles").execute(pool).await.expect("what autovacuum does");
    let three = |q: &str| Filter {
        specialty: Some(Specialty::Speech),
        regions: Some(region::around(&["11".to_owned()])),
        kind: Some(Kind::Online),
        words: Some(words(q)),
        ..Filter::default()
    };
    let sorted = |sort| Filter { sort: Some(sort), ..Filter::default() };
    let today = Utc::now().date_naive();
    for (filter, search) in [
        (three("아이"), Search::Exact),
        (
            Filter { fee_max: Some(60_000), rating_min: Some(4.0), sort: Some(Sort::Fee), ..three("아이 놀이") },
            Search::Exact,
        ),
        (Filter { available_on: Some(today + Days::new(7)), ..three("김") }, Search::Exact),
        (three("어너치료"), Search::Forgiving),
        (Filter { words: Some(words("박서증")), ..Filter::default() }, Search::Forgiving),
    ] {
        for query in [page_query(PAGE, &filter, search), count_query(&filter, search)] {
            let plan = plan(pool, query).await;
            assert!(!plan.contains("Seq Scan on therapist_profiles"), "{filter:?}\n{plan}");
            assert!(!plan.contains("Seq Scan on therapist_availability"), "{filter:?}\n{plan}");
        }
    }
    for sort in [Sort::RatingDown, Sort::Rating, Sort::Fee, Sort::FeeDown, Sort::Experience, Sort::ExperienceDown] {
        let plan = plan(pool, page_query(PAGE, &sorted(sort), Search::Exact)).await;
        assert!(plan.contains("Index Scan") && !plan.contains("Sort"), "{sort:?}\n{plan}");
    }
}

/// Therapists of all sorts, with hours, holidays, extra times, sessions and time off in the days to come.
const CALENDARS: &str = "
    SELECT setseed(0.7);
    INSERT INTO therapist_profiles (id, display_name, specialties, years_of_experience, certifications, bio, consultation_fee,
        session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days, daily_limit, consultation_kinds,
        region_codes, works_on_holidays, approval_status, licence_valid_until, search_name, search_text)
    SELECT gen_random_uuid(), 'T', '{play}', 1, '{}', '.', 50000, 30 + n % 4 * 20, n % 3 * 15, n % 4 * 20, n % 5 * 24,
        3 + n % 9, 1 + n % 3, CASE n % 3 WHEN 0 THEN '{online}' WHEN 1 THEN '{home_visit}' ELSE '{online,home_visit}' END::text[],
        '{11}', n % 2 = 0, 'approved', 'infinity', '', ''
    FROM generate_series(1, 60) AS n;
    INSERT INTO public_holidays SELECT current_date + n, '', '' FROM generate_series(2, 8, 3) AS n;
    INSERT INTO therapist_availability (id, therapist_id, day_of_week, start_minute, end_minute)
    SELECT gen_random_uuid(), id, day, start, least(1440, start + 30 + (random() * 150)::int)
    FROM therapist_profiles, generate_series(0, 6) AS day, (VALUES (0), (555), (720), (1300)) AS begin (start)
    WHERE random() < 0.3;
    INSERT INTO therapist_blocked_dates (id, therapist_id, date, start_minute, end_minute, kind)
    SELECT gen_random_uuid(), id, current_date + day, 600, 720, 'extra' FROM therapist_profiles, generate_series(0, 10) AS day
    WHERE random() < 0.1;
    INSERT INTO therapist_blocked_dates (id, therapist_id, date, kind)
    SELECT id, id, current_date + (random() * 9)::int, 'blocked' FROM therapist_profiles WHERE random() < 0.5;
    INSERT INTO calendar_entries (id, therapist_id, occupied, kind, blocked_date_id)
    SELECT gen_random_uuid(), id, tstzrange(date::timestamp AT TIME ZONE 'Asia/Seoul', (date + 1)::timestamp AT TIME ZONE 'Asia/Seoul'),
        'time_off', id
    FROM therapist_blocked_dates WHERE kind = 'blocked';
    INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions, discounted_price,
        preferred_dates, status, expires_at)
    SELECT id, id, id, id, 'online', 12, 1, '{}', 'approved', now() FROM therapist_profiles;
    INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
        total_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price, price_policy_id,
        refund_policy_id, status)
    SELECT t.id, t.id, t.id, t.id, t.id, 'online', 30, 12, 12, 0, 1, 1, p.id, r.id, 'active'
    FROM therapist_profiles t, price_policies p, refund_policies r;
    INSERT INTO consultations (id, package_id, session_number, therapist_id, parent_user_id, child_id, kind, session_fee,
        platform_fee, status)
    SELECT gen_random_uuid(), id, number, id, id, id, 'online', 0, 0, 'unscheduled'
    FROM therapist_profiles, generate_series(1, 12) AS number;
    INSERT INTO calendar_entries (id, therapist_id, child_id, occupied, session, kind, consultation_id, hold_until)
    SELECT gen_random_uuid(), therapist_id, gen_random_uuid(), tstzrange(begins, begins + interval '70 minutes'),
        tstzrange(begins, begins + interval '60 minutes'), CASE WHEN hold THEN 'hold' ELSE 'session' END, id,
        CASE WHEN hold THEN now() + (random() - 0.5) * interval '1 hour' END
    FROM (SELECT id, therapist_id, random() < 0.4 AS hold, date_trunc('hour', now()) + interval '1 hour' * (random() * 240)::int
          AS begins FROM consultations) AS made
    ON CONFLICT DO NOTHING;
";

#[tokio::test]
async fn who_is_available_on_a_day_is_who_has_a_slot_on_it() {
    let database = database().await;
    sqlx::raw_sql(CALENDARS).execute(&database.pool).await.expect("calendars");
    let mut conn = database.pool.acquire().await.expect("a connection");
    let (all, _) = all(&mut conn, &Filter::default()).await;
    let (mut free, mut full) = (0, 0);
    for (day, kind) in (0..11).flat_map(|day| [None, Some(Kind::Online), Some(Kind::HomeVisit)].map(|kind| (day, kind)))
    {
        let day = Utc::now().with_timezone(&chrono_tz::Asia::Seoul).date_naive() + Days::new(day);
        let filter = Filter { available_on: Some(day), kind, ..Filter::default() };
        let (found, total) = self::all(&mut conn, &filter).await;
        assert_eq!(usize::try_from(total).ok(), Some(found.len()));
        let of_kind = |it: &&Therapist| kind.is_none_or(|kind| it.consultation_kinds.contains(&kind));
        for therapist in all.iter().filter(of_kind) {
            let least = if therapist.consultation_kinds == [Kind::HomeVisit] { Kind::HomeVisit } else { Kind::Online };
            let slots =
                free_slots(&mut conn, therapist.id, kind.unwrap_or(least), day, day, None).await.expect("slots");
            let listed = found.iter().any(|it| it.id == therapist.id);
            assert_eq!(listed, !slots.is_empty(), "{therapist:?} {day} {kind:?} {slots:?}");
            if listed { free += 1 } else { full += 1 }
        }
    }
    assert!(free > 100 && full > 100, "{free} and {full}: too few of one sort to tell");
}

async fn all(conn: &mut PgConnection, filter: &Filter) -> (Vec<Therapist>, i64) {
    let every = Page { number: 1, limit: 100 };
    let found = page(conn, every, filter, Search::Exact).await.expect("a page");
    (found, count(conn, filter, Search::Exact).await.expect("a count"))
}
