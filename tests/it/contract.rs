use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Answer, Api, unique_email};
use reqwest::Method;
use serde_json::{Value, json};

use crate::platform::Platform;

/// Whatever came in: a 4xx in the envelope, with the request's id, and never more.
fn assert_refused(answer: &Answer, what: &str) {
    assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.body);
    assert_eq!(answer.body["success"], false, "{what}: {}", answer.body);
    let error = &answer.body["error"];
    let text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    assert!(text("code") && text("message") && text("request_id"), "{what}: {}", answer.body);
    assert!(error["details"].is_array(), "{what}: {}", answer.body);
    assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{what}");
}

async fn parent_with_child(api: &Api) -> anyhow::Result<(Api, String)> {
    let parent = api.new_parent(&unique_email("contract"), PASSWORD).await?;
    let child = parent.new_child().await?;
    Ok((parent, child["id"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn whatever_is_sent_the_answer_is_the_envelope_and_a_4xx() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (parent, child_id) = parent_with_child(&platform.api).await?;
    let json_text = |path: &str, text: String| {
        parent.request(Method::POST, path).header("content-type", "application/json").body(text)
    };
    let two_mib = format!(r#"{{"name":"{}"}}"#, "a".repeat(2 * 1024 * 1024));
    let deep = format!(r#"{{"name":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let requests = [
        ("malformed JSON", 400, json_text("/children", "{\"name\":".to_owned())),
        ("no JSON at all", 400, json_text("/children", "name=봄".to_owned())),
        ("an empty body", 400, json_text("/children", String::new())),
        ("an array for an object", 400, json_text("/children", "[]".to_owned())),
        ("a wrong type", 400, json_text("/children", r#"{"name":5}"#.to_owned())),
        ("a number too big", 400, json_text("/children", r#"{"birth_weight_g":99999999999}"#.to_owned())),
        ("an unknown enum", 400, json_text("/children", r#"{"gender":"unspecified"}"#.to_owned())),
        ("a field twice", 400, json_text("/children", r#"{"name":"a","name":"b"}"#.to_owned())),
        ("half a surrogate", 400, json_text("/children", r#"{"name":"\ud800"}"#.to_owned())),
        (
            "bytes that are no text",
            400,
            parent
                .request(Method::POST, "/children")
                .header("content-type", "application/json")
                .body(vec![b'"', 0xff, b'"']),
        ),
        ("a deep body", 400, json_text("/children", deep)),
        ("two mebibytes", 413, json_text("/children", two_mib)),
        ("another media type", 415, parent.request(Method::POST, "/children").body("{}")),
        ("an unknown route", 404, parent.request(Method::GET, "/nothing")),
        ("an unknown route outside the API", 404, parent.request(Method::GET, "//nothing")),
        ("an unknown method", 405, parent.request(Method::PUT, "/children")),
        ("a bad UUID", 400, parent.request(Method::GET, "/children/12")),
        ("an unknown UUID", 404, parent.request(Method::GET, "/children/01890000-0000-7000-8000-000000000000")),
        ("a bad page", 400, parent.request(Method::GET, "/children?page=x")),
        ("a page of nothing", 400, parent.request(Method::GET, "/children?page=0")),
        ("a page too far", 400, parent.request(Method::GET, "/children?page=1000&limit=100")),
        ("an unknown parameter", 400, parent.request(Method::GET, "/children?pgae=1")),
        ("a bad enum in the query", 400, parent.request(Method::GET, "/videos?area=elbows")),
        ("an unknown sort", 400, parent.request(Method::GET, "/videos?sort=secret")),
        ("a NUL in the query", 400, parent.request(Method::GET, "/videos?q=%00")),
        ("a bad token", 401, parent.with_token("nonsense").request(Method::GET, "/children")),
    ];
    for (what, status, request) in requests {
        let answer = parent.send(request).await?;
        assert_refused(&answer, what);
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
    }

    let bad = json!({ "name": "a\u{0}b", "birth_date": "2025-02-30", "gender": "female", "gestational_weeks": 46 });
    let answer = parent.post("/children", bad).await?;
    assert_refused(&answer, "three violations");
    assert_eq!(answer.fields(), ["name", "birth_date", "gestational_weeks"], "all violations at once");
    let english = parent.speaking("en").patch(&format!("/children/{child_id}"), json!({ "name": null })).await?;
    assert_refused(&english, "a name that cannot be empty");
    assert!(english.body["error"]["message"].as_str().is_some_and(str::is_ascii), "{}", english.body);
    Ok(())
}

#[tokio::test]
async fn a_patch_with_role_id_or_unknown_fields_gets_400_and_changes_nothing() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (parent, child_id) = parent_with_child(&platform.api).await?;
    for path in ["/users/me".to_owned(), format!("/children/{child_id}")] {
        let before = parent.get(&path).await?.data(200)?;
        for field in ["role", "id", "version", "created_at", "child_id", "update_mask", "expected_version", "nonsense"]
        {
            for value in [json!("admin"), Value::Null, json!(7)] {
                let answer = parent.patch(&path, json!({ "name": "changed", field: value })).await?;
                assert_refused(&answer, &format!("PATCH {path} with {field}"));
                assert_eq!(answer.status, 400, "{field}: {}", answer.body);
            }
        }
        assert_eq!(parent.get(&path).await?.data(200)?, before, "nothing has changed");
    }
    Ok(())
}

#[tokio::test]
async fn no_route_answers_nonsense_with_a_5xx_whoever_calls() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let (parent, _) = parent_with_child(&platform.api).await?;
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let document = platform.api.get("/openapi.json").await?.body;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            // Those would end the session that the walk goes on with.
            if ["/logout", "/logout-all", "/users/me"].iter().any(|end| path.ends_with(end)) && method != Method::GET {
                continue;
            }
            // It never ends.
            if path.ends_with("/stream") {
                continue;
            }
            for (who, api) in [("nobody", &platform.api), ("a parent", &parent), ("an administrator", &admin)] {
                walk(api, &method, path, &format!("{method} {path} by {who}")).await?;
            }
        }
    }
    Ok(())
}

async fn walk(api: &Api, method: &Method, path: &str, what: &str) -> anyhow::Result<()> {
    let with_id = |id: &str| {
        let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
        format!("/{}", parts.join("/"))
    };
    let unknown = "01890000-0000-7000-8000-000000000000";
    let requests = [
        api.request(method.clone(), &with_id(unknown)),
        api.request(method.clone(), &with_id("%00")),
        api.request(method.clone(), &format!("{}?page=-1&age=nine&q=%F0%9F%98%80", with_id(unknown))),
        api.request(method.clone(), &with_id(unknown)).json(&json!({ "nonsense": true })),
        api.request(method.clone(), &with_id(unknown)).json(&json!([1, "two"])),
        api.request(method.clone(), &with_id(unknown)).header("content-type", "application/json").body("{"),
    ];
    for request in requests {
        let answer = api.send(request).await?;
        assert!(!answer.status.is_server_error(), "{what}: {} {}", answer.status, answer.body);
        if !answer.status.is_success() {
            assert_refused(&answer, what);
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_printed() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let printed = tokio::process::Command::new(crate::platform::executable()).arg("openapi").output().await?;
    let printed: Value = serde_json::from_slice(&printed.stdout)?;
    assert_eq!(platform.api.get("/openapi.json").await?.body, printed);
    assert_eq!(printed["openapi"], "3.1.0");
    let page = platform.api.request(Method::GET, "//docs/").send().await?;
    assert_eq!(page.status(), 200);
    let html = page.text().await?;
    assert!(!html.contains("//cdn") && !html.contains("https://"), "the page loads nothing from elsewhere");
    Ok(())
}
