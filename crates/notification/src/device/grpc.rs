//! Devices over gRPC.

use aipoten_kit::{Caller, Error, Fields, Result};
use aipoten_proto::notification::v1 as proto;
use aipoten_proto::notification::v1::device_service_server::DeviceService;
use aipoten_proto::timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::{Request, Response, Status};

use super::{Device, Keys, New, Platform};
use crate::App;

/// Characters of a token at most.
const LONGEST: usize = 2000;
/// Bytes of an uncompressed point of P-256.
const POINT: usize = 65;
/// Bytes of a browser's shared secret.
const AUTH: usize = 16;

#[tonic::async_trait]
impl DeviceService for App {
    async fn register_device(
        &self,
        request: Request<proto::RegisterDeviceRequest>,
    ) -> Result<Response<proto::Device>, Status> {
        let caller = Caller::of(&request);
        let new = request.into_inner().try_into()?;
        Ok(Response::new(super::register(self, &caller, new).await?.into()))
    }

    async fn delete_device(&self, request: Request<proto::DeleteDeviceRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("device_id", &request.into_inner().device_id)?;
        Ok(Response::new(super::delete(self, &caller, id).await?))
    }

    async fn get_web_push_key(
        &self,
        _request: Request<proto::GetWebPushKeyRequest>,
    ) -> Result<Response<proto::WebPushKey>, Status> {
        let key = self.web_push_key.as_ref().ok_or(Error::NotFound("web_push_key"))?;
        Ok(Response::new(proto::WebPushKey { public_key: key.public() }))
    }
}

impl TryFrom<proto::RegisterDeviceRequest> for New {
    type Error = Error;

    fn try_from(request: proto::RegisterDeviceRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let platform = match request.platform() {
            proto::DevicePlatform::Unspecified => f.required("platform", None),
            proto::DevicePlatform::Fcm => Platform::Fcm,
            proto::DevicePlatform::WebPush => Platform::WebPush,
        };
        let token = f.line("token", &request.token, LONGEST);
        let keys = if request.platform() == proto::DevicePlatform::WebPush {
            f.check(token.is_empty() || token.starts_with("https://"), "token", "not_https");
            let p256dh = key(f, "p256dh", request.p256dh, POINT);
            Some(Keys { p256dh, auth: key(f, "auth", request.auth, AUTH) })
        } else {
            f.check(request.p256dh.is_none(), "p256dh", "only_for_web_push");
            f.check(request.auth.is_none(), "auth", "only_for_web_push");
            None
        };
        fields.finish()?;
        Ok(Self { platform, token, keys })
    }
}

/// So many bytes, base64url.
fn key(fields: &mut Fields, field: &str, value: Option<String>, length: usize) -> String {
    let value = fields.required(field, value);
    let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).unwrap_or_default();
    fields.check(value.is_empty() || bytes.len() == length, field, "invalid");
    value
}

impl From<Device> for proto::Device {
    fn from(device: Device) -> Self {
        let platform = match device.platform {
            Platform::Fcm => proto::DevicePlatform::Fcm,
            Platform::WebPush => proto::DevicePlatform::WebPush,
        };
        Self { id: device.id.to_string(), platform: platform.into(), created_at: Some(timestamp(device.created_at)) }
    }
}
