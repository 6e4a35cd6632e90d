use aipoten_proto::identity::v1::captcha_service_server::CaptchaService;
use aipoten_proto::identity::v1::{Captcha, CaptchaAnswer, CreateCaptchaRequest};
use aipoten_proto::timestamp;
use chrono::TimeDelta;
use tonic::{Request, Response, Status};

use super::{Answer, Challenge};
use crate::App;

#[tonic::async_trait]
impl CaptchaService for App {
    async fn create_captcha(&self, _: Request<CreateCaptchaRequest>) -> Result<Response<Captcha>, Status> {
        let config = &self.config.lockout;
        let challenge = Challenge::new(config.captcha_bits, TimeDelta::seconds(config.captcha_life_s.into()));
        Ok(Response::new(Captcha {
            challenge: challenge.sign(&self.captcha_key),
            difficulty: config.captcha_bits.into(),
            expires_at: Some(timestamp(challenge.expires_at)),
        }))
    }
}

/// A wrong answer is no fault of form: it is told as a missing one.
impl From<CaptchaAnswer> for Answer {
    fn from(answer: CaptchaAnswer) -> Self {
        Self { challenge: answer.challenge, solution: answer.solution }
    }
}
