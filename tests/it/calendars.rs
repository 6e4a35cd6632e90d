//! Calendars of therapists over REST, and feeds.

use std::collections::HashMap;

use aipoten_tests::{Api, unique_email};
use anyhow::Context as _;
use chrono::{Days, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::Platform;

const PASSWORD: &str = "correct horse 7!";

/// A therapist who is listed, with sessions of 50 minutes online.
async fn listed_therapist(platform: &Platform) -> anyhow::Result<(Api, Uuid)> {
    let therapist = platform.api.new_therapist(&unique_email("therapist"), PASSWORD).await?;
    let id: Uuid = therapist.get("/users/me").await?.data(200)?["id"].as_str().context("an id")?.parse()?;
    list_therapist(platform, id).await?;
    Ok((therapist, id))
}

/// Has an account of a therapist listed.
pub(crate) async fn list_therapist(platform: &Platform, id: Uuid) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO therapist_profiles (id, display_name, specialties, years_of_experience, certifications, bio,
             consultation_fee, session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days,
             daily_limit, consultation_kinds, region_codes, approval_status, decided_at, licence_valid_until, search_text,
             search_name)
         VALUES ($1, '박서준', '{speech}', 7, '{}', '천천히 함께합니다.', 80000, 50, 10, 30, 0, 60, 8,
             '{online}', '{}', 'approved', now(), 'infinity', '', '')",
    )
    .bind(id)
    .execute(&platform.matching.pool)
    .await?;
    Ok(())
}

fn every_morning() -> Vec<Value> {
    (0..7).map(|day| json!({ "day_of_week": day, "start_time": "09:00", "end_time": "12:00" })).collect()
}

#[tokio::test]
async fn a_therapist_keeps_a_calendar_and_everyone_sees_what_is_free() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (therapist, id) = listed_therapist(&platform).await?;
    let put = |body: Value| therapist.request(Method::PUT, "/therapists/me/availability").json(&body);
    let hours = json!({ "weekly_hours": every_morning(), "works_on_holidays": true });
    let written = therapist.send(put(hours.clone())).await?;
    let tag = written.headers["etag"].clone();
    assert_eq!(written.data(200)?["weekly_hours"][0]["start_time"], "09:00");
    assert_eq!(therapist.get("/therapists/me/availability").await?.headers["etag"], tag);
    let again = therapist.send(put(hours.clone()).header("if-match", tag.clone())).await?;
    assert_eq!(again.status, 200);
    let stale = therapist.send(put(hours).header("if-match", tag)).await?;
    assert_eq!((stale.status.as_u16(), stale.code()), (412, "VERSION_MISMATCH"));
    let wrong = json!({ "weekly_hours": [{ "day_of_week": 9, "start_time": "25:00", "end_time": "9" }, {}] });
    let wrong = therapist.send(put(wrong)).await?;
    assert_eq!((wrong.status.as_u16(), wrong.fields().len()), (400, 6));
    assert_eq!(wrong.body["error"]["details"][1]["message"], "09:30처럼 00:00부터 24:00까지의 시각이어야 합니다.");

    let day = (Utc::now() + chrono::TimeDelta::hours(9)).date_naive() + Days::new(3);
    let slots = format!("/therapists/{id}/slots?from={day}&to={day}&kind=online");
    let free = platform.api.get(&slots).await?.data(200)?;
    assert_eq!(free.as_array().map(Vec::len), Some(5));
    assert_eq!(free[0]["starts_at"], format!("{day}T00:00:00Z"));
    let block = json!({ "date": day, "kind": "blocked", "start_time": "09:00", "end_time": "11:00" });
    let blocked = therapist.post("/therapists/me/blocked-dates", block.clone()).await?;
    let place = blocked.headers["location"].to_str()?.to_owned();
    let blocked = blocked.data(201)?;
    assert_eq!(place, format!("/api/v1/therapists/me/blocked-dates/{}", blocked["id"].as_str().unwrap_or_default()));
    assert_eq!(platform.api.get(&slots).await?.data(200)?.as_array().map(Vec::len), Some(1));
    let twice = therapist.speaking("en").post("/therapists/me/blocked-dates", block).await?;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "CONFLICT"));
    assert!(twice.body["error"]["message"].as_str().is_some_and(|it| it.starts_with("It overlaps")), "{}", twice.body);
    let list = therapist.get("/therapists/me/blocked-dates").await?;
    assert_eq!((&list.body["meta"]["total"], &list.body["data"][0]["id"]), (&json!(1), &blocked["id"]));
    let path = place.strip_prefix("/api/v1").context("below the prefix")?;
    assert_eq!(therapist.delete(path).await?.status, 204);
    assert_eq!(therapist.delete(path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn calendars_refuse_whom_they_are_not_for() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let parent = platform.api.new_parent(&unique_email("parent"), PASSWORD).await?;
    for (method, path, body) in [
        (Method::GET, "/therapists/me/availability", Value::Null),
        (Method::PUT, "/therapists/me/availability", json!({ "weekly_hours": [] })),
        (Method::GET, "/therapists/me/blocked-dates", Value::Null),
        (Method::POST, "/therapists/me/blocked-dates", json!({ "date": "2030-01-01", "kind": "blocked" })),
        (Method::DELETE, "/therapists/me/blocked-dates/01900000-0000-7000-8000-000000000001", Value::Null),
    ] {
        for (caller, status) in [(&platform.api, 401), (&parent, 403)] {
            let request = caller.request(method.clone(), path);
            let request = if body.is_null() { request } else { request.json(&body) };
            assert_eq!(caller.send(request).await?.status, status, "{method} {path}");
        }
    }
    for method in [Method::POST, Method::DELETE] {
        let request = platform.api.request(method, "/calendar-feed");
        assert_eq!(platform.api.send(request).await?.status, 401);
    }
    let none = format!("/therapists/{}/slots", Uuid::now_v7());
    assert_eq!(platform.api.get(&none).await?.status, 404);
    let wrong = platform.api.get(&format!("{none}?from=2026-01-01&to=2027-01-01&kind=telepathy")).await?;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (400, "VALIDATION_ERROR"));
    Ok(())
}

#[tokio::test]
async fn a_feed_is_plain_icalendar_that_nobody_stores() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let parent = platform.api.new_parent(&unique_email("parent"), PASSWORD).await?;
    let made = parent.send(parent.request(Method::POST, "/calendar-feed")).await?;
    assert_eq!(made.headers["location"], "/api/v1/calendar-feed");
    let path = made.data(201)?["path"].as_str().context("a path")?.to_owned();
    let address = parent.address(&format!("/api/v1{path}"));
    let feed = reqwest::get(&address).await?;
    let headers: HashMap<_, _> =
        [("content-type", "text/calendar; charset=utf-8"), ("cache-control", "private, no-store")].into();
    for (name, value) in headers {
        assert_eq!(feed.headers()[name], value);
    }
    assert!(feed.headers().contains_key("ratelimit-remaining"));
    let text = feed.text().await?;
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert_eq!(parent.delete("/calendar-feed").await?.status, 204);
    assert_eq!(parent.delete("/calendar-feed").await?.status, 404);
    assert_eq!(parent.get(&path).await?.status, 404);
    for odd in ["/calendars/x", "/calendars/.ics", "/calendars/%00.ics", "/calendars/%FF.ics"] {
        assert_eq!(parent.get(odd).await?.code(), "NOT_FOUND", "{odd}");
    }
    Ok(())
}
