//! What is told to a person, by which ways, and the devices that take pushes.

use aipoten_proto::notification::v1::{
    DeleteDeviceRequest, DeleteNotificationRequest, Device, GetPreferencesRequest, GetUnreadCountRequest,
    GetWebPushKeyRequest, ListNotificationsRequest, Notification, Preferences, PutPreferencesRequest,
    ReadAllNotificationsRequest, ReadNotificationRequest, RegisterDeviceRequest, UnreadCount, WebPushKey,
};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::{Call, PublicCall};
use crate::envelope::{Data, List, data, list};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, Json, Query};
use crate::realtime::{self, Missed};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list_notifications))
        .routes(routes!(get_unread_count))
        .routes(routes!(read_all_notifications))
        .routes(routes!(get_preferences, put_preferences))
        .routes(routes!(stream_notifications))
        .routes(routes!(register_device))
        .routes(routes!(get_web_push_key))
        .routes(routes!(delete_device))
        .routes(routes!(read_notification))
        .routes(routes!(delete_notification))
}

/// The own notifications
#[utoipa::path(get, path = "/notifications", tag = "notifications", params(ListNotificationsRequest),
    responses((status = 200, description = "A page of notifications, the newest first", body = List<Notification>)))]
async fn list_notifications(
    State(gateway): State<Gateway>,
    call: Call,
    Query(query): Query<ListNotificationsRequest>,
) -> Answer<List<Notification>> {
    let answer = gateway.notifications().list_notifications(call.with(query)).await?.into_inner();
    Ok(list(answer.notifications, answer.page_info))
}

/// How many are not read
#[utoipa::path(get, path = "/notifications/unread-count", tag = "notifications",
    responses((status = 200, description = "The number", body = Data<UnreadCount>)))]
async fn get_unread_count(State(gateway): State<Gateway>, call: Call) -> Answer<Data<UnreadCount>> {
    let ask = GetUnreadCountRequest {};
    Ok(data(gateway.notifications().get_unread_count(call.with(ask)).await?.into_inner()))
}

/// Mark one as read
#[utoipa::path(patch, path = "/notifications/{notification_id}/read", tag = "notifications",
    params(("notification_id" = Uuid, Path, description = "The notification")),
    responses((status = 200, description = "The notification, read", body = Data<Notification>)))]
async fn read_notification(
    State(gateway): State<Gateway>,
    call: Call,
    Id(notification_id): Id,
) -> Answer<Data<Notification>> {
    let ask = ReadNotificationRequest { notification_id };
    Ok(data(gateway.notifications().read_notification(call.with(ask)).await?.into_inner()))
}

/// Mark all as read
#[utoipa::path(patch, path = "/notifications/read-all", tag = "notifications",
    responses((status = 200, description = "How many are left", body = Data<UnreadCount>)))]
async fn read_all_notifications(State(gateway): State<Gateway>, call: Call) -> Answer<Data<UnreadCount>> {
    let ask = ReadAllNotificationsRequest {};
    Ok(data(gateway.notifications().read_all_notifications(call.with(ask)).await?.into_inner()))
}

/// Delete one
#[utoipa::path(delete, path = "/notifications/{notification_id}", tag = "notifications",
    params(("notification_id" = Uuid, Path, description = "The notification")),
    responses((status = 204, description = "The notification is gone")))]
async fn delete_notification(
    State(gateway): State<Gateway>,
    call: Call,
    Id(notification_id): Id,
) -> Answer<StatusCode> {
    gateway.notifications().delete_notification(call.with(DeleteNotificationRequest { notification_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The own notifications as they come
///
/// Server-Sent Events: `event` is `matching_update`, `consultation_reminder`, `consultation_update` or `payment_update`, as the type
/// of the notification, or else `new_notification`; `id` is its id and `data` the notification as the list shows it. Some come twice:
/// drop the ids that are known. It ends when the access token expires (`token_expiring` tells a minute ahead) or the session ends.
#[utoipa::path(get, path = "/notifications/stream", tag = "notifications",
    params(("Last-Event-ID" = Option<String>, Header, description = "The newest notification that the client has: what came since is sent first")),
    responses((status = 200, description = "Events, until the connection ends", body = String, content_type = "text/event-stream")))]
async fn stream_notifications(State(gateway): State<Gateway>, call: Call, missed: Missed) -> Answer<Response> {
    realtime::open(gateway, &call, missed).await
}

/// What reaches the caller, and by which ways
#[utoipa::path(get, path = "/notifications/preferences", tag = "notifications",
    responses((status = 200, description = "Every type and way, with the defaults where nothing was said", body = Data<Preferences>)))]
async fn get_preferences(State(gateway): State<Gateway>, call: Call) -> Answer<Data<Preferences>> {
    let ask = GetPreferencesRequest {};
    Ok(data(gateway.preferences().get_preferences(call.with(ask)).await?.into_inner()))
}

/// Choose what reaches the caller
///
/// Sets what is named; the rest stays.
#[utoipa::path(put, path = "/notifications/preferences", tag = "notifications",
    responses((status = 200, description = "All choices as they are now", body = Data<Preferences>)))]
async fn put_preferences(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<PutPreferencesRequest>,
) -> Answer<Data<Preferences>> {
    Ok(data(gateway.preferences().put_preferences(call.with(body)).await?.into_inner()))
}

/// Have pushes sent to a device
///
/// Again renews it. A token that another account had is taken from it.
#[utoipa::path(post, path = "/notifications/devices", tag = "notifications",
    responses((status = 201, description = "The device", body = Data<Device>)))]
async fn register_device(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<RegisterDeviceRequest>,
) -> Answer<Data<Device>> {
    let device = gateway.devices().register_device(call.with(body)).await?.into_inner();
    Ok(data(device).created(|it| format!("/notifications/devices/{}", it.id)))
}

/// Send no more pushes to a device
#[utoipa::path(delete, path = "/notifications/devices/{device_id}", tag = "notifications",
    params(("device_id" = Uuid, Path, description = "The device")),
    responses((status = 204, description = "The device is gone")))]
async fn delete_device(State(gateway): State<Gateway>, call: Call, Id(device_id): Id) -> Answer<StatusCode> {
    gateway.devices().delete_device(call.with(DeleteDeviceRequest { device_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The key that browsers subscribe to pushes with
#[utoipa::path(get, path = "/notifications/devices/web-push-key", tag = "notifications", security(()),
    responses((status = 200, description = "The public key", body = Data<WebPushKey>)))]
async fn get_web_push_key(State(gateway): State<Gateway>, PublicCall(call): PublicCall) -> Answer<Data<WebPushKey>> {
    Ok(data(gateway.devices().get_web_push_key(call.with(GetWebPushKeyRequest {})).await?.into_inner()))
}
