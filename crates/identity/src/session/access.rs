//! Access tokens of a session.

use aipoten_kit::token::Claims;
use chrono::Utc;
use uuid::Uuid;

use super::Session;
use crate::key::Keys;

pub(super) fn sign(keys: &Keys, session: &Session, life_s: i64) -> anyhow::Result<String> {
    let now = Utc::now().timestamp();
    keys.sign(Claims {
        iss: String::new(),
        aud: String::new(),
        sub: session.user_id,
        exp: now + life_s,
        iat: now,
        nbf: now,
        jti: Uuid::now_v7(),
        sid: session.id,
        role: session.role,
        scope: String::new(),
        amr: session.amr.clone(),
        auth_time: session.auth_time.timestamp(),
    })
}
