//! What reaches a person, and how.

use std::collections::BTreeSet;

use aipoten_kit::test::violations;
use aipoten_notification::consumers as on;
use aipoten_proto::identity::v1::SecurityAlerted;
use aipoten_proto::matching::v1::RequestApproved;
use aipoten_proto::notification::v1::{
    Channel, DevicePlatform, GetPreferencesRequest, Preference, Preferences, PutPreferencesRequest,
    RegisterDeviceRequest, UnsubscribeRequest,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tonic::{Code, Request};
use uuid::Uuid;

use crate::events::Cast;
use crate::world::{Person, UNSUBSCRIBE_KEY, World, delivered, now, today};

async fn get(world: &World, person: &Person) -> Preferences {
    world.preferences().get_preferences(person.asks(GetPreferencesRequest {})).await.expect("choices").into_inner()
}

fn wish(kind: &str, channel: Channel, enabled: bool) -> Preference {
    Preference { r#type: kind.to_owned(), channel: channel.into(), enabled }
}

async fn put(world: &World, person: &Person, preferences: Vec<Preference>, quiet_hours: Option<bool>) -> Preferences {
    let request = PutPreferencesRequest { preferences, quiet_hours };
    world.preferences().put_preferences(person.asks(request)).await.expect("kept").into_inner()
}

fn enabled(preferences: &Preferences, kind: &str, channel: Channel) -> Option<bool> {
    let of = |it: &&aipoten_proto::notification::v1::ShownPreference| it.r#type == kind && it.channel() == channel;
    preferences.preferences.iter().find(of).map(|it| it.enabled)
}

async fn device(world: &World, person: &Person) {
    let request = RegisterDeviceRequest {
        platform: DevicePlatform::Fcm.into(),
        token: Uuid::now_v7().to_string(),
        ..RegisterDeviceRequest::default()
    };
    world.devices().register_device(person.asks(request)).await.expect("a device");
}

/// A session of this parent that is moved to then.
async fn moved(world: &World, parent: &Person, starts_at: DateTime<Utc>) {
    let cast = Cast { parent: parent.uuid(), ..Cast::new() };
    world.take(on::consultation_rescheduled, &delivered(cast.session, 3, cast.rescheduled(starts_at))).await;
}

/// The ways that wait for a person, with the hour in Korea of their next try.
async fn deliveries(world: &World, person: &Person) -> Vec<(String, DateTime<Utc>)> {
    sqlx::query_as("SELECT channel, next_attempt_at FROM deliveries WHERE user_id = $1 ORDER BY channel, id")
        .bind(person.uuid())
        .fetch_all(world.database())
        .await
        .expect("deliveries")
}

async fn ways(world: &World, person: &Person) -> Vec<String> {
    let ways = deliveries(world, person).await.into_iter().map(|(channel, _)| channel).collect();
    sqlx::query("DELETE FROM deliveries").execute(world.database()).await.expect("forgotten");
    ways
}

#[tokio::test]
async fn the_defaults_are_shown_and_each_role_sees_what_concerns_it() {
    let world = World::start().await;
    let (parent, therapist) = (get(&world, &world.parent().await).await, get(&world, &world.therapist().await).await);
    assert!(parent.quiet_hours && parent.updated_at.is_none());
    assert_eq!((parent.quiet_from.as_str(), parent.quiet_to.as_str()), ("21:00", "08:00"));
    let kinds = |of: &Preferences| of.preferences.iter().map(|it| it.r#type.clone()).collect::<BTreeSet<_>>();
    assert!(kinds(&parent).contains("payment_update") && !kinds(&parent).contains("settlement_update"));
    assert!(kinds(&therapist).contains("settlement_update") && !kinds(&therapist).contains("growth_reminder"));
    assert!(!kinds(&parent).contains("admin"));
    assert_eq!(enabled(&parent, "matching_update", Channel::Push), Some(true));
    assert_eq!(enabled(&parent, "matching_update", Channel::Sms), Some(false));
    assert_eq!(enabled(&parent, "new_video", Channel::Email), Some(false));
    assert_eq!(enabled(&parent, "unread_summary", Channel::Push), None);
    let fixed = |kind: &str, channel: Channel| {
        parent
            .preferences
            .iter()
            .any(|it| it.r#type == kind && it.channel() == channel && it.enabled && !it.is_changeable)
    };
    assert!(fixed("security", Channel::Email) && fixed("payment_update", Channel::Email));
    assert!(fixed("matching_update", Channel::InApp) && !fixed("matching_update", Channel::Email));
}

#[tokio::test]
async fn what_is_named_is_changed_and_the_rest_stays() {
    let world = World::start().await;
    let parent = world.parent().await;
    let first = vec![wish("matching_update", Channel::Email, false), wish("new_video", Channel::Push, true)];
    let shown = put(&world, &parent, first, None).await;
    assert_eq!(enabled(&shown, "matching_update", Channel::Email), Some(false));
    assert_eq!(enabled(&shown, "new_video", Channel::Push), Some(true));
    assert!(shown.quiet_hours && shown.updated_at.is_some());
    let fine = vec![wish("security", Channel::Email, true), wish("matching_update", Channel::InApp, true)];
    let shown = put(&world, &parent, fine, Some(false)).await;
    assert_eq!(enabled(&shown, "matching_update", Channel::Email), Some(false));
    assert!(!shown.quiet_hours);
    assert_eq!(get(&world, &parent).await, shown);
    let other = get(&world, &world.parent().await).await;
    assert_eq!(enabled(&other, "matching_update", Channel::Email), Some(true), "of nobody else");
}

#[tokio::test]
async fn everything_wrong_with_choices_is_told_at_once_and_nothing_is_kept() {
    let world = World::start().await;
    let parent = world.parent().await;
    let preferences = vec![
        wish("gossip", Channel::Email, true),
        wish("settlement_update", Channel::Email, false),
        wish("security", Channel::Email, false),
        wish("matching_update", Channel::InApp, false),
        wish("unread_summary", Channel::Sms, true),
        wish("matching_update", Channel::Push, false),
        wish("matching_update", Channel::Push, true),
    ];
    let request = PutPreferencesRequest { preferences, quiet_hours: Some(false) };
    let refused = world.preferences().put_preferences(parent.asks(request)).await.expect_err("wrong");
    let expected = [
        "preferences[0].type: unknown_notification_type",
        "preferences[1].type: unknown_notification_type",
        "preferences[2].enabled: always_on",
        "preferences[3].enabled: always_on",
        "preferences[4].channel: not_by_this_way",
        "preferences[6].channel: duplicate",
    ];
    assert_eq!(violations(&refused), expected);
    assert!(get(&world, &parent).await.updated_at.is_none());

    let preferences = vec![Preference::default(); 101];
    let request = PutPreferencesRequest { preferences, quiet_hours: None };
    let refused = world.preferences().put_preferences(parent.asks(request)).await.expect_err("too many");
    assert!(violations(&refused).contains(&"preferences: too_many max=100".to_owned()));
    assert!(violations(&refused).contains(&"preferences[0].channel: required".to_owned()));
    let stranger = world.preferences().get_preferences(Request::new(GetPreferencesRequest {})).await;
    assert_eq!(stranger.expect_err("a stranger").code(), Code::Unauthenticated);
    let stranger = world.preferences().put_preferences(Request::new(PutPreferencesRequest::default())).await;
    assert_eq!(stranger.expect_err("a stranger").code(), Code::Unauthenticated);
}

#[tokio::test]
async fn only_chosen_ways_are_taken_and_each_device_gets_its_own() {
    let world = World::start().await;
    let parent = world.parent().await;
    let later = now() + TimeDelta::days(9);
    moved(&world, &parent, later).await;
    assert_eq!(ways(&world, &parent).await, ["email"], "no device, no text messages");
    device(&world, &parent).await;
    device(&world, &parent).await;
    moved(&world, &parent, later).await;
    assert_eq!(ways(&world, &parent).await, ["email", "push", "push"]);
    let choices =
        vec![wish("consultation_update", Channel::Email, false), wish("consultation_update", Channel::Sms, true)];
    put(&world, &parent, choices, None).await;
    moved(&world, &parent, later).await;
    assert_eq!(ways(&world, &parent).await, ["push", "push", "sms"]);
    let alert = SecurityAlerted { user_id: parent.id.clone(), kind: "locked".to_owned() };
    put(&world, &parent, vec![wish("security", Channel::Email, true)], None).await;
    world.take(on::security_alerted, &delivered(parent.uuid(), 1, alert)).await;
    assert_eq!(ways(&world, &parent).await, ["email", "push", "push"]);
    let [request, package] = [Uuid::now_v7(), Uuid::now_v7()].map(|id| id.to_string());
    let approved = RequestApproved {
        request_id: request,
        package_id: package,
        therapist_id: Uuid::now_v7().to_string(),
        parent_user_id: parent.id.clone(),
    };
    world.take(on::request_approved, &delivered(Uuid::now_v7(), 1, approved)).await;
    assert_eq!(ways(&world, &parent).await, [] as [String; 0], "that is for the app alone");
}

/// Neither the new time nor the one before is today.
fn far() -> TimeDelta {
    TimeDelta::days(30)
}

#[tokio::test]
async fn push_rests_at_night_unless_it_is_about_today_or_the_person_does_not_want_that() {
    let world = World::start().await;
    let parent = world.parent().await;
    device(&world, &parent).await;
    let push = async |starts_at| {
        moved(&world, &parent, starts_at).await;
        let mut deliveries = deliveries(&world, &parent).await;
        sqlx::query("DELETE FROM deliveries").execute(world.database()).await.expect("forgotten");
        let at = |channel: &str| deliveries.iter().find(|it| it.0 == channel).expect("it waits").1;
        assert!(at("email") <= now(), "mail disturbs nobody");
        let at = at("push");
        deliveries.clear();
        at
    };
    let hour = |at: DateTime<Utc>| at.with_timezone(&chrono_tz::Asia::Seoul).hour();
    let at = push(now() + far()).await;
    assert!((8..21).contains(&hour(at)), "{at}");
    assert!(at <= now() || (8..9).contains(&hour(at)), "by day at once, else in the morning");
    let noon = today().and_hms_opt(12, 0, 0).expect("noon").and_local_timezone(chrono_tz::Asia::Seoul);
    assert!(push(noon.unwrap().to_utc()).await <= now(), "it is about today");
    let cast = Cast { parent: parent.uuid(), ..Cast::new() };
    let scheduled = cast.scheduled(noon.unwrap().to_utc());
    world.take(on::consultation_scheduled, &delivered(cast.session, 2, scheduled)).await;
    sqlx::query("DELETE FROM deliveries").execute(world.database()).await.expect("forgotten");
    world.take(on::consultation_cancelled, &delivered(cast.session, 3, cast.cancelled())).await;
    assert!(deliveries(&world, &parent).await.iter().all(|(_, at)| *at <= now()), "it would have been today");
    sqlx::query("DELETE FROM deliveries").execute(world.database()).await.expect("forgotten");
    put(&world, &parent, Vec::new(), Some(false)).await;
    assert!(push(now() + far()).await <= now(), "the person does not want to be spared");
}

/// As mails carry it.
fn secret(user_id: Uuid, kind: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(UNSUBSCRIBE_KEY.as_bytes()).expect("a key");
    mac.update(user_id.as_bytes());
    mac.update(kind.as_bytes());
    let tag = mac.finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([user_id.as_bytes().as_slice(), &tag, kind.as_bytes()].concat())
}

#[tokio::test]
async fn whoever_has_the_secret_of_a_mail_turns_its_type_off_and_nothing_else() {
    let world = World::start().await;
    let parent = world.parent().await;
    let unsubscribe = async |token: String| world.preferences().unsubscribe(UnsubscribeRequest { token }).await;
    for _ in 0..2 {
        let answer = unsubscribe(secret(parent.uuid(), "matching_update")).await.expect("off, and off again");
        assert_eq!(answer.into_inner().r#type, "matching_update");
    }
    let shown = get(&world, &parent).await;
    assert_eq!(enabled(&shown, "matching_update", Channel::Email), Some(false));
    assert_eq!(enabled(&shown, "matching_update", Channel::Push), Some(true));
    assert_eq!(enabled(&shown, "consultation_update", Channel::Email), Some(true));
    for (token, rule) in [
        (secret(parent.uuid(), "security"), "token: always_on"),
        (secret(parent.uuid(), "gossip"), "token: invalid"),
        ("x".to_owned(), "token: invalid"),
        (String::new(), "token: invalid"),
        (secret(parent.uuid(), "new_video").to_lowercase(), "token: invalid"),
    ] {
        assert_eq!(violations(&unsubscribe(token).await.expect_err("refused")), [rule]);
    }
}
