//! Answers that are the same for everyone, with the real content behind the gateway.

use aipoten_kit::config::Redis;
use aipoten_kit::test::{NO_BROKER, TestDatabase, eventually, own_broker_url, redis};
use futures::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::platform::{Platform, closed_port, header, json_of};

pub(crate) const ADMIN: (&str, &str) = ("admin@example.org", "an administrator 7!");

/// A gateway with identity and content, and its administrator's token.
struct World {
    platform: Platform,
    admin: String,
    content: TestDatabase,
}

impl World {
    async fn start(test: &str) -> Self {
        Self::with(redis(), test).await
    }

    async fn with(redis: Redis, test: &str) -> Self {
        // The events of other tests would clear the cache of this one.
        let broker = aipoten_events::Config { url: own_broker_url(test).into(), ..aipoten_events::Config::default() };
        let content = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
        aipoten_content::seed(&content.pool).await.expect("the shipped data");
        // Nor does what the seed announces.
        sqlx::query("DELETE FROM outbox").execute(&content.pool).await.expect("nothing is announced");
        let platform = Platform::with_content(redis, broker, &content, ADMIN).await;
        let admin = platform.sign_in(ADMIN.0, ADMIN.1).await.access;
        Self { platform, admin, content }
    }

    async fn title(&self, id: &str) -> String {
        let answer = self.platform.get(&format!("/videos/{id}")).header("accept-language", "en").send().await;
        json_of(answer.expect("an answer"), 200).await["data"]["title"].as_str().expect("a title").to_owned()
    }

