//! SQL of the search. What is asked for is put together at run time and planned with its values each time: a plan made for any
//! values would not know that a word is rare.

use aipoten_kit::Page;
use chrono::{Datelike as _, NaiveDate};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{LISTED, push_page, select};
use crate::kind::Kind;
use crate::therapist::search::pattern;
use crate::therapist::typo::Meant;
use crate::therapist::{Filter, Search, Sort, Therapist};

/// How much of a word's trigrams have to be found in a name for it to be meant: one wrong letter is forgiven.
const SIMILARITY: &str = "0.45";

/// Tells this connection how much is forgiven.
pub(crate) async fn forgive(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT set_config('pg_trgm.word_similarity_threshold', $1, false)")
        .bind(SIMILARITY)
        .execute(conn)
        .await?;
    Ok(())
}

/// `total` is what [`count`] counted: where many match, the closest are looked for in another way.
pub(crate) async fn page(
    conn: &mut PgConnection,
    page: Page,
    filter: &Filter,
    search: Search,
    total: i64,
) -> sqlx::Result<Vec<Therapist>> {
    let mut query = match (&filter.words, filter.sort, search) {
        (Some(words), None, Search::Exact) if total >= filter.counted() => closest_query(page, filter, words),
        _ => page_query(page, filter, search),
    };
    query.build_query_as().persistent(false).fetch_all(conn).await
}

fn page_query(page: Page, filter: &Filter, search: Search) -> QueryBuilder<Postgres> {
    let mut query = select();
    push_filter(&mut query, filter);
    push_words(&mut query, filter, search);
    push_order(&mut query, filter, search);
    push_page(&mut query, page);
    query
}

/// The closest of many: as many of each closeness as the page may need, the best first, instead of all to be sorted.
fn closest_query(page: Page, filter: &Filter, words: &[String]) -> QueryBuilder<Postgres> {
    let mut query = select();
    for (closeness, column, closer) in [
        (2, "search_name", None),
        (1, "search_summary", Some("search_name")),
        (0, "search_text", Some("search_summary")),
    ] {
        query.push(if closeness == 2 { " JOIN (" } else { " UNION ALL " });
        query.push(format!("(SELECT t.id, {closeness} AS closeness FROM therapist_profiles t"));
        push_filter(&mut query, filter);
        push_held(query.push(" AND "), column, words);
        if let Some(closer) = closer {
            push_held(query.push(" AND NOT "), closer, words);
        }
        query.push(" ORDER BY ").push(Sort::RatingDown.order_by());
        query.push(" LIMIT ").push_bind(page.offset() + page.rows()).push(")");
    }
    query.push(") found USING (id) ORDER BY found.closeness DESC, ").push(Sort::RatingDown.order_by());
    push_page(&mut query, page);
    query
}

pub(crate) async fn count(conn: &mut PgConnection, filter: &Filter, search: Search) -> sqlx::Result<i64> {
    count_query(filter, search).build_query_scalar().persistent(false).fetch_one(conn).await
}

fn count_query(filter: &Filter, search: Search) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT FROM therapist_profiles t");
    push_filter(&mut query, filter);
    push_words(&mut query, filter, search);
    query.push(" LIMIT ").push_bind(filter.counted()).push(") counted");
    query
}

/// All that is asked for but words.
fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    query.push(" WHERE ").push(LISTED);
    if let Some(specialty) = filter.specialty {
        query.push(" AND t.specialties @> ").push_bind(vec![specialty.as_str()]);
    }
    if let Some(kind) = filter.kind {
        query.push(" AND t.consultation_kinds @> ").push_bind(vec![kind.as_str()]);
    }
    if let Some(regions) = &filter.regions {
        query.push(" AND t.region_codes && ").push_bind(regions.clone());
    }
    if let Some(fee) = filter.fee_min {
        query.push(" AND t.consultation_fee >= ").push_bind(fee);
    }
    if let Some(fee) = filter.fee_max {
        query.push(" AND t.consultation_fee <= ").push_bind(fee);
    }
    if let Some(rating) = filter.rating_min {
        query.push(" AND t.rating >= ").push_bind(rating);
    }
    if let Some(day) = filter.available_on {
        push_free_on(query, day, filter.kind);
    }
}

fn push_words(query: &mut QueryBuilder<Postgres>, filter: &Filter, search: Search) {
    let Some(words) = &filter.words else { return };
    if words.is_empty() {
        query.push(" AND false");
        return;
    }
    match search {
        Search::Exact => push_held(query.push(" AND "), "search_text", words),
        Search::Forgiving => {
            for word in words {
                let meant = Meant::by(word);
                query.push(" AND (t.specialties && ").push_bind(meant.specialties);
                query.push(" OR t.region_codes && ").push_bind(meant.regions);
                query.push(" OR t.search_name %> ").push_bind(word.clone()).push(")");
            }
        }
    }
}

/// That a text holds every word.
fn push_held(query: &mut QueryBuilder<Postgres>, column: &str, words: &[String]) {
    for (at, word) in words.iter().enumerate() {
        query.push(if at == 0 { "(" } else { " AND " });
        query.push(format!("t.{column} LIKE ")).push_bind(pattern(word));
    }
    query.push(")");
}

