//! Reports, reviews and feedback over REST, and what they bring about in other services.

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::{Api, unique_email};
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use aipoten_tests::private::ADMIN;

use crate::platform::Platform;

const PASSWORD: &str = "correct horse 7!";

/// A parent and a therapist with a session that was held.
struct Care {
    parent: Api,
    therapist: Api,
    therapist_id: String,
    child_id: String,
    session: String,
}

impl Care {
    async fn begin(platform: &Platform) -> anyhow::Result<Self> {
        let parent = platform.api.new_parent(&unique_email("parent"), PASSWORD).await?;
        parent.consent("guardian").await?;
        parent.consent("child_sensitive_data").await?;
        let child = json!({ "name": "하준", "birth_date": "2024-05-05", "gender": "male", "notes": "낯을 가려요" });
        let child = parent.post("/children", child).await?.data(201)?;
        let parent_id = parent.get("/users/me").await?.data(200)?["id"].as_str().context("an id")?.to_owned();
        let (therapist, therapist_id) = new_therapist(platform).await?;
        let child_id = child["id"].as_str().context("an id")?.to_owned();
        let session = Uuid::now_v7().to_string();
        let care = Self { parent, therapist, therapist_id, child_id, session };
        care.plant(platform, &parent_id).await?;
        Ok(care)
    }

    /// The package behind the session, in both services that know of it.
    async fn plant(&self, platform: &Platform, parent_id: &str) -> anyhow::Result<()> {
        let package = Uuid::now_v7();
        let plant = "WITH therapist AS (
                 INSERT INTO therapist_profiles (id, display_name, specialties, years_of_experience, certifications, bio,
                     consultation_fee, session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days, daily_limit,
                     consultation_kinds, region_codes, approval_status, decided_at, licence_valid_until, search_name, search_text)
                 VALUES ($1::text::uuid, '박서준', '{speech}', 7, '{}', '천천히 함께합니다.', 80000, 50, 10, 30, 0, 60, 8, '{online}',
                     '{}', 'approved', now(), 'infinity', '', '')
             ), request AS (
                 INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions, discounted_price,
                     preferred_dates, status, expires_at)
                 VALUES ($4, $2::text::uuid, $3::text::uuid, $1::text::uuid, 'online', 1, 80000, '{}', 'approved', now())
             ), package AS (
                 INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
                     total_sessions, used_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price,
                     price_policy_id, refund_policy_id, status)
                 SELECT $4, $4, $2::text::uuid, $3::text::uuid, $1::text::uuid, 'online', 50, 1, 1, 0, 0, 80000, 80000, p.id, r.id,
                     'completed' FROM price_policies p, refund_policies r
             )
             INSERT INTO consultations (id, package_id, session_number, therapist_id, parent_user_id, child_id, kind, scheduled_at,
                 ends_at, session_fee, platform_fee, status, completed_at)
             VALUES ($5::text::uuid, $4, 1, $1::text::uuid, $2::text::uuid, $3::text::uuid, 'online', now() - interval '1 hour',
                 now() - interval '10 minutes', 80000, 12000, 'completed', now())";
        sqlx::query(plant)
            .bind(&self.therapist_id)
            .bind(parent_id)
            .bind(&self.child_id)
            .bind(package)
            .bind(&self.session)
            .execute(&platform.matching.pool)
            .await?;
        sqlx::query(
            "INSERT INTO care_relations (package_id, therapist_id, child_id, seq) VALUES ($1, $2::text::uuid, $3::text::uuid, 1)",
        )
        .bind(package)
        .bind(&self.therapist_id)
        .bind(&self.child_id)
        .execute(&platform.identity.pool)
        .await?;
        Ok(())
    }

    fn path(&self, rest: &str) -> String {
        format!("/consultations/{}/{rest}", self.session)
    }

    fn report(&self, body: &Value) -> reqwest::RequestBuilder {
        self.therapist.request(Method::PUT, &self.path("report")).json(body)
    }
}