    async fn some_video(&self) -> String {
        let list = self.platform.get("/videos?limit=1").send().await.expect("an answer");
        json_of(list, 200).await["data"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// Behind everybody's back: no event tells of it.
    async fn rename(&self, title: &str) {
        sqlx::query("UPDATE videos SET title_en = $1").bind(title).execute(&self.content.pool).await.expect("renamed");
    }
}

async fn data(request: RequestBuilder) -> Value {
    json_of(request.send().await.expect("an answer"), 200).await["data"].clone()
}

#[tokio::test]
async fn what_is_the_same_for_everyone_may_be_kept_by_all_and_has_a_tag() {
    let world = World::start("tags").await;
    let platform = &world.platform;
    let parent = platform.parent().await;
    let video = world.some_video().await;
    for path in [
        "/videos?age=24".to_owned(),
        format!("/videos/{video}"),
        "/videos/categories".to_owned(),
        "/assessments/questions?age=24".to_owned(),
        "/videos?q=a".to_owned(),
    ] {
        let ask = || platform.get(&path).bearer_auth(&parent.access);
        let answer = ask().send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        // Questions need somebody signed in: no proxy may hand them to others.
        let signed_in = path.starts_with("/assessments");
        let everyone = "public, max-age=3600, s-maxage=86400, stale-while-revalidate=86400";
        let rule = if signed_in { "private, max-age=3600" } else { everyone };
        assert_eq!(header(&answer, "cache-control"), rule, "{path}");
        let vary: Vec<_> = answer.headers().get_all("vary").iter().map(|it| it.to_str().expect("text")).collect();
        assert!(vary.join(",").contains("accept-language"), "{path}: {vary:?}");
        let tag = header(&answer, "etag");
        let again = ask().header("if-none-match", &tag).send().await.expect("an answer");
        assert_eq!(again.status(), 304, "{path} {tag}");
        let english = ask().header("if-none-match", &tag).header("accept-language", "en").send().await;
        assert_eq!(english.expect("an answer").status(), 200, "{path}: other words, another tag");
    }
    let missing = platform.get("/videos/01890000-0000-7000-8000-000000000000").send().await.expect("an answer");
    assert_eq!((missing.status().as_u16(), header(&missing, "cache-control")), (404, "private, no-store".to_owned()));
    let anonymous = platform.get("/assessments/questions?age=24").send().await.expect("an answer");
    assert_eq!(anonymous.status(), 401, "also when the answer is kept");
}

#[tokio::test]
async fn an_answer_is_kept_until_an_administrator_changes_what_it_shows() {
    let world = World::start("changes").await;
    let video = world.some_video().await;
    world.rename("Before").await;
    assert_eq!(world.title(&video).await, "Before");
    world.rename("Unseen").await;
    assert_eq!(world.title(&video).await, "Before", "kept");

    let path = format!("/admin/videos/{video}");
    let change = world.platform.patch(&path).bearer_auth(&world.admin).json(&json!({ "title_en": "After" }));
    json_of(change.send().await.expect("an answer"), 200).await;
    eventually("the change is shown", async || world.title(&video).await == "After").await;

    let gone = world.platform.delete(&path).bearer_auth(&world.admin).send().await.expect("an answer");
    assert_eq!(gone.status(), 204);
    eventually("the video is gone", async || {
        let answer = world.platform.get(&format!("/videos/{video}")).send().await;
        answer.expect("an answer").status() == 404
    })
    .await;
}

#[tokio::test]
async fn questions_and_categories_are_cleared_too() {
    let world = World::start("clears").await;
    let (platform, parent) = (&world.platform, world.platform.parent().await);
    let questions = async || {
        let of_age = platform.get("/assessments/questions?age=24").bearer_auth(&parent.access);
        data(of_age).await["questions"].as_array().expect("questions").len()
    };
    let all = questions().await;
    let list = platform.get("/admin/assessments/questions?age=24&kind=milestone&limit=1").bearer_auth(&world.admin);
    let id = data(list).await[0]["id"].as_str().expect("an id").to_owned();
    let gone = platform.delete(&format!("/admin/assessments/questions/{id}")).bearer_auth(&world.admin).send().await;
    assert_eq!(gone.expect("an answer").status(), 204);
    eventually("one question less", async || questions().await == all - 1).await;

    let categories = async || data(platform.get("/videos/categories")).await.as_array().map(Vec::len);
    let before = categories().await.expect("categories");
    let new = json!({ "slug": "evening", "name_ko": "저녁", "name_en": "Evening" });
    let made = platform.post("/admin/videos/categories").bearer_auth(&world.admin).json(&new).send().await;
    json_of(made.expect("an answer"), 201).await;
    eventually("one category more", async || categories().await == Some(before + 1)).await;
}

#[tokio::test]
async fn gateways_share_what_redis_keeps() {
    let world = World::start("shared").await;
    let video = world.some_video().await;
    world.rename("Shared").await;
    // The first clearing, when the listener connects, may come after the first answer.
    eventually("it is kept", async || {
        world.rename("Shared").await;
        let seen = world.title(&video).await;
        world.rename("Unseen").await;
        seen == "Shared" && world.title(&video).await == "Shared"
    })
    .await;
    let other = world.platform.another_gateway(NO_BROKER).await;
    let url = format!("http://{other}/api/v1/videos/{video}");
    let answer = world.platform.client.get(url).header("accept-language", "en").send().await;
    assert_eq!(json_of(answer.expect("an answer"), 200).await["data"]["title"], "Shared");
}

#[tokio::test]
async fn without_redis_each_gateway_keeps_its_own() {
    let url = format!("redis://{}/", closed_port().await);
    let world = World::with(Redis { url: url.into(), prefix: String::new() }, "alone").await;
    let video = world.some_video().await;
    eventually("it is kept", async || {
        world.rename("Alone").await;
        let seen = world.title(&video).await;
        world.rename("Unseen").await;
        seen == "Alone" && world.title(&video).await == "Alone"
    })
    .await;
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_asks_content() {
    let world = World::start("flight").await;
    let video = world.some_video().await;
    // Content waits for the row, and so does everybody who asks.
    let mut lock = world.content.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE videos IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("locked");
    let path = format!("/videos/{video}");
    let asking: Vec<_> = (0..50).map(|_| tokio::spawn(world.platform.get(&path).send())).collect();
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                   WHERE datname = current_database() AND NOT granted";
    let waiting = async || sqlx::query_scalar::<_, i64>(waiting).fetch_one(&world.content.pool).await.expect("a count");
    eventually("content was asked", async || waiting().await > 0).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(waiting().await, 1);
    lock.rollback().await.expect("released");
    for answer in join_all(asking).await {
        assert_eq!(answer.expect("no panic").expect("an answer").status(), 200);
    }
}
