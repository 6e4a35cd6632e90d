//! Against a database: how the search is planned.

use aipoten_kit::test::TestDatabase;
use chrono::{Days, Utc, Weekday};
use sqlx::{Execute as _, PgPool};

use super::*;
use crate::region;
use crate::therapist::Specialty;
use crate::therapist::search::words;

const PAGE: Page = Page { number: 1, limit: 20 };

/// 20,000 therapists.
async fn database() -> TestDatabase {
    let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &crate::MIGRATOR]).await;
    let therapists = sqlx::raw_sql(include_str!("../../../../tests/therapists.sql"));
    therapists.execute(&database.pool).await.expect("20,000 therapists");
    let vacuum = sqlx::raw_sql("VACUUM ANALYZE therapist_profiles");
    vacuum.execute(&database.pool).await.expect("what autovacuum does");
    database
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
async fn a_search_among_20_000_therapists_finds_the_closest_and_reads_no_more_than_it_has_to() {
    let database = database().await;
    reads_no_more_than_it_has_to(&database.pool).await;
    finds_the_closest(&database.pool).await;
}

async fn reads_no_more_than_it_has_to(pool: &PgPool) {
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
    let everywhere = words("언어");
    for filter in [Filter::default(), Filter { available_on: Some(today + Days::new(7)), ..Filter::default() }] {
        let plan = plan(pool, closest_query(PAGE, &filter, &everywhere)).await;
        assert!(!plan.contains("Seq Scan on therapist_profiles"), "{filter:?}\n{plan}");
    }
    for sort in [Sort::RatingDown, Sort::Rating, Sort::Fee, Sort::FeeDown, Sort::Experience, Sort::ExperienceDown] {
        let plan = plan(pool, page_query(PAGE, &sorted(sort), Search::Exact)).await;
        assert!(plan.contains("Index Scan") && !plan.contains("Sort"), "{sort:?}\n{plan}");
    }
}

/// As if all were sorted.
async fn finds_the_closest(pool: &PgPool) {
    // From Monday to Friday all of them work.
    let day = Utc::now().date_naive().week(Weekday::Mon).last_day() + Days::new(3);
    let any = |q: &str| Filter { words: Some(words(q)), ..Filter::default() };
    for filter in [
        any("언어"),
        any("이"),
        any("서울 언어"),
        any("아이 놀이"),
        Filter { fee_max: Some(60_000), available_on: Some(day), ..any("언어") },
    ] {
        for page in [PAGE, Page { number: 3, limit: 100 }] {
            let words = filter.words.as_deref().expect("words");
            let sorted = ids(pool, page_query(page, &filter, Search::Exact)).await;
            assert!(!sorted.is_empty(), "{filter:?}");
            assert_eq!(ids(pool, closest_query(page, &filter, words)).await, sorted, "{filter:?}");
        }
    }
}

async fn ids(pool: &PgPool, mut query: QueryBuilder<Postgres>) -> Vec<Uuid> {
    let found: Vec<Therapist> = query.build_query_as().fetch_all(pool).await.expect("a page");
    found.into_iter().map(|it| it.id).collect()
}
