//! Devices that take push messages.

use aipoten_kit::test::violations;
use aipoten_proto::notification::v1::{
    DeleteDeviceRequest, Device, DevicePlatform, GetWebPushKeyRequest, RegisterDeviceRequest,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::{Code, Request};
use uuid::Uuid;

use crate::world::{Person, World};

fn phone(token: &str) -> RegisterDeviceRequest {
    RegisterDeviceRequest {
        platform: DevicePlatform::Fcm.into(),
        token: token.to_owned(),
        ..RegisterDeviceRequest::default()
    }
}

fn browser(token: &str) -> RegisterDeviceRequest {
    RegisterDeviceRequest {
        platform: DevicePlatform::WebPush.into(),
        token: token.to_owned(),
        p256dh: Some(URL_SAFE_NO_PAD.encode([4; 65])),
        auth: Some(URL_SAFE_NO_PAD.encode([7; 16])),
    }
}

async fn register(world: &World, person: &Person, request: RegisterDeviceRequest) -> Device {
    world.devices().register_device(person.asks(request)).await.expect("a device").into_inner()
}

#[tokio::test]
async fn a_device_registers_once_renews_itself_and_goes() {
    let world = World::start().await;
    let person = world.parent().await;
    let first = register(&world, &person, phone("a token")).await;
    assert_eq!(first.platform(), DevicePlatform::Fcm);
    assert_eq!(register(&world, &person, phone("a token")).await, first);
    let browser = register(&world, &person, browser("https://push.example/1")).await;
    assert_eq!(browser.platform(), DevicePlatform::WebPush);
    assert_eq!(world.number("SELECT count(*) FROM devices").await, 2);
    let shown = "SELECT count(*) FROM devices WHERE position('a token' IN encode(token, 'escape')) > 0";
    assert_eq!(world.number(shown).await, 0, "tokens are encrypted");

    let delete = || DeleteDeviceRequest { device_id: first.id.clone() };
    let other = world.parent().await;
    let foreign = world.devices().delete_device(other.asks(delete())).await.expect_err("foreign");
    assert_eq!(foreign.code(), Code::NotFound);
    world.devices().delete_device(person.asks(delete())).await.expect("gone");
    let gone = world.devices().delete_device(person.asks(delete())).await.expect_err("gone already");
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn a_token_belongs_to_who_signed_in_last() {
    let world = World::start().await;
    let (first, second) = (world.parent().await, world.parent().await);
    let before = register(&world, &first, phone("a shared tablet")).await;
    let after = register(&world, &second, phone("a shared tablet")).await;
    assert_ne!(before.id, after.id, "what waits for the first one finds no device");
    let owners: Vec<Uuid> =
        sqlx::query_scalar("SELECT user_id FROM devices").fetch_all(world.database()).await.expect("owners");
    assert_eq!(owners, [second.uuid()]);
}

#[tokio::test]
async fn of_very_many_devices_the_oldest_go() {
    let world = World::start().await;
    let person = world.parent().await;
    let first = register(&world, &person, phone("0")).await;
    for number in 1..=20 {
        register(&world, &person, phone(&number.to_string())).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM devices").await, 20);
    let request = DeleteDeviceRequest { device_id: first.id };
    let gone = world.devices().delete_device(person.asks(request)).await.expect_err("the oldest");
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_device_that_registers_many_times_at_once_is_one() {
    let world = World::start().await;
    let person = world.parent().await;
    let devices = futures::future::join_all((0..8).map(|_| register(&world, &person, phone("eager")))).await;
    assert!(devices.iter().all(|device| device.id == devices[0].id));
    assert_eq!(world.number("SELECT count(*) FROM devices").await, 1);
}

#[tokio::test]
async fn strangers_and_nonsense_are_refused() {
    let world = World::start().await;
    let person = world.parent().await;
    let refuse = async |request: RegisterDeviceRequest| {
        violations(&world.devices().register_device(person.asks(request)).await.expect_err("nonsense"))
    };
    assert_eq!(refuse(RegisterDeviceRequest::default()).await, ["platform: required", "token: required"]);
    let keys = RegisterDeviceRequest { p256dh: Some("x".to_owned()), auth: Some("y".to_owned()), ..phone("t") };
    assert_eq!(refuse(keys).await, ["auth: only_for_web_push", "p256dh: only_for_web_push"]);
    let bare = RegisterDeviceRequest { p256dh: None, auth: None, ..browser("http://push.example/1") };
    assert_eq!(refuse(bare).await, ["auth: required", "p256dh: required", "token: not_https"]);
    let short =
        RegisterDeviceRequest { p256dh: Some("AAAA".to_owned()), auth: Some("!".to_owned()), ..browser("https://x") };
    assert_eq!(refuse(short).await, ["auth: invalid", "p256dh: invalid"]);
    assert_eq!(refuse(phone(&"t".repeat(2001))).await, ["token: too_long max=2000"]);
    let stranger = world.devices().register_device(Request::new(phone("t"))).await.expect_err("a stranger");
    assert_eq!(stranger.code(), Code::Unauthenticated);
    let nonsense = DeleteDeviceRequest { device_id: "x".to_owned() };
    let refused = world.devices().delete_device(person.asks(nonsense)).await.expect_err("nonsense");
    assert_eq!(violations(&refused), ["device_id: not_a_uuid"]);
    let key = world.devices().get_web_push_key(GetWebPushKeyRequest {}).await.expect_err("not configured");
    assert_eq!(key.code(), Code::NotFound);
}
