//! Access tokens of a session.

use aipoten_kit::token::{AUDIENCE, Claims};
use chrono::Utc;
use uuid::Uuid;

use super::Session;
use crate::App;

pub(super) fn sign(app: &App, session: &Session, life_s: i64) -> anyhow::Result<String> {
    let now = Utc::now().timestamp();
    app.keys.sign(&Claims {
        iss: app.keys.issuer(),
        aud: AUDIENCE.to_owned(),
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
        ev: session.email_verified || !app.config.require_verified_email,
    })
}
