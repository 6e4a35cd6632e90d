//! Therapists and their licence documents, with the real matching behind the gateway.

use aipoten_gateway::{Config, Limits};
use aipoten_kit::test::{TestDatabase, eventually, own_broker_url};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::platform::{Person, Platform, fields, generous, header, json_of, refused};

const ADMIN: (&str, &str) = ("admin@example.org", "an administrator 7!");
const BOUNDARY: &str = "between-the-parts";

/// A gateway with identity and matching, and its administrator's token.
struct World {
    platform: Platform,
    admin: String,
    matching: TestDatabase,
}

impl World {
    async fn start(test: &str) -> Self {
        Self::with(test, generous()).await
    }

    async fn with(test: &str, config: Config) -> Self {
        let broker = aipoten_events::Config { url: own_broker_url(test).into(), ..aipoten_events::Config::default() };
        let matching = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_matching::MIGRATOR]).await;
        let platform = Platform::with_matching(config, broker, &matching, ADMIN).await;
        let login = platform.post("/auth/login").json(&json!({ "email": ADMIN.0, "password": ADMIN.1 })).send().await;
        let body = json_of(login.expect("an answer"), 200).await;
        let admin = body["data"]["tokens"]["access_token"].as_str().expect("a token").to_owned();
        Self { platform, admin, matching }
    }

    fn put(&self, who: &Person, profile: &Value) -> RequestBuilder {
        self.platform.request(Method::PUT, "/therapists/me").bearer_auth(&who.access).json(profile)
    }

    /// A form with these texts and a file.
    fn upload(&self, who: &Person, texts: &[(&str, &str)], file: &[u8]) -> RequestBuilder {
        let mut form = Vec::new();
        for (name, text) in texts {
            let part = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
            form.extend(part.into_bytes());
        }
        // Says that it is a picture, whatever it is.
        let head = "content-disposition: form-data; name=\"file\"; filename=\"../../x.png\"\r\ncontent-type: image/png";
        form.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes());
        form.extend(file);
        form.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let post = self.platform.post("/therapists/me/documents").bearer_auth(&who.access);
        post.header("content-type", kind).body(form)
    }

    async fn decide(&self, id: &str, decision: &str, body: Option<Value>) -> Value {
        let path = format!("/admin/therapists/{id}/{decision}");
        let mut request = self.platform.patch(&path).bearer_auth(&self.admin);
        if let Some(body) = body {
            request = request.json(&body);
        }
        data(request).await
    }
}

async fn data(request: RequestBuilder) -> Value {
    json_of(request.send().await.expect("an answer"), 200).await["data"].clone()
}

fn profile() -> Value {
    json!({
        "display_name": "이하늘", "specialties": ["speech"], "years_of_experience": 5, "bio": "함께 놀며 배웁니다.",
        "consultation_fee": 70000, "consultation_kinds": ["online", "in_person"], "region_codes": ["11110"],
    })
}

const LICENCE: [(&str, &str); 4] =
    [("kind", "licence"), ("number", "2019-1"), ("issuer", "보건복지부"), ("expires_on", "")];