/// The closest first: where the name, then where the specialties or regions hold the words; or the most similar names.
fn push_order(query: &mut QueryBuilder<Postgres>, filter: &Filter, search: Search) {
    query.push(" ORDER BY ");
    match (filter.sort, filter.words.as_deref().unwrap_or_default()) {
        (Some(sort), _) => {
            query.push(sort.order_by());
            return;
        }
        (None, []) => {}
        (None, words) if search == Search::Exact => {
            for column in ["search_name", "search_summary"] {
                push_held(query, column, words);
                query.push(" DESC, ");
            }
        }
        (None, words) => {
            query.push("word_similarity(").push_bind(words.join(" ")).push(", t.search_name) DESC, ");
        }
    }
    query.push(Sort::RatingDown.order_by());
}

impl Sort {
    fn order_by(self) -> &'static str {
        match self {
            Self::Rating => "t.weighted_rating, t.id",
            Self::RatingDown => "t.weighted_rating DESC, t.id DESC",
            Self::Fee => "t.consultation_fee, t.id",
            Self::FeeDown => "t.consultation_fee DESC, t.id DESC",
            Self::Experience => "t.years_of_experience, t.id",
            Self::ExperienceDown => "t.years_of_experience DESC, t.id DESC",
        }
    }
}

/// Only those with a free slot on a day: `calendar::slot` in SQL, as thousands of therapists are looked at. A test compares
/// the two. Without a kind, the least demanding one that the therapist offers.
fn push_free_on(query: &mut QueryBuilder<Postgres>, day: NaiveDate, kind: Option<Kind>) {
    let travel = match kind {
        Some(Kind::HomeVisit) => "t.travel_minutes",
        Some(Kind::Online | Kind::InPerson) => "0",
        None => "CASE WHEN t.consultation_kinds = '{home_visit}' THEN t.travel_minutes ELSE 0 END",
    };
    push_works_on(query, day);
    query.push(" AND ").push_bind(day).push(" <= (now() AT TIME ZONE 'Asia/Seoul')::date + t.horizon_days");
    query.push(
        " AND t.daily_limit > (
              SELECT count(*) FROM calendar_entries e
              WHERE e.therapist_id = t.id AND (e.hold_until IS NULL OR e.hold_until > now())
                AND (lower(e.session) AT TIME ZONE 'Asia/Seoul')::date = ",
    );
    query.push_bind(day).push(
        ") AND EXISTS (
              WITH hours AS (
                  SELECT d.day, tstzrange((d.day + w.start_minute * interval '1 minute') AT TIME ZONE 'Asia/Seoul',
                                          (d.day + w.end_minute * interval '1 minute') AT TIME ZONE 'Asia/Seoul') AS span
                  FROM (SELECT ",
    );
    query.push_bind(day).push("::date AS day UNION ALL SELECT ").push_bind(day).push(
        "::date + 1) d
                  CROSS JOIN LATERAL (
                      SELECT a.start_minute, a.end_minute FROM therapist_availability a
                      WHERE a.therapist_id = t.id AND a.day_of_week = extract(dow FROM d.day)::smallint
                        AND (t.works_on_holidays OR NOT EXISTS (SELECT FROM public_holidays h WHERE h.date = d.day))
                      UNION ALL
                      SELECT b.start_minute, b.end_minute FROM therapist_blocked_dates b
                      WHERE b.therapist_id = t.id AND b.date = d.day AND b.kind = 'extra'
                  ) w
              )
              SELECT FROM hours h
              CROSS JOIN LATERAL generate_series(lower(h.span), upper(h.span) - interval '1 second', interval '30 minutes')
                  AS slot (begins)
              CROSS JOIN LATERAL (SELECT slot.begins + t.session_minutes * interval '1 minute' AS ends,
                  interval '1 minute' * (",
    );
    query.push(travel).push(") AS way) s WHERE h.day = ").push_bind(day).push(
        "       AND slot.begins >= now() + t.min_notice_hours * interval '1 hour'
                AND tstzrange(slot.begins, s.ends) <@ (SELECT range_agg(span) FROM hours)
                AND NOT EXISTS (
                    SELECT FROM calendar_entries e
                    WHERE e.therapist_id = t.id AND (e.hold_until IS NULL OR e.hold_until > now())
                      AND e.occupied && tstzrange(slot.begins - s.way,
                                                  s.ends + s.way + t.buffer_minutes * interval '1 minute')))",
    );
}

/// Only those who work at all on that day of the week, or on that date: found at once, before anybody's hours are looked at.
fn push_works_on(query: &mut QueryBuilder<Postgres>, day: NaiveDate) {
    let day_of_week = i16::try_from(day.weekday().num_days_from_sunday()).expect("a week has seven days");
    query.push(" AND (t.id IN (SELECT a.therapist_id FROM therapist_availability a WHERE a.day_of_week = ");
    query
        .push_bind(day_of_week)
        .push(") OR t.id IN (SELECT b.therapist_id FROM therapist_blocked_dates b WHERE b.date = ");
    query.push_bind(day).push(" AND b.kind = 'extra'))");
}

/// Listed therapists in whose name a word begins with each of these.
pub(crate) async fn named(conn: &mut PgConnection, words: &[String], limit: i64) -> sqlx::Result<Vec<(Uuid, String)>> {
    let mut query = QueryBuilder::new("SELECT t.id, t.display_name FROM therapist_profiles t WHERE ");
    query.push(LISTED);
    for word in words {
        query.push(" AND t.search_name LIKE ").push_bind(format!("% {word}%"));
    }
    query.push(" ORDER BY t.weighted_rating DESC, t.id DESC LIMIT ").push_bind(limit);
    query.build_query_as().persistent(false).fetch_all(conn).await
}

#[cfg(test)]
mod tests;
