//! Against a database: how the search is planned.

use aipoten_kit::test::TestDatabase;
use chrono::{Days, Utc};
use sqlx::{Execute as _, PgPool};

use super::*;
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