#[tokio::test]
async fn a_therapist_applies_hands_in_a_licence_and_is_found_until_suspended() {
    let world = World::start("therapist").await;
    let platform = &world.platform;
    let therapist = platform.therapist().await;
    refused(platform.get("/therapists/me").bearer_auth(&therapist.access), 404, "NOT_FOUND").await;
    let applied = world.put(&therapist, &profile()).send().await.expect("an answer");
    let tag = header(&applied, "etag");
    let applied = json_of(applied, 200).await["data"].clone();
    assert_eq!((&applied["approval_status"], &applied["is_listed"]), (&json!("pending"), &json!(false)));
    let id = applied["id"].as_str().expect("an id").to_owned();

    let pending = platform.get("/admin/therapists/pending").bearer_auth(&world.admin);
    assert_eq!(data(pending).await[0]["id"], id.as_str());
    let path = format!("/admin/therapists/{id}/approve");
    let missing = refused(platform.patch(&path).bearer_auth(&world.admin), 409, "INVALID_STATE").await;
    assert_ne!(missing["message"], "지금 상태에서는 할 수 없습니다.", "the reason has words of its own");
    json_of(world.upload(&therapist, &LICENCE, b"%PDF-1.7").send().await.expect("an answer"), 201).await;

    let listed = async || data(platform.get("/therapists?specialty=speech&region=11")).await.as_array().map(Vec::len);
    assert_eq!(listed().await, Some(0));
    world.decide(&id, "approve", None).await;
    eventually("the list shows the therapist", async || listed().await == Some(1)).await;
    let seen = platform.get(&format!("/therapists/{id}")).send().await.expect("an answer");
    assert_eq!(header(&seen, "cache-control"), "public, max-age=60");
    assert_eq!(json_of(seen, 200).await["data"]["regions"][0]["name"], "서울특별시 종로구");
    assert_eq!(data(platform.get("/therapists/suggest?q=언어")).await[0]["value"], "speech");
    assert_eq!(data(platform.get("/regions?parent_code=11")).await[0]["code"], "11110");

    refused(world.put(&therapist, &profile()).header("if-match", &tag), 412, "VERSION_MISMATCH").await;
    let mut changed = profile();
    changed["display_name"] = "이 하늘".into();
    data(world.put(&therapist, &changed)).await;
    eventually("the page shows the change", async || {
        data(platform.get(&format!("/therapists/{id}"))).await["display_name"] == "이 하늘"
    })
    .await;
    let suspended = world.decide(&id, "suspend", Some(json!({ "reason": "확인 중입니다." }))).await;
    assert_eq!(suspended["decision_reason"], "확인 중입니다.");
    eventually("the therapist is gone", async || {
        let page = platform.get(&format!("/therapists/{id}")).send().await.expect("an answer");
        page.status() == 404 && listed().await == Some(0)
    })
    .await;
    let wrong = platform.patch(&format!("/admin/therapists/{id}/reject")).bearer_auth(&world.admin);
    refused(wrong.json(&json!({ "reason": "x" })), 409, "INVALID_STATE").await;
}

#[tokio::test]
async fn lists_are_kept_and_searches_are_not() {
    let world = World::start("therapists-kept").await;
    let therapist = world.platform.therapist().await;
    data(world.put(&therapist, &profile())).await;
    json_of(world.upload(&therapist, &LICENCE, b"%PDF-1.7").send().await.expect("an answer"), 201).await;
    let id = data(world.platform.get("/therapists/me").bearer_auth(&therapist.access)).await["id"].clone();
    world.decide(id.as_str().expect("an id"), "approve", None).await;
    let name = async |path: &str| data(world.platform.get(path)).await[0]["display_name"].clone();
    // Behind everybody's back: no event tells of it.
    let rename = async |name: &str| {
        let rename = sqlx::query("UPDATE therapist_profiles SET display_name = $1").bind(name);
        rename.execute(&world.matching.pool).await.expect("renamed");
    };
    // The approval clears what is kept, maybe between two answers: then another list is asked for.
    let mut fee = 70_000;
    eventually("the list is kept", async || {
        fee += 1;
        let list = format!("/therapists?fee_max={fee}");
        rename("Before").await;
        let seen = name(&list).await;
        rename("Unseen").await;
        seen == "Before" && name(&list).await == "Before"
    })
    .await;
    assert_eq!(name("/therapists?q=하늘").await, "Unseen");
}

