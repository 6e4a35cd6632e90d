//! What stands on every answer, whatever it is.

use aipoten_gateway::Config;
use aipoten_kit::Process;
use aipoten_kit::test::redis;
use reqwest::Method;
use reqwest::header::ORIGIN;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::platform::{Platform, closed_port, common, generous, header, json_of, port, refused};

#[tokio::test]
async fn security_headers_stand_on_errors_redirects_and_pages_too() {
    let platform = Platform::start().await;
    for path in
        ["/api/v1/children", "/api/v1/nothing", "/docs", "/docs/", "/api/v1/openapi.json", "/.well-known/jwks.json"]
    {
        let answer = platform.client.get(platform.url(path)).send().await.expect("an answer");
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("x-xss-protection", "0"),
        ] {
            assert_eq!(header(&answer, name), value, "{path}");
        }
        assert!(header(&answer, "content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(header(&answer, "content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(header(&answer, "permissions-policy").contains("camera=()"), "{path}");
        for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "cache-control"] {
            assert!(!header(&answer, name).is_empty(), "{path} {name}");
        }
    }
    let private = platform.get("/children").send().await.expect("an answer");
    assert_eq!(header(&private, "cache-control"), "private, no-store");
    assert_eq!(header(&private, "content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let platform = Platform::start().await;
    let id = async |sent: &str| {
        let answer = platform.get("/nothing").header("x-request-id", sent).send().await.expect("an answer");
        let id = header(&answer, "x-request-id");
        assert_eq!(json_of(answer, 404).await["error"]["request_id"], id.as_str());
        id
    };
    assert_eq!(id("journey-42_a").await, "journey-42_a");
    assert_ne!(id("no spaces please").await, "no spaces please");
    assert_ne!(id("x").await, "x");
}

#[tokio::test]
async fn the_reference_page_and_its_document_come_from_here() {
    let platform = Platform::start().await;
    let text = async |path: &str| {
        let answer = platform.client.get(platform.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        (header(&answer, "content-type"), answer.text().await.expect("a body"))
    };
    let (kind, page) = text("/docs/").await;
    assert!(kind.starts_with("text/html"));
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing is loaded from elsewhere");
    assert!(!page.contains("<script>"), "the policy forbids scripts in the page");
    for asset in ["swagger-ui.css", "swagger-ui-bundle.js", "index.css"] {
        text(&format!("/docs/{asset}")).await;
    }
    assert!(text("/docs/swagger-initializer.js").await.1.contains("/api/v1/openapi.json"));
    let (kind, document) = text("/api/v1/openapi.json").await;
    assert_eq!(kind, "application/json");
    assert_eq!(document, aipoten_gateway::openapi().to_json().expect("a document"));
}

#[tokio::test]
async fn what_is_long_travels_compressed_but_never_what_holds_tokens() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    let packed = async |request: reqwest::RequestBuilder| {
        let answer = request.header("accept-encoding", "gzip").send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        (header(&answer, "content-encoding"), header(&answer, "vary"), header(&answer, "etag"))
    };
    let (encoding, vary, tag) = packed(platform.get("/openapi.json")).await;
    assert_eq!(encoding, "gzip");
    assert!(vary.contains("accept-encoding"), "{vary}");
    assert!(tag.ends_with("-gzip\""), "other bytes have another tag: {tag}");
    let seen = platform.get("/openapi.json").header("accept-encoding", "gzip").header("if-none-match", tag);
    assert_eq!(seen.send().await.expect("an answer").status(), 304);
    assert_eq!(packed(platform.get("/users/me").bearer_auth(&parent.access)).await.0, "", "small");
    let login = serde_json::json!({ "email": parent.email, "password": crate::platform::PASSWORD });
    let answer = platform.post("/auth/login").json(&login).send().await.expect("an answer");
    assert!(answer.text().await.expect("a body").len() > 1024, "long enough to be worth it");
    assert_eq!(packed(platform.post("/auth/login").json(&login)).await.0, "", "it holds tokens");
}

#[tokio::test]
async fn only_listed_origins_may_call_with_credentials() {
    let config = Config { cors_origins: vec!["https://app.example.org".to_owned()], ..generous() };
    let platform = Platform::with(config, redis()).await;
    let asked = async |origin: &str| {
        let request = platform.request(Method::OPTIONS, "/children").header(ORIGIN, origin);
        let answer = request.header("access-control-request-method", "PATCH").send().await.expect("an answer");
        assert_eq!(header(&answer, "x-frame-options"), "DENY");
        assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
        header(&answer, "access-control-allow-origin")
    };
    assert_eq!(asked("https://app.example.org").await, "https://app.example.org");
    assert_eq!(asked("https://evil.example.org").await, "");
    let refusal = platform.get("/children").header(ORIGIN, "https://app.example.org").send().await.expect("an answer");
    assert_eq!(header(&refusal, "access-control-allow-origin"), "https://app.example.org", "a page can read the error");
}

#[tokio::test]
async fn what_takes_too_long_is_504() {
    let config = Config { request_timeout_s: 1, ..generous() };
    let platform = Platform::with(config, redis()).await;
    let mut stream = TcpStream::connect(platform.address).await.expect("a connection");
    let head =
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("it takes the head");
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(answer.contains("TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn a_service_that_hangs_is_504() {
    let hanging = port().await;
    let config = Config {
        identity_url: format!("http://{}", closed_port().await),
        content_url: format!("http://{}", hanging.local_addr().expect("an address")),
        request_timeout_s: 1,
        ..generous()
    };
    let app = aipoten_gateway::build(&config, &common(redis())).expect("it needs nobody to start");
    let address = aipoten_gateway::serve(app, port().await, &Process::new()).expect("it serves");
    let answer = reqwest::get(format!("http://{address}/api/v1/videos")).await.expect("an answer");
    assert_eq!(json_of(answer, 504).await["error"]["code"], "TIMEOUT");
}

#[tokio::test]
async fn a_wrong_configuration_is_named() {
    let wrong = |change: fn(&mut Config)| {
        let mut config = generous();
        change(&mut config);
        let refusal = aipoten_gateway::build(&config, &common(redis())).err().expect("a refusal");
        format!("{refusal:#}")
    };
    assert!(wrong(|it| it.content_url = "no address".to_owned()).contains("`gateway.content_url`"));
    assert!(wrong(|it| it.trusted_proxies = vec!["proxy".to_owned()]).contains("`gateway.trusted_proxies`"));
    for origin in ["*", "app.example.org", "https://app.example.org/", "null"] {
        let mut config = generous();
        config.cors_origins = vec![origin.to_owned()];
        let refusal = aipoten_gateway::build(&config, &common(redis())).err().expect("a refusal");
        assert!(refusal.to_string().contains("`gateway.cors_origins`"), "{origin}");
    }
}

#[tokio::test]
async fn a_head_of_more_than_16_kib_is_refused() {
    let platform = Platform::start().await;
    let long = platform.get("/children").header("x-long", "a".repeat(20 * 1024)).send().await.expect("an answer");
    assert_eq!(long.status(), 431);
}

#[tokio::test]
async fn a_running_request_finishes_when_the_process_stops() {
    let platform = Platform::start().await;
    let mut stream = TcpStream::connect(platform.address).await.expect("a connection");
    let head =
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("it takes the head");
    refused(platform.get("/nothing"), 404, "NOT_FOUND").await;
    let process = platform.process.clone();
    let stopped = tokio::spawn(async move { process.shut_down().await });
    process_stops(&platform).await;
    stream.write_all(b"}").await.expect("it still takes the body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer, then the end");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    assert!(answer.contains("\"request_id\""), "{answer}");
    stopped.await.expect("no panic").expect("all work finished");
}

/// Waits until no new connection is taken.
async fn process_stops(platform: &Platform) {
    aipoten_kit::test::eventually("the port is closed", async || TcpStream::connect(platform.address).await.is_err())
        .await;
}