async fn new_therapist(platform: &Platform) -> anyhow::Result<(Api, String)> {
    let therapist = platform.api.new_therapist(&unique_email("therapist"), PASSWORD).await?;
    let id = therapist.get("/users/me").await?.data(200)?["id"].as_str().context("an id")?.to_owned();
    Ok((therapist, id))
}

fn written(status: &str, videos: &[&Value]) -> Value {
    json!({
        "status": status, "child_assessment": "두 낱말을 이어 말해요.", "session_content": "블록 쌓기",
        "home_activities": "그림책을 함께 읽어 주세요.", "recommended_video_ids": videos,
    })
}

#[tokio::test]
async fn a_report_reaches_the_parent_with_its_videos_and_its_readings_are_logged() -> anyhow::Result<()> {
    let broker = own_broker_url("reports");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let care = Care::begin(&platform).await?;
    let video = platform.api.get("/videos?limit=1").await?.data(200)?[0]["id"].clone();
    let draft = care.therapist.send(care.report(&written("draft", &[]))).await?;
    assert_eq!((draft.status.as_u16(), draft.headers.contains_key("etag")), (200, true));
    assert_eq!(care.parent.get(&care.path("report")).await?.status, 404);
    let tag = draft.headers["etag"].clone();
    let submitted = care.report(&written("submitted", &[&video])).header("if-match", tag.clone());
    let submitted = care.therapist.send(submitted).await?.data(200)?;
    assert_eq!((&submitted["status"], &submitted["version"]), (&json!("submitted"), &json!(2)));
    let stale = care.therapist.send(care.report(&written("submitted", &[])).header("if-match", tag)).await?;
    assert_eq!((stale.status.as_u16(), stale.code()), (412, "VERSION_MISMATCH"));
    let back = care.therapist.send(care.report(&written("draft", &[]))).await?;
    assert_eq!((back.status.as_u16(), back.code()), (409, "INVALID_STATE"));
    let wrong = care.therapist.send(care.report(&json!({ "status": "draft", "session_content": "" }))).await?;
    assert_eq!(
        (wrong.status.as_u16(), wrong.fields()),
        (400, vec!["child_assessment", "session_content", "home_activities"])
    );

    let read = care.parent.get(&care.path("report")).await?;
    assert!(read.headers.contains_key("etag"));
    assert_eq!(read.data(200)?, submitted);
    let recommended = format!("/videos/recommended?child_id={}", care.child_id);
    eventually("the video is recommended", async || {
        let list = care.parent.get(&recommended).await.and_then(|it| it.data(200)).unwrap_or_default();
        list[0]["source"] == "therapist" && list[0]["video"]["id"] == video
    })
    .await;

    let child = care.therapist.get(&format!("/children/{}", care.child_id)).await?.data(200)?;
    assert_eq!(child["notes"], "낯을 가려요");
    let log = format!("/children/{}/access-log", care.child_id);
    eventually("what the therapist read is logged", async || {
        let log = care.parent.get(&log).await.and_then(|it| it.data(200)).unwrap_or_default();
        let by_therapist =
            log.as_array().into_iter().flatten().filter(|it| it["actor_id"] == care.therapist_id.as_str());
        let mut purposes: Vec<_> =
            by_therapist.map(|it| it["purpose"].as_str().unwrap_or_default().to_owned()).collect();
        purposes.sort();
        purposes == ["GetChild", "PutReport", "PutReport"]
    })
    .await;
    assert_eq!(care.therapist.get(&format!("/children/{}/progress", care.child_id)).await?.status, 200);
    let withdrawn = json!({ "kind": "child_sensitive_data", "granted": false });
    care.parent.post("/users/me/consents", withdrawn).await?.data(201)?;
    for path in ["", "/progress"] {
        assert_eq!(care.therapist.get(&format!("/children/{}{path}", care.child_id)).await?.status, 404, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_therapist_is_reviewed_answers_and_is_protected_from_abuse() -> anyhow::Result<()> {
    let broker = own_broker_url("reviews");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    let care = Care::begin(&platform).await?;
    let public = format!("/therapists/{}/reviews", care.therapist_id);
    let new = json!({ "rating": 4, "review_text": "친절해요." });
    let created = care.parent.post(&care.path("review"), new.clone()).await?;
    assert_eq!(created.headers["location"], format!("/api/v1{public}"));
    let review = created.data(201)?;
    let again = care.parent.post(&care.path("review"), new).await?;
    assert_eq!((again.status.as_u16(), again.code()), (409, "CONFLICT"));
    assert_eq!(again.body["error"]["message"], "이미 후기를 남긴 상담입니다. 남긴 후기를 수정할 수 있습니다.");
    let changed =
        care.parent.patch(&care.path("review"), json!({ "rating": 5, "review_text": null })).await?.data(200)?;
    assert_eq!((&changed["rating"], &changed["review_text"], &changed["id"]), (&json!(5), &Value::Null, &review["id"]));
    let id = review["id"].as_str().context("an id")?;
    let reply = care.therapist.post(&format!("/reviews/{id}/reply"), json!({ "reply_text": "고맙습니다." })).await?;
    assert_eq!(reply.data(200)?["reply_text"], "고맙습니다.");
    let list = platform.api.get(&public).await?;
    assert_eq!((&list.body["meta"]["total"], &list.body["data"][0]["id"]), (&json!(1), &review["id"]));

    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let hide = json!({ "is_hidden": true, "reason": "욕설" });
    let hidden = admin.patch(&format!("/admin/reviews/{id}"), hide.clone()).await?.data(200)?;
    assert_eq!(hidden["is_hidden"], true);
    assert_eq!(platform.api.get(&public).await?.body["meta"]["total"], 0);
    eventually("the decision stands in the audit log", async || {
        let log = admin.get("/admin/audit-logs?action=review.hidden").await.and_then(|it| it.data(200));
        log.unwrap_or_default()[0]["resource_id"] == review["id"]
    })
    .await;
    let feedback = json!({ "content": "덕분에 많이 웃었어요." });
    for by in [&care.parent, &care.therapist] {
        assert_eq!(by.post(&care.path("feedback"), feedback.clone()).await?.data(201)?["content"], feedback["content"]);
        let again = by.speaking("en").post(&care.path("feedback"), feedback.clone()).await?;
        assert_eq!((again.status.as_u16(), again.code()), (409, "CONFLICT"));
        assert!(
            again.body["error"]["message"].as_str().is_some_and(|it| it.starts_with("You have left your feedback"))
        );
    }
    for (by, method, path, status) in [
        (&platform.api, Method::GET, care.path("report"), 401),
        (&admin, Method::GET, care.path("report"), 403),
        (&care.parent, Method::PUT, care.path("report"), 403),
        (&care.therapist, Method::POST, care.path("review"), 403),
        (&care.therapist, Method::PATCH, care.path("review"), 403),
        (&admin, Method::POST, care.path("feedback"), 403),
        (&care.parent, Method::POST, format!("/reviews/{id}/reply"), 403),
        (&care.therapist, Method::PATCH, format!("/admin/reviews/{id}"), 403),
        (&platform.api, Method::GET, format!("/therapists/{}/reviews", Uuid::now_v7()), 404),
        (&platform.api, Method::GET, "/therapists/x/reviews?limit=0".to_owned(), 400),
        (&care.parent, Method::POST, care.path("review"), 400),
        (&care.parent, Method::PATCH, care.path("review"), 400),
        (&care.parent, Method::POST, care.path("feedback"), 400),
        (&admin, Method::PATCH, format!("/admin/reviews/{id}"), 400),
    ] {
        let request = by.request(method.clone(), &path);
        let request = if method == Method::GET { request } else { request.json(&json!({})) };
        assert_eq!(by.send(request).await?.status, status, "{method} {path}");
    }
    Ok(())
}