#[tokio::test]
async fn a_document_is_downloaded_as_a_file_by_its_owner_and_administrators_alone() {
    let world = World::start("documents").await;
    let platform = &world.platform;
    let (therapist, other) = (platform.therapist().await, platform.therapist().await);
    data(world.put(&therapist, &profile())).await;
    let mut file = b"%PDF-1.7".to_vec();
    file.resize(2 * 1024 * 1024, b' ');
    let created = world.upload(&therapist, &LICENCE, &file).send().await.expect("an answer");
    let place = header(&created, "location");
    let document = json_of(created, 201).await["data"].clone();
    assert_eq!((&document["media_type"], &document["expires_on"]), (&json!("application/pdf"), &Value::Null));
    let id = document["id"].as_str().expect("an id");
    assert_eq!(place, format!("/api/v1/therapists/me/documents/{id}/file"));

    let own = format!("/therapists/me/documents/{id}/file");
    for (path, token) in [(own.clone(), &therapist.access), (format!("/admin/documents/{id}/file"), &world.admin)] {
        let answer =
            platform.get(&path).bearer_auth(token).header("accept-encoding", "gzip").send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        for (name, value) in [
            ("content-type", "application/pdf"),
            ("content-disposition", "attachment; filename=\"document.pdf\""),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "private, no-store"),
            ("content-encoding", ""),
        ] {
            assert_eq!(header(&answer, name), value, "{path} {name}");
        }
        assert_eq!(answer.bytes().await.expect("a body"), file);
    }
    refused(platform.get(&own).bearer_auth(&other.access), 404, "NOT_FOUND").await;
    refused(platform.get(&own), 401, "UNAUTHENTICATED").await;
    refused(platform.get(&format!("/admin/documents/{id}/file")).bearer_auth(&other.access), 404, "NOT_FOUND").await;
    let me = data(platform.get("/therapists/me").bearer_auth(&therapist.access)).await["id"].clone();
    let of_therapist = format!("/admin/therapists/{}/documents", me.as_str().expect("an id"));
    assert_eq!(data(platform.get(&of_therapist).bearer_auth(&world.admin)).await[0]["id"], id);
    refused(platform.get(&of_therapist).bearer_auth(&other.access), 404, "NOT_FOUND").await;

    let path = format!("/therapists/me/documents/{id}");
    refused(platform.delete(&path).bearer_auth(&other.access), 404, "NOT_FOUND").await;
    let gone = platform.delete(&path).bearer_auth(&therapist.access).send().await.expect("an answer");
    assert_eq!(gone.status(), 204);
    refused(platform.delete(&path).bearer_auth(&therapist.access), 404, "NOT_FOUND").await;
    let left = data(platform.get("/therapists/me/documents").bearer_auth(&therapist.access)).await;
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn a_form_that_is_wrong_is_refused_in_words() {
    let world = World::start("forms").await;
    let platform = &world.platform;
    let (therapist, parent) = (platform.therapist().await, platform.parent().await);
    data(world.put(&therapist, &profile())).await;
    let wrong = world.upload(&therapist, &[("kind", "certificate"), ("number", "1")], b"GIF89a");
    let error = refused(wrong.header("accept-language", "en"), 400, "VALIDATION_ERROR").await;
    assert_eq!(fields(&error), ["issuer", "file"]);
    assert_eq!(error["details"][1]["message"], "The file has to be a PDF, a JPEG or a PNG.");
    let one = |texts: &[(&str, &str)]| world.upload(&therapist, texts, b"%PDF-1.7");
    assert_eq!(fields(&refused(one(&[("kind", "passport")]), 400, "VALIDATION_ERROR").await), ["kind"]);
    assert_eq!(fields(&refused(one(&[("size", "1")]), 400, "VALIDATION_ERROR").await), ["size"]);
    assert_eq!(fields(&refused(one(&[("number", "1"), ("number", "2")]), 400, "VALIDATION_ERROR").await), ["number"]);
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let error =
        refused(world.upload(&therapist, &LICENCE, &large).header("accept-language", "en"), 400, "VALIDATION_ERROR")
            .await;
    assert_eq!(error["details"][0]["message"], "The file may be 10 MiB at most.");
    let larger = vec![0; 11 * 1024 * 1024];
    refused(world.upload(&therapist, &LICENCE, &larger), 413, "PAYLOAD_TOO_LARGE").await;

    let post = || platform.post("/therapists/me/documents").bearer_auth(&therapist.access);
    refused(post().json(&json!({})), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    for (kind, body) in [
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=x", ""),
        ("multipart/form-data; boundary=x", "--x\r\ncontent-disposition: form-data; name=\"kind\"\r\n\r\nlicence"),
    ] {
        refused(post().header("content-type", kind).body(body), 400, "MALFORMED_REQUEST").await;
    }
    refused(world.upload(&parent, &LICENCE, b"%PDF-1.7"), 403, "PERMISSION_DENIED").await;
    // Elsewhere the limit is as it was.
    let long = json!({ "bio": "가".repeat(500_000) });
    refused(world.put(&therapist, &long), 413, "PAYLOAD_TOO_LARGE").await;
}

#[tokio::test]
async fn the_eleventh_upload_within_an_hour_waits() {
    let config = Config { limits: Limits { uploads: Limits::default().uploads, ..generous().limits }, ..generous() };
    let world = World::with("uploads", config).await;
    let therapist = world.platform.therapist().await;
    data(world.put(&therapist, &profile())).await;
    for left in (0..10).rev() {
        let answer = world.upload(&therapist, &LICENCE, b"%PDF-1.7").send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), header(&answer, "ratelimit-remaining")), (201, left.to_string()));
    }
    let answer = world.upload(&therapist, &LICENCE, b"%PDF-1.7").send().await.expect("an answer");
    let wait: u64 = header(&answer, "retry-after").parse().expect("seconds");
    assert!((300..=361).contains(&wait), "{wait}: one each six minutes");
    refused(world.upload(&therapist, &LICENCE, b"%PDF-1.7"), 429, "RATE_LIMITED").await;
    data(world.platform.get("/therapists/me/documents").bearer_auth(&therapist.access)).await;
}
