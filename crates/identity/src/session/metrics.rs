//! Metrics of sessions.

use aipoten_kit::{Error, Result};
use metrics::{Counter, counter};

/// At zero.
pub(crate) fn prepare() {
    for result in ["ok", "refused", "captcha", "locked", "busy"] {
        sign_ins(result).increment(0);
    }
    for result in ["ok", "repeated", "reused", "refused"] {
        refreshes(result).increment(0);
    }
    for kind in ["access", "service"] {
        tokens(kind).increment(0);
    }
}

/// Counts an attempt to sign in. One that our own trouble ended is none.
pub(super) fn note_sign_in<T>(outcome: &Result<T>) {
    let result = match outcome {
        Ok(_) => "ok",
        Err(Error::Unauthenticated(reason)) if reason.code == "CAPTCHA_REQUIRED" => "captcha",
        Err(Error::Unauthenticated(_)) => "refused",
        Err(Error::ResourceExhausted(..)) => "locked",
        Err(Error::Unavailable(reason, _)) if reason.code == "TOO_MANY_SIGN_INS" => "busy",
        Err(_) => return,
    };
    sign_ins(result).increment(1);
}

/// Counts what became of a refresh token.
pub(super) fn note_refresh(result: &'static str) {
    refreshes(result).increment(1);
}

/// Counts a token of this kind: access or service.
pub(crate) fn note_token(kind: &'static str) {
    tokens(kind).increment(1);
}

fn sign_ins(result: &'static str) -> Counter {
    counter!("aipoten_sign_ins_total", "result" => result)
}

fn refreshes(result: &'static str) -> Counter {
    counter!("aipoten_refreshes_total", "result" => result)
}

fn tokens(kind: &'static str) -> Counter {
    counter!("aipoten_tokens_issued_total", "kind" => kind)
}
