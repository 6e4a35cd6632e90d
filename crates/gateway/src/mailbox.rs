//! `/dev/mail`: the mails that a developer's platform wrote into its folder. Production refuses the folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::Path as InPath;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_SECURITY_POLICY;
use mail_parser::{Message, MessageParser};

use crate::error::{Answer, Failure};
use crate::gateway::Gateway;

/// Mails in the list at most, the newest first.
const MOST: usize = 100;
/// Nothing is loaded or run. A mail is a frame that is cut off from the page and keeps this policy.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = "<style>body{margin:24px auto;max-width:860px;padding:0 16px;font:15px/1.6 sans-serif;color:#17211d}\
                     iframe{width:100%;height:70vh;border:1px solid #ccc}pre{white-space:pre-wrap;background:#f3f5f4;padding:12px}\
                     td{padding:4px 12px 4px 0;vertical-align:top}</style>";

/// Nothing without a folder.
pub(crate) fn routes(folder: &Path) -> Router<Gateway> {
    if folder.as_os_str().is_empty() {
        return Router::new();
    }
    let folder: Arc<PathBuf> = Arc::new(folder.to_owned());
    let of_one = Arc::clone(&folder);
    Router::new()
        .route("/dev/mail", get(async move || list(&folder).await))
        .route("/dev/mail/{name}", get(async move |InPath(name): InPath<String>| show(&of_one, &name).await))
}

async fn list(folder: &Path) -> Answer<Response> {
    let mut rows = Vec::new();
    for name in names(folder).await?.iter().rev().take(MOST) {
        let mail = read(folder, name).await?;
        let Some(mail) = parse(&mail) else { continue };
        let (subject, to, date) = (escape(mail.subject().unwrap_or_default()), to(&mail), date(&mail));
        rows.push(format!(r#"<tr><td>{date}<td>{to}<td><a href="/dev/mail/{name}">{subject}</a>"#));
    }
    Ok(page("mail", &format!("<h1>mail</h1><p>newest first<table>{}</table>", rows.concat())))
}

async fn show(folder: &Path, name: &str) -> Answer<Response> {
    // No way out of the folder.
    if !is_ours(name) || !name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it)) {
        return Err(Failure::new("NOT_FOUND"));
    }
    let bytes = read(folder, name).await?;
    let mail = parse(&bytes).ok_or_else(|| Failure::new("NOT_FOUND"))?;
    let (subject, to, date) = (escape(mail.subject().unwrap_or_default()), to(&mail), date(&mail));
    let headers: Vec<String> = mail.headers_raw().map(|(name, value)| format!("{name}:{value}")).collect();
    let html = escape(&mail.body_html(0).unwrap_or_default());
    let text = escape(&mail.body_text(0).unwrap_or_default());
    let shown = format!(
        r#"<p><a href="/dev/mail">all mail</a><h1>{subject}</h1><p>{date}, to {to}
<iframe sandbox="allow-popups" srcdoc="{html}" title="the mail"></iframe>
<h2>as text</h2><pre>{text}</pre><h2>headers</h2><pre>{}</pre>"#,
        escape(&headers.concat())
    );
    Ok(page(&subject, &shown))
}

/// Names of mails, which sort by when they were put into line.
async fn names(folder: &Path) -> Answer<Vec<String>> {
    let mut names = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await.map_err(|error| unreadable(&error))?;
    while let Some(entry) = entries.next_entry().await.map_err(|error| unreadable(&error))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_ours(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// As notification names them; what begins with a dot is not finished.
fn is_ours(name: &str) -> bool {
    name.strip_suffix(".eml").is_some_and(|name| !name.is_empty() && !name.starts_with('.'))
}

async fn read(folder: &Path, name: &str) -> Answer<Vec<u8>> {
    tokio::fs::read(folder.join(name)).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Failure::new("NOT_FOUND");
    }
    tracing::error!(stream = "error", %error, "the folder of mails cannot be read");
    Failure::new("INTERNAL")
}

fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse(bytes)
}

fn to(mail: &Message<'_>) -> String {
    let first = mail.to().and_then(|to| to.first()).and_then(|to| to.address());
    escape(first.unwrap_or_default())
}

fn date(mail: &Message<'_>) -> String {
    mail.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default()
}

fn page(title: &str, body: &str) -> Response {
    let page = format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>{STYLE}{body}");
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
