//! Reading webhooks: what may be kept of them, and who signed them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Forged;

/// How far a signed moment may be from now, to either side.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// Most characters of a text that is kept.
const TEXT: usize = 200;

/// The body as an object.
pub(super) fn object(body: &[u8]) -> Result<Value, Forged> {
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or(Forged)
}

/// The texts, numbers and truths at these places, by their last name: nothing else of a message is kept.
pub(super) fn kept(message: &Value, places: &[&str]) -> Value {
    let found = places.iter().filter_map(|place| Some((place.rsplit('/').next()?, plain(message.pointer(place)?)?)));
    Value::Object(found.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn plain(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(text.chars().take(TEXT).collect::<String>().into()),
        Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        _ => None,
    }
}

pub(super) fn text(message: &Value, place: &str) -> Option<String> {
    Some(message.pointer(place)?.as_str()?.to_owned())
}

/// The message's own id where there is no other.
pub(super) fn hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Whether a moment in seconds, as it was signed, is about now.
pub(super) fn is_recent(seconds: &str, now: DateTime<Utc>) -> bool {
    let at = seconds.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.is_some_and(|at| (now - at).abs() <= TOLERANCE)
}

pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Result<&'a str, Forged> {
    headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).ok_or(Forged)
}

/// The key within a secret of Standard Webhooks.
pub(super) fn standard_key(secret: &str) -> anyhow::Result<Vec<u8>> {
    Ok(BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret))?)
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect()
}

/// Whether one of the signatures is right; how far a wrong one is right takes no measurable time.
pub(super) fn is_any(mac: &Hmac<Sha256>, mut signatures: impl Iterator<Item = Vec<u8>>) -> bool {
    signatures.any(|signature| mac.clone().verify_slice(&signature).is_ok())
}
